// INT8 addition and multiplication, avx2 build.
#include "kernels/residual/residual_loops.h"

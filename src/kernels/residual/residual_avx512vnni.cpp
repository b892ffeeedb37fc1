// INT8 addition and multiplication, avx512vnni build.
#include "kernels/residual/residual_loops.h"

// INT8 addition and multiplication, portable build.
#include "kernels/residual/residual_loops.h"

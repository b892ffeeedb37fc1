// float32 elementwise functions, avx2 build.
#include "kernels/elementwise/unary_loops.h"

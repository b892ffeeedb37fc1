// float32 elementwise functions, avx512vnni build.
#include "kernels/elementwise/unary_loops.h"

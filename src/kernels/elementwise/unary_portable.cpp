// float32 elementwise functions, portable build.
#include "kernels/elementwise/unary_loops.h"

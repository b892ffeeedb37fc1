// float32 binary functions, portable build.
#include "kernels/elementwise/binary_loops.h"

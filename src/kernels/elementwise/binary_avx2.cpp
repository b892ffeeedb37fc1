// float32 binary functions, avx2 build.
#include "kernels/elementwise/binary_loops.h"

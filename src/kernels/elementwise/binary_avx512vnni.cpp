// float32 binary functions, avx512vnni build.
#include "kernels/elementwise/binary_loops.h"

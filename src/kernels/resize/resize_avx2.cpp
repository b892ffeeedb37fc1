// Interpolation rows, avx2 build.
#include "kernels/resize/resize_loops.h"

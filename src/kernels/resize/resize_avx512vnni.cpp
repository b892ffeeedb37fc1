// Interpolation rows, avx512vnni build.
#include "kernels/resize/resize_loops.h"

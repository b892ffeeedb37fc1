// Interpolation rows, portable build.
#include "kernels/resize/resize_loops.h"

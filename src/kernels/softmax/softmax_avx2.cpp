// Softmax loops, avx2 build.
#include "kernels/softmax/softmax_loops.h"

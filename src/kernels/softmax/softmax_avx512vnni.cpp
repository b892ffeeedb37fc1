// Softmax loops, avx512vnni build.
#include "kernels/softmax/softmax_loops.h"

// Softmax loops, portable build.
#include "kernels/softmax/softmax_loops.h"

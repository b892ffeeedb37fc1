// Pooling loops, avx2 build.
#include "kernels/pool/pool_loops.h"

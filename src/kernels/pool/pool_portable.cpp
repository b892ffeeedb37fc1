// Pooling loops, portable build.
#include "kernels/pool/pool_loops.h"

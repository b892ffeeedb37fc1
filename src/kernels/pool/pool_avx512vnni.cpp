// Pooling loops, avx512vnni build.
#include "kernels/pool/pool_loops.h"

// Normalisation loops, avx2 build.
#include "kernels/normalize/normalize_loops.h"

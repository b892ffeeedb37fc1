// Normalisation loops, avx512vnni build.
#include "kernels/normalize/normalize_loops.h"

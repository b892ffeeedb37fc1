// Normalisation loops, portable build.
#include "kernels/normalize/normalize_loops.h"

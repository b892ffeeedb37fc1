// Conversion loops, avx2 build.
#include "kernels/quantize/quantize_loops.h"

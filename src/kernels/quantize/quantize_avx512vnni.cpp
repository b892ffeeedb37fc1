// Conversion loops, avx512vnni build.
#include "kernels/quantize/quantize_loops.h"

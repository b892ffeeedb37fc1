// Conversion loops, portable build.
#include "kernels/quantize/quantize_loops.h"

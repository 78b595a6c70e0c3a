// Kernels of the optimizers: one pass over a block of a flat buffer.
#pragma once
#include <stddef.h>

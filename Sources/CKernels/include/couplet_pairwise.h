// Kernels of the pairwise engine: tile epilogues.
#pragma once
#include <stddef.h>

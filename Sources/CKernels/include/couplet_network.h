// Kernels of the layers of encoders: bias and activation, convolution, pooling.
#pragma once
#include <stddef.h>

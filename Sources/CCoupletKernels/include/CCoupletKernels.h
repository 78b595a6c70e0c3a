// The C code of Couplet: vector kernels, elementary functions, a measurement of peak arithmetic, and a function for
// breakpoints. Swift code decides which kernels run, on which memory and in which order.
#pragma once
#include "couplet_elementary.h"
#include "couplet_flat_buffer.h"
#include "couplet_floating_point_mode.h"
#include "couplet_instruction_set.h"
#include "couplet_kernel_methods.h"
#include "couplet_linear_algebra.h"
#include "couplet_network.h"
#include "couplet_pairs.h"
#include "couplet_pairwise.h"
#include "couplet_pairwise_small.h"
#include "couplet_peak.h"
#include "couplet_product.h"
#include "couplet_random.h"
#include "couplet_replay.h"
#include "couplet_retrieval.h"

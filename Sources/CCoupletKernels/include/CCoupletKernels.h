// The vector kernels of Couplet, in C. Each is one loop; all decisions are made in Swift.
#pragma once
#include "couplet_flat_buffer.h"
#include "couplet_kernel_methods.h"
#include "couplet_network.h"
#include "couplet_pairs.h"
#include "couplet_pairwise.h"
#include "couplet_peak.h"
#include "couplet_random.h"
#include "couplet_replay.h"
#include "couplet_retrieval.h"

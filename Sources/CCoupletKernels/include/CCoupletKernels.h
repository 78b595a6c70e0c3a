// The vector kernels of Couplet, in C: one loop each. All that decides is Swift.
#pragma once
#include "couplet_features.h"
#include "couplet_network.h"
#include "couplet_optimizer.h"
#include "couplet_pairs.h"
#include "couplet_pairwise.h"
#include "couplet_random.h"
#include "couplet_regression.h"
#include "couplet_replay.h"
#include "couplet_retrieval.h"
#include "couplet_search.h"
#include "couplet_vector.h"

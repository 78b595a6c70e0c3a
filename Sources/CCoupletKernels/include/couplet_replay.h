// What a replay of a training step wants.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Does nothing: a place for a debugger to stop. `couplet replay` calls it right before the step that it was asked for, so that a
// breakpoint on this name passes by the steps on the way; what follows is TrainingStep.run.
void couplet_replayed_step(int64_t step);

// Figures of a row of scores: column_largest[j] is raised to scores[j]; sums[0] += Σ_j (scores[j] - center), sums[1] += Σ_j of their
// squares, in single precision within the row. Returns the largest score; -infinity where there is none.
float couplet_score_figures(size_t count, const float *scores, float center, float *column_largest, double *sums);

// The debugger's hook of a replayed training step.
#pragma once
#include <stdint.h>

// Does nothing: a function for a breakpoint. `couplet replay` calls it directly before the requested step, so a
// breakpoint on this name skips the earlier steps. TrainingStep.run follows.
void couplet_replayed_step(int64_t step);

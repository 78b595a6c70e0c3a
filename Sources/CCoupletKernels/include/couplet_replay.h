// A function for breakpoints at a replayed training step.
#pragma once
#include <stdint.h>

// Does nothing; a debugger can set a breakpoint on it. `couplet replay` calls it directly before `TrainingStep.run` of
// the requested step, so the breakpoint skips the earlier steps.
void couplet_replayed_step(int64_t step);

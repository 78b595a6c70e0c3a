// Where a debugger stops.
#pragma once
#include <stdint.h>

// Does nothing. `couplet replay` calls it right before the step that it was asked for, so that a breakpoint on this name passes by the steps on
// the way; what follows is TrainingStep.run.
void couplet_replayed_step(int64_t step);

// Drifters in a periodic flow: integration of their tracks, misfits of observed tracks, and inputs of encoders.
#pragma once
#include <stddef.h>
#include <stdint.h>

// The largest wavenumber of a stream function in x and in y.
#define COUPLET_LARGEST_WAVENUMBER 16
// The number of modes in a half of that square, without 0.
#define COUPLET_MOST_OCEAN_MODES (2 * COUPLET_LARGEST_WAVENUMBER * (COUPLET_LARGEST_WAVENUMBER + 1))

// The stream function on the square [0, 1)²:
//   ψ(x, y) = Σ_m a_m cos θ_m + b_m sin θ_m,   θ_m = 2π (k_m x + l_m y)
// with the wavenumbers (k_m, l_m), 2 per mode, 0 <= k_m and |k_m|, |l_m| <= COUPLET_LARGEST_WAVENUMBER. The velocity is
// (-∂ψ/∂y, ∂ψ/∂x).

// Integrates tracks by the classical Runge-Kutta method of order 4. Drifter i moves in flow flows[i].
//   coefficients   2π a_m, 2π b_m of each flow: flows × 2 modes
//   starts         x, y of each drifter, any real numbers
//   times          number of observed times; `steps` steps of length `step` lie before each
//   positions      drifters × (times + 1) × 2: the start, then the position at each time, unwrapped
// A track does not depend on the other drifters. Angles are rounded to 2^-32 turns.
void couplet_drifter_positions(size_t modes, const int32_t *wavenumbers, const float *coefficients, size_t drifters,
                               const uint32_t *flows, const float *starts, size_t times, size_t steps, float step,
                               float *positions);

// misfits[i] = Σ_k (positions[i][k] - observed[k])² in Double, for `count` rows of `width` numbers: eight sums of the
// terms k mod 8 in order, added in pairs.
void couplet_drifter_misfits(size_t count, size_t width, const float *positions, const float *observed,
                             double *misfits);

// Inputs of an encoder from observed tracks: for each drifter cos and sin of 2π h x and of 2π h y for the start (x, y)
// and h = 1 … harmonics, then scale · (position - start) for each time.
//   positions   drifters × (times + 1) × 2
//   inputs      drifters × (4 harmonics + 2 times)
void couplet_drifter_inputs(size_t drifters, size_t times, size_t harmonics, float scale, const float *positions,
                            float *inputs);

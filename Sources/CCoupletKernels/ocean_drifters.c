#ifndef COUPLET_SET
#include "couplet_drifters.h"
#define couplet_drift_velocity NAME(couplet_drift_velocity)
#define COUPLET_KERNELS "ocean_drifters.c"
#include "couplet_instruction_sets.h"
COUPLET_DISPATCH(couplet_drifter_positions)
COUPLET_DISPATCH(couplet_drifter_misfits)
COUPLET_DISPATCH(couplet_drifter_inputs)

#else

// The velocities of 16 drifters. The powers of e^(2πi x) and e^(2πi y) give e^(iθ_m) by one product each.
COUPLET_INLINE void couplet_drift_velocity(size_t modes, const int32_t *wavenumbers, int largest,
                                           const couplet_floats *coefficients, couplet_floats x, couplet_floats y,
                                           couplet_floats *u, couplet_floats *v) {
    couplet_floats cos_x[COUPLET_LARGEST_WAVENUMBER + 1], sin_x[COUPLET_LARGEST_WAVENUMBER + 1];
    couplet_floats cos_y[COUPLET_LARGEST_WAVENUMBER + 1], sin_y[COUPLET_LARGEST_WAVENUMBER + 1];
    float angles[2][COUPLET_LANES], cosines[2][COUPLET_LANES], sines[2][COUPLET_LANES];
    couplet_store(angles[0], x);
    couplet_store(angles[1], y);
    for (size_t axis = 0; axis < 2; axis++)
        for (size_t i = 0; i < COUPLET_LANES; i++) couplet_turns(angles[axis][i], &cosines[axis][i], &sines[axis][i]);
    cos_x[0] = cos_y[0] = couplet_broadcast(1), sin_x[0] = sin_y[0] = couplet_broadcast(0);
    cos_x[1] = couplet_load(cosines[0]), sin_x[1] = couplet_load(sines[0]);
    cos_y[1] = couplet_load(cosines[1]), sin_y[1] = couplet_load(sines[1]);
    for (int k = 2; k <= largest; k++) {
        cos_x[k] = couplet_fma(cos_x[k - 1], cos_x[1], -(sin_x[k - 1] * sin_x[1]));
        sin_x[k] = couplet_fma(sin_x[k - 1], cos_x[1], cos_x[k - 1] * sin_x[1]);
        cos_y[k] = couplet_fma(cos_y[k - 1], cos_y[1], -(sin_y[k - 1] * sin_y[1]));
        sin_y[k] = couplet_fma(sin_y[k - 1], cos_y[1], cos_y[k - 1] * sin_y[1]);
    }
    couplet_floats sum_u = couplet_broadcast(0), sum_v = couplet_broadcast(0);
    for (size_t m = 0; m < modes; m++) {
        const int k = wavenumbers[2 * m], l = wavenumbers[2 * m + 1], size = l < 0 ? -l : l;
        const couplet_floats sine = l < 0 ? -sin_y[size] : sin_y[size];
        const couplet_floats cos_theta = couplet_fma(cos_x[k], cos_y[size], -(sin_x[k] * sine));
        const couplet_floats sin_theta = couplet_fma(sin_x[k], cos_y[size], cos_x[k] * sine);
        // ∂ψ/∂θ, times 2π.
        const couplet_floats slope =
            couplet_fma(coefficients[2 * m + 1], cos_theta, -(coefficients[2 * m] * sin_theta));
        sum_u = couplet_fma(couplet_broadcast((float)-l), slope, sum_u);
        sum_v = couplet_fma(couplet_broadcast((float)k), slope, sum_v);
    }
    *u = sum_u, *v = sum_v;
}

void NAME(couplet_drifter_positions)(size_t modes, const int32_t *wavenumbers, const float *coefficients,
                                     size_t drifters, const uint32_t *flows, const float *starts, size_t times,
                                     size_t steps, float step, float *positions) {
    couplet_floats own[2 * COUPLET_MOST_OCEAN_MODES];
    int largest = 1;
    for (size_t i = 0; i < 2 * modes; i++) {
        const int size = wavenumbers[i] < 0 ? -wavenumbers[i] : wavenumbers[i];
        largest = size > largest ? size : largest;
    }
    const couplet_floats half = couplet_broadcast(0.5f * step), whole = couplet_broadcast(step);
    const couplet_floats sixth = couplet_broadcast(step / 6.0f), two = couplet_broadcast(2);
    for (size_t first = 0; first < drifters; first += COUPLET_LANES) {
        const size_t present = drifters - first < COUPLET_LANES ? drifters - first : COUPLET_LANES;
        float lanes[2][COUPLET_LANES];
        // Lanes without a drifter repeat the last one.
        for (size_t i = 0; i < COUPLET_LANES; i++) {
            const size_t drifter = first + (i < present ? i : present - 1);
            const float *flow = coefficients + flows[drifter] * 2 * modes;
            lanes[0][i] = starts[2 * drifter], lanes[1][i] = starts[2 * drifter + 1];
            for (size_t c = 0; c < 2 * modes; c++) ((float *)&own[c])[i] = flow[c];
        }
        couplet_floats x = couplet_load(lanes[0]), y = couplet_load(lanes[1]);
        for (size_t time = 0; time <= times; time++) {
            for (size_t s = 0; time > 0 && s < steps; s++) {
                couplet_floats u1, v1, u2, v2, u3, v3, u4, v4;
                couplet_drift_velocity(modes, wavenumbers, largest, own, x, y, &u1, &v1);
                couplet_drift_velocity(modes, wavenumbers, largest, own, couplet_fma(half, u1, x),
                                       couplet_fma(half, v1, y), &u2, &v2);
                couplet_drift_velocity(modes, wavenumbers, largest, own, couplet_fma(half, u2, x),
                                       couplet_fma(half, v2, y), &u3, &v3);
                couplet_drift_velocity(modes, wavenumbers, largest, own, couplet_fma(whole, u3, x),
                                       couplet_fma(whole, v3, y), &u4, &v4);
                x = couplet_fma(sixth, couplet_fma(two, u2 + u3, u1) + u4, x);
                y = couplet_fma(sixth, couplet_fma(two, v2 + v3, v1) + v4, y);
            }
            couplet_store(lanes[0], x);
            couplet_store(lanes[1], y);
            for (size_t i = 0; i < present; i++) {
                float *position = positions + ((first + i) * (times + 1) + time) * 2;
                position[0] = lanes[0][i], position[1] = lanes[1][i];
            }
        }
    }
}

void NAME(couplet_drifter_misfits)(size_t count, size_t width, const float *positions, const float *observed,
                                   double *misfits) {
    for (size_t row = 0; row < count; row++) {
        const float *x = positions + row * width;
        double sums[8] = {0};
        size_t k = 0;
        for (; k + 8 <= width; k += 8)
            for (size_t j = 0; j < 8; j++) {
                const double difference = (double)x[k + j] - (double)observed[k + j];
                sums[j] += difference * difference;
            }
        for (size_t j = 0; k + j < width; j++) {
            const double difference = (double)x[k + j] - (double)observed[k + j];
            sums[j] += difference * difference;
        }
        misfits[row] = ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7]));
    }
}

void NAME(couplet_drifter_inputs)(size_t drifters, size_t times, size_t harmonics, float scale, const float *positions,
                                  float *inputs) {
    const size_t columns = 4 * harmonics + 2 * times;
    for (size_t i = 0; i < drifters; i++) {
        const float *track = positions + i * 2 * (times + 1);
        float *row = inputs + i * columns;
        for (size_t h = 1; h <= harmonics; h++)
            for (size_t axis = 0; axis < 2; axis++) {
                // The fraction first, so that the multiple is as accurate far from the origin.
                const float fraction = track[axis] - __builtin_floorf(track[axis]);
                couplet_turns((float)h * fraction, row, row + 1);
                row += 2;
            }
        for (size_t k = 0; k < 2 * times; k++) row[k] = scale * (track[2 + k] - track[k & 1]);
    }
}

#endif

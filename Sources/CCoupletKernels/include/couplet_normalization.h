// Normalisation layers. A tensor is a matrix of rows × channels, row-major: images are [height, width, channels] and
// sequences [positions, channels], so a "row" is one position of one sample.
//
// Sums over rows run in blocks of 32 rows. Within a block, rows are added in order in single precision, where the
// differences are taken from the block's first row (moments) or from the mean (gradients); blocks are added in order in
// double precision. So large means do not cancel, and the bits depend on the operands only.
//
// An activation is COUPLET_IDENTITY, COUPLET_RELU or COUPLET_LEAKY_RELU (couplet_product.h): z < 0 ? slope z : z.
#pragma once
#include <stddef.h>

// Floats of scratch memory that a function below needs.
#define COUPLET_NORMALIZATION_SCRATCH(channels) (14 * (size_t)(channels) + 16)

// MARK: Batch normalisation: statistics of a channel over all rows (Ioffe and Szegedy, ICML 2015)

// q = Σ (x - mean[c])²
// inverse[c] = 1 / √(q / rows + epsilon)
// variance[c] = q / (rows - 1), but 0 for one row. `variance` may be null.
void couplet_batch_norm_statistics(size_t rows, size_t channels, const float *x, float epsilon, float *mean,
                                   float *inverse, float *variance, float *scratch);

// y = f((x - mean[c]) (weight[c] inverse[c]) + bias[c]). y may be x.
void couplet_batch_norm_apply(size_t rows, size_t channels, const float *x, const float *mean, const float *inverse,
                              const float *weight, const float *bias, int activation, float slope, float *y,
                              float *scratch);

// With g = gradient f'(z), z the argument of f: bias_gradient[c] = Σ g and
// weight_gradient[c] = Σ g (x - mean[c]) inverse[c]. The sign of z is computed from x again, by the same arithmetic.
void couplet_batch_norm_backward_sums(size_t rows, size_t channels, const float *x, const float *mean,
                                      const float *inverse, const float *weight, const float *bias, int activation,
                                      float slope, const float *gradient, float *weight_gradient, float *bias_gradient,
                                      float *scratch);

// dx = weight inverse (g - bias_gradient / rows - (x - mean) inverse weight_gradient / rows), or weight inverse g if
// `are_fixed`: mean and inverse are running statistics. g is computed as above. dx may be the gradient.
void couplet_batch_norm_backward_input(size_t rows, size_t channels, const float *x, const float *mean,
                                       const float *inverse, const float *weight, const float *bias, int activation,
                                       float slope, const float *gradient, const float *weight_gradient,
                                       const float *bias_gradient, int are_fixed, float *dx, float *scratch);

// MARK: Group normalisation: statistics of a group of channels over the positions of a sample (Wu and He, ECCV 2018)

// x is samples × positions × channels. mean and inverse are samples × groups.
void couplet_group_norm(size_t samples, size_t positions, size_t channels, size_t groups, const float *x, float epsilon,
                        const float *weight, const float *bias, int activation, float slope, float *y, float *mean,
                        float *inverse, float *scratch);

// The gradients; weight_gradient and bias_gradient are overwritten. dx may be null.
void couplet_group_norm_backward(size_t samples, size_t positions, size_t channels, size_t groups, const float *x,
                                 const float *mean, const float *inverse, const float *weight, const float *bias,
                                 int activation, float slope, const float *gradient, float *weight_gradient,
                                 float *bias_gradient, float *dx, float *scratch);

// MARK: Layer normalisation: statistics of a row (Ba, Kiros and Hinton, 2016)

// y = (x - mean[r]) inverse[r] weight[c] + bias[c], inverse[r] = 1 / √(variance[r] + epsilon). Sums over a row in 16
// lanes.
void couplet_layer_norm(size_t rows, size_t channels, const float *x, float epsilon, const float *weight,
                        const float *bias, float *y, float *mean, float *inverse);

// The gradients; weight_gradient and bias_gradient are overwritten. dx may be null, or the gradient.
void couplet_layer_norm_backward(size_t rows, size_t channels, const float *x, const float *mean, const float *inverse,
                                 const float *weight, const float *gradient, float *weight_gradient,
                                 float *bias_gradient, float *dx, float *scratch);

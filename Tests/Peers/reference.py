"""The textbook: encoders and the B × B loss in JAX, in double precision, written as the formulas are and differentiated automatically."""

import jax

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
from jax.scipy.special import erf, logsumexp

ACTIVATIONS = {
    "relu": lambda x: jnp.maximum(x, 0),
    "leaky_relu": lambda x: jnp.where(x > 0, x, 0.01 * x),
    "gelu": lambda x: 0.5 * x * (1 + erf(x / jnp.sqrt(2.0))),
    "tanh": jnp.tanh,
}


def encode(kind, activation, parameters, inputs):
    """`parameters`: for each layer {weight [out, in], bias [out] or none}; for labels one weight [classes, e]."""
    if kind == "labels":
        return parameters[0]["weight"][inputs]
    for number, layer in enumerate(parameters):
        inputs = inputs @ layer["weight"].T
        if "bias" in layer:
            inputs = inputs + layer["bias"]
        if number + 1 < len(parameters):
            inputs = ACTIVATIONS[activation](inputs)
    return inputs


def scores(similarity, first, second, log_inverse_temperature):
    """S_ij = κ(g_i, h_j) / τ"""
    if similarity == "cosine":
        first = first / jnp.linalg.norm(first, axis=1, keepdims=True)
        second = second / jnp.linalg.norm(second, axis=1, keepdims=True)
    if similarity == "quadratic":
        values = -0.5 * jnp.sum((first[:, None, :] - second[None, :, :]) ** 2, axis=2)
    else:
        values = first @ second.T
    return values * jnp.exp(log_inverse_temperature)


def distances(first, second, p, power):
    """Σ_k |g_ik - h_jk|^p or its root, which has the gradient 0 where it is 0."""
    values = jnp.sum(jnp.abs(first[:, None, :] - second[None, :, :]) ** p, axis=2)
    if power:
        return values
    return jnp.where(values > 0, jnp.where(values > 0, values, 1.0) ** (1 / p), 0.0)


def lp_simclr_scores(p, power, negatives, first, second, log_inverse_temperature):
    """Of both directions, for each anchor those of its negatives and last of its positive. The second batch is the batch itself, in another order."""
    across = -distances(first, second, p, power) * jnp.exp(log_inverse_temperature)
    positives = jnp.diagonal(across)[:, None]
    if negatives == "other_modality":
        return jnp.stack([jnp.concatenate([across, positives], axis=1), jnp.concatenate([across.T, positives], axis=1)])
    within = [-distances(side, side, p, power) * jnp.exp(log_inverse_temperature) for side in (first, second)]
    return jnp.stack([jnp.concatenate([side, positives], axis=1) for side in within])


def nt_xent_scores(similarity, first, second, log_inverse_temperature):
    """2N × 2N, of the encodings of both modalities."""
    encodings = jnp.concatenate([first, second])
    return scores(similarity, encodings, encodings, log_inverse_temperature)


def loss_of_all(name, negatives, values):
    """lp_simclr and nt_xent, of the scores above."""
    if name == "nt_xent":
        count = values.shape[0] // 2
        positives = jnp.concatenate([jnp.diagonal(values, count), jnp.diagonal(values, -count)])
        return jnp.mean(off_diagonal_logsumexp(values, axis=1) - positives)
    # Of the other modality the positive is among the negatives already.
    summed = values if negatives == "same_modality" else values[:, :, :-1]
    return jnp.mean(logsumexp(summed, axis=2) - jnp.log(summed.shape[2]) - values[:, :, -1])


def off_diagonal_logsumexp(values, axis=None):
    return logsumexp(jnp.where(jnp.eye(values.shape[0], dtype=bool), -jnp.inf, values), axis=axis)


def kernel_matrix(name, data):
    """k(x_i, x_j) of a kernel that has no random part."""
    products = data @ data.T
    return products if name == "linear" else (1 + products) ** 2


def discrepancy(probabilities, kernel):
    """½ |Σ_i w_ij φ_i - φ_j|² for each column j of w, by the kernel matrix k = ⟨φ, φ⟩."""
    weighted = kernel @ probabilities
    return (0.5 * jnp.sum(probabilities * weighted, axis=0) - jnp.sum(probabilities * kernel, axis=0)
            + 0.5 * jnp.diagonal(kernel))


def loss(name, weights, values, bias=0.0, kernels=None):
    """A batch's loss from its B × B scores, and for the sigmoid a bias, for the maximum mean discrepancy the kernel matrices of both sides."""
    count = values.shape[0]
    positives = jnp.diagonal(values)
    if name == "conditional":
        rows, columns = logsumexp(values, axis=1), logsumexp(values, axis=0)
        return jnp.mean(weights[0] * (columns - positives) + weights[1] * (rows - positives))
    if name == "decoupled":
        rows, columns = off_diagonal_logsumexp(values, axis=1), off_diagonal_logsumexp(values, axis=0)
        return jnp.mean(weights[0] * (columns - positives) + weights[1] * (rows - positives))
    if name == "joint":
        return logsumexp(values) - 2 * jnp.log(count) - jnp.mean(positives)
    if name == "joint_off_diagonal":
        return off_diagonal_logsumexp(values) - jnp.log(count * (count - 1.0)) - jnp.mean(positives)
    if name == "sigmoid":
        signs = 2 * jnp.eye(count) - 1
        return jnp.sum(jnp.logaddexp(0, -signs * (values + bias))) / count
    if name == "mmd":
        columns, rows = jax.nn.softmax(values, axis=0), jax.nn.softmax(values, axis=1)
        return jnp.mean(weights[0] * discrepancy(columns, kernels[0]) + weights[1] * discrepancy(rows.T, kernels[1]))
    raise ValueError(name)

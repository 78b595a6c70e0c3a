"""Symmetric InfoNCE, loss and the gradients of both sides, from unit encodings in memory, in the systems that a user would pick instead.

    loss.py --batch 8192 --dim 128 --allocator both --encodings encodings.h5

prints one JSON object for each implementation: loss, norms of the two gradients, median and least seconds, peak memory.
"""

import argparse
import os
import sys

import measure

IMPLEMENTATIONS = ["jax", "openclip", "openclip_compiled"]


def encodings(options):
    """Two B × d arrays of unit rows: from the file if there is one, else drawn by numpy, and written to the file if one is named."""
    import numpy

    path = options.encodings
    if path and os.path.exists(path):
        if path.endswith(".npy"):
            first, second = numpy.load(path)
        else:
            import h5py
            with h5py.File(path) as file:
                first, second = file["first"][:], file["second"][:]
        if first.shape != second.shape or first.ndim != 2:
            sys.exit(f"{path}: shapes {first.shape} and {second.shape}, two equal B × d wanted")
        return first.astype(numpy.float32), second.astype(numpy.float32)

    generator = numpy.random.default_rng(options.seed)
    pairs = generator.standard_normal((2, options.batch, options.dim))
    pairs[1] += pairs[0]  # so that a pair is nearer than a stranger
    pairs /= numpy.linalg.norm(pairs, axis=2, keepdims=True)
    pairs = pairs.astype(numpy.float32)
    if path:
        temporary = f"{path}.{os.getpid()}"
        if path.endswith(".npy"):
            with open(temporary, "wb") as file:
                numpy.save(file, pairs)
        else:
            import h5py
            with h5py.File(temporary, "w") as file:
                file["first"], file["second"] = pairs
        os.replace(temporary, path)
    return pairs[0], pairs[1]


def jax_step(first, second, options):
    import jax
    import jax.numpy as jnp
    from jax.scipy.special import logsumexp

    def loss(u, v):
        scores = u @ v.T / options.temperature
        positive = jnp.diagonal(scores)
        return jnp.mean(0.5 * (logsumexp(scores, axis=1) + logsumexp(scores, axis=0)) - positive)

    compiled = jax.jit(jax.value_and_grad(loss, argnums=(0, 1)))
    u, v = jax.device_put(first), jax.device_put(second)

    def step():
        value, gradients = compiled(u, v)
        return jax.block_until_ready((value, *gradients))

    return step, f"jax {jax.__version__}"


def openclip_step(first, second, options, compiled):
    import torch

    torch.set_num_threads(options.threads)
    objective = measure.open_clip_loss()(cache_labels=True)
    scale = torch.tensor(1 / options.temperature)
    u = torch.from_numpy(first).requires_grad_()
    v = torch.from_numpy(second).requires_grad_()

    def loss(u, v):
        return objective(u, v, scale)

    if compiled:
        loss = torch.compile(loss, fullgraph=True, dynamic=False)

    def step():
        u.grad = v.grad = None
        value = loss(u, v)
        value.backward()
        return value.detach(), u.grad, v.grad

    return step, f"torch {torch.__version__}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=8192)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--temperature", type=float, default=0.07)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--encodings", metavar="FILE", help=".h5 (/first, /second) or .npy (2 × B × d); read if it exists, else written")
    measure.add_options(parser, IMPLEMENTATIONS)
    options = parser.parse_args()
    implementation = measure.implementation_here()
    if implementation is None:
        measure.run_each(options, IMPLEMENTATIONS)
    measure.settle_threads(options.threads)

    import numpy

    first, second = encodings(options)
    if implementation == "jax":
        step, version = jax_step(first, second, options)
    else:
        step, version = openclip_step(first, second, options, compiled=implementation == "openclip_compiled")
    loss, first_gradient, second_gradient = step()
    results = {
        "loss": float(loss),
        "first_gradient_norm": float(numpy.linalg.norm(numpy.asarray(first_gradient, dtype=numpy.float64))),
        "second_gradient_norm": float(numpy.linalg.norm(numpy.asarray(second_gradient, dtype=numpy.float64))),
    }
    del loss, first_gradient, second_gradient
    measure.time_round(step, options.warmup)
    for _ in measure.rounds(options):
        measure.report(
            options, measure.time_round(step, options.repeat), version=version, batch=first.shape[0], dim=first.shape[1],
            temperature=options.temperature, **results)


if __name__ == "__main__":
    main()

"""One training step of ResNet-18 on images of 64 × 64 with a small text encoder (the mean of 32 token embeddings of width 128, then a linear layer),
B = 256, embeddings of 128 numbers, symmetric InfoNCE, SGD with momentum, in the systems that a user would pick instead.

    image_step.py                                          each implementation for itself
    image_step.py --couplet .build/release/couplet         Couplet and PyTorch in turn; a table of medians and ratios

PyTorch has channels last, except for `torch`; its batch normalisation takes all 256 images, Couplet's a shard of 128.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile

import measure

IMPLEMENTATIONS = ["torch", "torch_channels_last", "torch_compiled", "jax"]
BATCH, SIDE, TOKENS, VOCABULARY, WIDTH, EMBEDDING = 256, 64, 32, 5000, 128, 128
TEMPERATURE, LEARNING_RATE, MOMENTUM = 0.07, 0.01, 0.9


def batch():
    import numpy

    generator = numpy.random.default_rng(1)
    images = generator.standard_normal((BATCH, 3, SIDE, SIDE)).astype(numpy.float32)
    return images, generator.integers(1, VOCABULARY, (BATCH, TOKENS))


def torch_step(options, implementation):
    import torch
    import torch.nn.functional as F
    from torch import nn

    from residual_network import residual_network

    torch.set_num_threads(options.threads)
    images, tokens = map(torch.from_numpy, batch())
    first = residual_network("resnet18", EMBEDDING)
    second = nn.Sequential(nn.EmbeddingBag(VOCABULARY, WIDTH, mode="mean", padding_idx=0), nn.Linear(WIDTH, EMBEDDING))
    if implementation != "torch":
        first, images = first.to(memory_format=torch.channels_last), images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD([*first.parameters(), *second.parameters()], lr=LEARNING_RATE, momentum=MOMENTUM)
    targets = torch.arange(BATCH)

    def loss():
        scores = F.normalize(first(images), dim=1) @ F.normalize(second(tokens), dim=1).T / TEMPERATURE
        return 0.5 * (F.cross_entropy(scores, targets) + F.cross_entropy(scores.T, targets))

    if implementation == "torch_compiled":
        loss = torch.compile(loss, dynamic=False)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss().backward()
        optimizer.step()

    return step, f"torch {torch.__version__}"


def jax_step():
    import jax
    import jax.numpy as jnp
    import numpy

    generator = numpy.random.default_rng(2)

    def kernel(size, inputs, outputs):
        scale = (2 / (size * size * outputs)) ** 0.5
        return (scale * generator.standard_normal((size, size, inputs, outputs))).astype(numpy.float32)

    def normalisation(channels):
        return numpy.ones(channels, numpy.float32), numpy.zeros(channels, numpy.float32)

    parameters = {"stem": (kernel(7, 3, 64), normalisation(64)), "blocks": []}
    strides, width = [], 64
    for stage in range(4):
        for block in range(2):
            outputs, stride = 64 << stage, 2 if stage > 0 and block == 0 else 1
            projection = (kernel(1, width, outputs), normalisation(outputs)) if stride > 1 else None
            parameters["blocks"].append(((kernel(3, width, outputs), normalisation(outputs)),
                                         (kernel(3, outputs, outputs), normalisation(outputs)), projection))
            strides.append(stride)
            width = outputs
    parameters["last"] = (generator.standard_normal((512, EMBEDDING)) / 23).astype(numpy.float32)
    parameters["table"] = generator.standard_normal((VOCABULARY, WIDTH)).astype(numpy.float32)
    parameters["second"] = (generator.standard_normal((WIDTH, EMBEDDING)) / 11).astype(numpy.float32)

    def convolved(x, layer, stride, padding):
        weight, (scale, shift) = layer
        x = jax.lax.conv_general_dilated(x, weight, (stride, stride), [(padding, padding)] * 2, dimension_numbers=("NHWC", "HWIO", "NHWC"))
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        return (x - mean) * (scale * jax.lax.rsqrt(variance + 1e-5)) + shift

    def encoded(state, x):
        x = jax.nn.relu(convolved(x, state["stem"], 2, 3))
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), (1, 2, 2, 1), [(0, 0), (1, 1), (1, 1), (0, 0)])
        for (one, two, projection), stride in zip(state["blocks"], strides):
            y = convolved(jax.nn.relu(convolved(x, one, stride, 1)), two, 1, 1)
            x = jax.nn.relu(y + (x if projection is None else convolved(x, projection, stride, 0)))
        return x.mean((1, 2)) @ state["last"]

    def loss(state, images, tokens):
        u, v = encoded(state, images), state["table"][tokens].mean(1) @ state["second"]
        u, v = u / jnp.linalg.norm(u, axis=1, keepdims=True), v / jnp.linalg.norm(v, axis=1, keepdims=True)
        scores = u @ v.T / TEMPERATURE
        logsumexp = jax.scipy.special.logsumexp
        return jnp.mean(0.5 * (logsumexp(scores, axis=1) + logsumexp(scores, axis=0)) - jnp.diagonal(scores))

    def update(state, velocity, images, tokens):
        gradient = jax.grad(loss)(state, images, tokens)
        velocity = jax.tree_util.tree_map(lambda v, g: MOMENTUM * v + g, velocity, gradient)
        return jax.tree_util.tree_map(lambda p, v: p - LEARNING_RATE * v, state, velocity), velocity

    compiled = jax.jit(update, donate_argnums=(0, 1))
    images, tokens = batch()
    images, tokens = jax.device_put(images.transpose(0, 2, 3, 1)), jax.device_put(tokens)
    carried = [jax.device_put(parameters), jax.tree_util.tree_map(jnp.zeros_like, parameters)]

    def step():
        carried[:] = compiled(*carried, images, tokens)
        jax.block_until_ready(carried)

    return step, f"jax {jax.__version__}"


def config(folder):
    """Couplet's config, with the same pairs in a file."""
    import h5py
    import numpy

    images, tokens = batch()
    with h5py.File(os.path.join(folder, "pairs.h5"), "w") as file:
        file["first"], file["second"] = images, tokens.astype(numpy.float32)
    path = os.path.join(folder, "step.yaml")
    with open(path, "w") as file:
        json.dump({
            "name": "image_step", "data": {"source": "hdf5", "path": os.path.join(folder, "pairs.h5"), "held_out": 0},
            "encoders": {"embedding": EMBEDDING, "first": {"kind": "resnet18"},
                         "second": {"kind": "layers", "layers": [{"embedding_bag": {"vocabulary": VOCABULARY, "width": WIDTH}}, {"linear": EMBEDDING}]}},
            "objective": {"similarity": "cosine", "loss": "conditional", "weights": [0.5, 0.5], "temperature": TEMPERATURE},
            "batch": {"size": BATCH, "shards": 2},
            "optimizer": {"kind": "sgd", "momentum": MOMENTUM, "learning_rate": LEARNING_RATE, "schedule": "constant"},
            "train": {"steps": 1000}}, file)
    return path


def compare_with(options):
    import compare

    peers = options.implementation or ["torch_channels_last", "torch_compiled"]
    with tempfile.TemporaryDirectory() as folder:
        own = compare.Couplet(options, "Couplet", ["bench", "step", config(folder)])
        contestants = [own] + [compare.Peer(options, "image_step.py", peer, "tuned", ["--warmup", str(options.warmup)]) for peer in peers]
        compare.alternate(options, contestants)
    best = min(compare.median(one) for one in contestants[1:])
    for one in contestants:
        seconds = compare.median(one)
        print(f"{one.name:40} {seconds:7.3f} s  {seconds / compare.median(own):5.2f} × Couplet")
    shares = [one["peak_share"] for one in own.rounds if "peak_share" in one]
    print(f"Couplet is {best / compare.median(own):.2f} × as fast as the best peer"
          + (f", at {100 * statistics.median(shares):.0f} % of the FMA peak" if shares else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--couplet", metavar="EXECUTABLE", help="compare with it, in turn")
    measure.add_options(parser, IMPLEMENTATIONS)
    parser.set_defaults(repeat=3)
    options = parser.parse_args()
    implementation = measure.implementation_here()
    if implementation is None:
        if options.couplet:
            options.rounds = 3
            compare_with(options)
            return
        measure.run_each(options, IMPLEMENTATIONS)
    measure.settle_threads(options.threads)
    step, version = jax_step() if implementation == "jax" else torch_step(options, implementation)
    measure.time_round(step, options.warmup)
    for _ in measure.rounds(options):
        measure.report(options, measure.time_round(step, options.repeat), version=version, batch=BATCH)


if __name__ == "__main__":
    main()

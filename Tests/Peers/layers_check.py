"""One step of plain gradient descent of encoders that a config lists layer by layer, against PyTorch in double precision: parameters and running
statistics.

    layers_check.py .build/release/couplet
    layers_check.py --networks batch_norm,layer_norm launch/local 2 couplet

A batch is the whole of an HDF5 file of random pairs, and one shard, because batch normalisation normalises within a shard and the order of the pairs
is Couplet's. Step 0 gives the parameters p0, from which PyTorch's modules compute the gradient of the same loss. (p0 - p1) / learning rate is
Couplet's gradient, but for the rounding of p1. Compared in the norm of all parameters of an encoder, relative to it, and for each running statistic
relative to the largest of its numbers: within 2e-5 and the rounding of p1. Ends with 0 if all agree, 1 if not.

A network is a line of NETWORKS: shape of a sample, embedding, the list of the config, and the same layers in PyTorch, with the sample's axes in
memory order. Parameters have PyTorch's shapes and come in the same order, so `parameters()` takes those of the checkpoint one after another.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy
import torch
from torch import nn

from training_run import checkpoint, power_of_two, run_couplet

BATCH = 96
WIDTH = 7


class LastAxis(nn.Module):
    """A module for [rows, channels, positions] on [rows, positions…, channels]."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        moved = x.reshape(len(x), -1, x.shape[-1]).transpose(1, 2)
        return self.inner(moved).transpose(1, 2).reshape(x.shape)


class Residual(nn.Module):
    def __init__(self, *layers, projection=None):
        super().__init__()
        self.body = nn.Sequential(*layers)
        self.projection = projection

    def forward(self, x):
        return self.body(x) + (x if self.projection is None else self.projection(x))


# Name: sample shape, embedding, Couplet's list, PyTorch's modules.
NETWORKS = {
    "batch_norm": ([12], 12, ["batch_norm"], lambda: [nn.BatchNorm1d(12)]),
    "batch_norm_relu": ([5, 4], 20, ["batch_norm", "relu", {"batch_norm": {"momentum": 0.3, "epsilon": 0.01}}, {"leaky_relu": 0.2}],
                        lambda: [LastAxis(nn.BatchNorm1d(4)), nn.ReLU(), LastAxis(nn.BatchNorm1d(4, momentum=0.3, eps=0.01)), nn.LeakyReLU(0.2)]),
    "layer_norm": ([3, 17], 51, ["layer_norm", "gelu", {"layer_norm": {"epsilon": 0.001}}],
                   lambda: [nn.LayerNorm(17), nn.GELU(), nn.LayerNorm(17, eps=0.001)]),
    "group_norm": ([6, 10], 60, [{"group_norm": 5}, "relu", {"group_norm": {"groups": 2, "epsilon": 0.01}}, "tanh"],
                   lambda: [LastAxis(nn.GroupNorm(5, 10)), nn.ReLU(), LastAxis(nn.GroupNorm(2, 10, eps=0.01)), nn.Tanh()]),
    "group_norm_of_vectors": ([12], 12, [{"group_norm": 3}, "gelu"], lambda: [nn.GroupNorm(3, 12), nn.GELU()]),
    "residual": ([18], 18, ["layer_norm", {"residual": ["batch_norm", "relu", "layer_norm"]}, "tanh", {"residual": ["batch_norm", "gelu"]}],
                 lambda: [nn.LayerNorm(18), Residual(nn.BatchNorm1d(18), nn.ReLU(), nn.LayerNorm(18)), nn.Tanh(),
                          Residual(nn.BatchNorm1d(18), nn.GELU())]),
}


def config(network, pairs, steps, learning_rate):
    """JSON, which is YAML."""
    _, embedding, layers, _ = NETWORKS[network]
    return json.dumps({
        "name": "layers_check",
        "seed": 5,
        "data": {"source": "hdf5", "path": pairs, "held_out": 0},
        "encoders": {"embedding": embedding, "first": {"kind": "layers", "layers": layers}, "second": {"kind": "linear"}},
        "objective": {"similarity": "cosine", "loss": "conditional", "temperature": 0.5},
        "batch": {"size": BATCH, "shards": 1},
        "optimizer": {"kind": "sgd", "momentum": 0, "learning_rate": learning_rate, "schedule": "constant"},
        "train": {"steps": steps, "log_every": 1, "checkpoint_every": 1},
    }, indent=1)


def train(options, folder, network, pairs, steps, learning_rate):
    """The checkpoint of the last step: parameters of both encoders and statistics of the first, in the order of their layers."""
    run = run_couplet(options.command, folder, f"run-{steps}", config(network, pairs, steps, learning_rate))
    with h5py.File(checkpoint(run, steps)) as file:
        return [arrays(file, f"{group}/{modality}") for group, modality in (("parameters", "first"), ("parameters", "second"), ("statistics", "first"))]


def arrays(file, group):
    """[(path, array in double precision)] of a group, in the order of PyTorch's modules: numbers ascending, weight before bias, mean before var."""
    found = []
    if group in file:
        file[group].visititems(lambda name, item: found.append((name, item[()].astype(numpy.float64))) if isinstance(item, h5py.Dataset) else None)

    def key(entry):
        parts = entry[0].split("/")
        # A residual layer's own layers come before its projection.
        return [(0, int(part)) if part.isdigit() else (1, part == "projection", part.endswith("bias"), part) for part in parts]

    return sorted(found, key=key)


def norm(tensors):
    return numpy.sqrt(sum(float((tensor**2).sum()) for tensor in tensors))


def check(options, network, folder):
    """[(what, error, limit)]"""
    shape, embedding, _, modules = NETWORKS[network]
    generator = numpy.random.default_rng(options.seed)
    first = (2 * generator.standard_normal((BATCH, *shape)) + 0.5).astype(numpy.float32)
    second = (first.reshape(BATCH, -1)[:, :WIDTH] + generator.standard_normal((BATCH, WIDTH))).astype(numpy.float32)
    pairs = os.path.join(folder, "pairs.h5")
    with h5py.File(pairs, "w") as file:
        file["first"], file["second"] = first, second
    before = train(options, folder, network, pairs, 0, 1.0)

    encoders = [nn.Sequential(*modules()).double(), nn.Linear(WIDTH, embedding).double()]
    for encoder, values in zip(encoders, before):
        parameters = list(encoder.parameters())
        if [list(parameter.shape) for parameter in parameters] != [list(array.shape) for _, array in values]:
            raise RuntimeError(f"parameters {[(name, array.shape) for name, array in values]}, PyTorch has "
                               f"{[tuple(parameter.shape) for parameter in parameters]}")
        for parameter, (_, array) in zip(parameters, values):
            parameter.data.copy_(torch.from_numpy(array))
    u, v = (nn.functional.normalize(encoder(torch.from_numpy(data).double()).reshape(BATCH, -1), dim=1)
            for encoder, data in zip(encoders, (first, second)))
    scores, targets = u @ v.T / 0.5, torch.arange(BATCH)
    loss = 0.5 * (nn.functional.cross_entropy(scores, targets) + nn.functional.cross_entropy(scores.T, targets))
    loss.backward()
    gradients = [[parameter.grad.numpy() for parameter in encoder.parameters()] for encoder in encoders]

    # A power of two, so that the product with it is exact; the step is much larger than the rounding of the parameters.
    learning_rate = power_of_two(min(64 / max(numpy.abs(gradient).max() for gradient in of_encoder) for of_encoder in gradients))
    after = train(options, folder, network, pairs, 1, learning_rate)
    results = []
    for name, old, new, exact in zip(("first", "second"), before, after, gradients):
        found = [(a - b) / learning_rate for (_, a), (_, b) in zip(old, new)]
        rounding = norm([numpy.spacing(numpy.abs(b).astype(numpy.float32)).astype(numpy.float64) for _, b in new]) / learning_rate
        results.append((name, norm([a - b for a, b in zip(found, exact)]) / norm(exact), 2e-5 + rounding / norm(exact)))
    running = [buffer.numpy() for name, buffer in encoders[0].named_buffers() if not name.endswith("num_batches_tracked")]
    if len(running) != len(after[2]):
        raise RuntimeError(f"statistics {[name for name, _ in after[2]]}, PyTorch has {len(running)}")
    for (name, found), exact in zip(after[2], running):
        results.append((name, float(numpy.abs(found - exact).max() / numpy.abs(exact).max()), 2e-6))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--networks", type=lambda names: names.split(","), default=list(NETWORKS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command that runs couplet, without its arguments")
    options = parser.parse_args()
    if not options.command:
        parser.error("name the command that runs couplet")
    failed = 0
    for network in options.networks:
        try:
            with tempfile.TemporaryDirectory() as folder:
                results = check(options, network, folder)
            agrees = all(error <= limit for _, error, limit in results)
            detail = "  ".join(f"{name} {error:.1e} (limit {limit:.0e})" for name, error, limit in results)
        except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
            agrees, detail = False, str(error)
        failed += not agrees
        print(f"{'agrees' if agrees else 'FAILED'}  {network}: {detail}", flush=True)
    print(f"{len(options.networks) - failed} agree, {failed} do not")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

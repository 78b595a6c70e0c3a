"""One step of plain gradient descent of encoders of images, against PyTorch in double precision: resnet18, resnet34, and lists of layers with
convolutions and pooling of every kind.

    image_check.py .build/release/couplet
    image_check.py --case resnet18 mpirun -n 2 .build/release/couplet

As sequence_check.py, but for one thing: a number before a relu can be so close to zero that single precision gives it the other sign. Then the
gradient changes by far more than the rounding, in PyTorch's single precision as in Couplet's. The samples (--seed) are some for which that does not
happen in Couplet, whose bits are the same on every CPU; the limit allows four times the error of PyTorch's single precision besides 1e-5. One shard,
because batch normalisation normalises within a shard, whose samples a run shuffles.
"""

import argparse
import os

import h5py
import numpy
import torch
import torch.nn.functional as F
from torch import nn

import sequence_check
from residual_network import residual_network

EMBEDDING = sequence_check.EMBEDDING


def small_network():
    return nn.Sequential(
        nn.Conv2d(3, 32, 5, 2, 2), nn.ReLU(), nn.Conv2d(32, 40, 3, 1, 1, bias=False), nn.BatchNorm2d(40), nn.LeakyReLU(0.1),
        nn.MaxPool2d(3, 2, 1), nn.Conv2d(40, 32, 3, 2, 1), nn.GELU(), nn.Conv2d(32, 32, 3, 1, 1, groups=32), nn.ReLU(),
        nn.Conv2d(32, 48, 1), nn.ReLU(), nn.AvgPool2d(2, 1), nn.Conv2d(48, 24, (2, 3), 1, (0, 1), groups=4), nn.Tanh(),
        nn.Flatten(), nn.Linear(24 * 2 * 3, EMBEDDING))


SMALL_LAYERS = [
    {"conv2d": {"channels": 32, "kernel": 5, "stride": 2, "padding": 2}}, "relu",
    {"conv2d": {"channels": 40, "padding": 1, "bias": False}}, "batch_norm", {"leaky_relu": {"slope": 0.1}},
    {"max_pool": {"kernel": 3, "stride": 2, "padding": 1}}, {"conv2d": {"channels": 32, "stride": 2, "padding": 1}}, "gelu",
    {"conv2d": {"channels": 32, "padding": 1, "groups": 32}}, "relu", {"conv2d": {"channels": 48, "kernel": 1}}, "relu",
    {"average_pool": {"kernel": 2, "stride": 1}}, {"conv2d": {"channels": 24, "kernel": [2, 3], "padding": [0, 1], "groups": 4}}, "tanh",
    "flatten", {"linear": EMBEDDING}]
# The first encoder's config, the shape of an image, and the same in PyTorch.
CASES = {
    "layers": ({"kind": "layers", "layers": SMALL_LAYERS}, (3, 27, 30), small_network),
    "resnet18": ({"kind": "resnet18"}, (3, 64, 64), lambda: residual_network("resnet18", EMBEDDING)),
    "resnet18_small": ({"kind": "resnet18", "stem": "small"}, (1, 16, 16), lambda: residual_network("resnet18", EMBEDDING, "small", 1)),
    "resnet34": ({"kind": "resnet34"}, (3, 40, 48), lambda: residual_network("resnet34", EMBEDDING)),
}


def write_pairs(path, batch, shape, seed):
    generator = numpy.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        file["first"] = generator.standard_normal((batch, *shape)).astype(numpy.float32)
        file["second"] = generator.standard_normal((batch, 4)).astype(numpy.float32)


def ordered(paths):
    """The order of the layers, a projection after the layers beside it; weight before bias."""
    def key(path):
        return [(0, int(part)) if part.isdigit() else (1, {"projection": 0, "weight": 0, "bias": 1}[part]) for part in path.split("/")]
    return sorted(paths, key=key)


def gradient(encoder, before, first, second):
    """{encoder: {path: parameter with its gradient}} and the loss, in the precision of the samples."""
    encoder = encoder.to(first.dtype).train()
    with torch.no_grad():
        for path, parameter in zip(ordered(before["first"]), encoder.parameters(), strict=True):
            parameter.copy_(torch.from_numpy(before["first"][path]).reshape(parameter.shape))
    leaves = {"first": dict(zip(ordered(before["first"]), encoder.parameters())),
              "second": {path: torch.from_numpy(array).to(first.dtype).requires_grad_() for path, array in before["second"].items()}}
    u, v = encoder(first), sequence_check.linear(leaves["second"], "0", second)
    scores = F.normalize(u, dim=1) @ F.normalize(v, dim=1).T / sequence_check.TEMPERATURE
    targets = torch.arange(len(scores))
    loss = 0.5 * (F.cross_entropy(scores, targets) + F.cross_entropy(scores.T, targets))
    loss.backward()
    return leaves, loss


def check(case, options, folder):
    """[(what, error, limit)]"""
    specification, shape, network = CASES[case]
    sequence_check.CASES[case] = (specification, False, None)
    pairs = os.path.join(folder, "pairs.h5")
    write_pairs(pairs, options.batch, shape, options.seed)
    before = sequence_check.parameters(sequence_check.run(options.command, folder, "start", case, pairs, options, 0, 1.0), 0)
    with h5py.File(pairs) as file:
        first, second = (torch.from_numpy(file[name][()]).double() for name in ("first", "second"))
    leaves, loss = gradient(network(), before, first, second)
    single, _ = gradient(network(), before, first.float(), second.float())

    return sequence_check.compared(case, options, folder, before, leaves, loss, single)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=6)
    parser.set_defaults(shards=1)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command that runs couplet, without its arguments")
    options = parser.parse_args()
    if not options.command:
        parser.error("name the command that runs couplet")
    sequence_check.run_cases(options.case or list(CASES), check, options)


if __name__ == "__main__":
    main()

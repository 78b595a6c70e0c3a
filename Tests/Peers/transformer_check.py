"""Checks vit, text_transformer and attention from outside: two steps of plain gradient descent against PyTorch in double precision.

    transformer_check.py .build/release/couplet
    transformer_check.py launch/local 2 couplet

The twins are nn.TransformerEncoderLayer(norm_first=True, activation="gelu", batch_first=True) with its key padding mask; texts and sets
have different lengths. A batch is the whole of an HDF5 file of random pairs. PyTorch's gradients at the parameters of checkpoints 0 and 1
are compared with (p0 - p1) / learning rate and (p1 - p2) / learning rate, in the norm of each parameter, relative to that of its encoder's
largest; the second step begins where no bias is zero.

Ends with 0 if all agree, 1 if not.
"""

import argparse
import json
import math
import sys
import tempfile

import h5py
import numpy
import torch
from torch import nn

from training_run import checkpoint, logged_loss, power_of_two, run_couplet

BATCH, SHARDS, EMBEDDING, TEMPERATURE = 24, 2, 10, 0.2
IMAGE, PATCH, TOKENS, VOCABULARY, POINTS, FEATURES = 16, 4, 9, 30, 7, 5
STACK = {"width": 24, "depth": 2, "heads": 3, "mlp_ratio": 2}
TOLERANCE = 2e-5


def images(generator):
    return generator.standard_normal((BATCH, 3, IMAGE, IMAGE)).astype(numpy.float32)


def texts(generator):
    ids = generator.integers(1, VOCABULARY, (BATCH, TOKENS))
    return padded(ids.astype(numpy.float32))


def sets(generator):
    return padded(generator.standard_normal((BATCH, POINTS, FEATURES)).astype(numpy.float32))


def padded(rows):
    for number, row in enumerate(rows):
        row[1 + number % rows.shape[1]:] = 0
    return rows


# Of each pair of encoders: the block of the config, and the samples.
PAIRS = {
    "vit and text_transformer": (
        ({"kind": "vit", "patch": PATCH, **STACK}, images),
        ({"kind": "text_transformer", "vocabulary": VOCABULARY, **STACK}, texts)),
    "with class token and first token": (
        ({"kind": "vit", "patch": PATCH, "pool": "class", **STACK}, images),
        ({"kind": "text_transformer", "vocabulary": VOCABULARY, "pool": "first", **STACK}, texts)),
    "attention over sets, text with attention pooling": (
        ({"kind": "attention", **STACK}, sets),
        ({"kind": "text_transformer", "vocabulary": VOCABULARY, "pool": "attention", **STACK}, texts)),
}


class Twin(nn.Module):
    """An encoder of Couplet in PyTorch. `steps` are its modules in the order of Couplet's paths, with the names of their parameters."""

    def __init__(self, block):
        super().__init__()
        width = block["width"]
        self.kind, self.pool = block["kind"], block.get("pool", "mean")
        if self.kind == "vit":
            self.first = nn.Conv2d(3, width, PATCH, PATCH)
        elif self.kind == "text_transformer":
            self.first = nn.Embedding(VOCABULARY, width, padding_idx=0)
        else:
            self.first = nn.Linear(FEATURES, width)
        length = {"vit": (IMAGE // PATCH) ** 2 + (self.pool == "class"), "text_transformer": TOKENS, "attention": POINTS}[self.kind]
        self.token = nn.Parameter(torch.zeros(width))
        self.positions = nn.Parameter(torch.zeros(length, width))
        self.blocks = nn.ModuleList([
            nn.TransformerEncoderLayer(width, block["heads"], block["mlp_ratio"] * width, 0.0, "gelu", batch_first=True, norm_first=True)
            for _ in range(block["depth"])])
        self.norm = nn.LayerNorm(width)
        self.query = nn.Parameter(torch.zeros(1, width))
        self.last = nn.Linear(width, EMBEDDING)
        self.steps = [self.of(self.first)]
        if self.pool == "class":
            self.steps.append({"class_token": self.token})
        if self.kind != "attention":
            self.steps.append({"weight": self.positions})
        self.steps += [self.of(one) for one in self.blocks] + [self.of(self.norm)]
        if self.pool == "attention":
            self.steps.append({"query": self.query})
        self.steps.append(self.of(self.last))

    @staticmethod
    def of(module):
        return {name.replace("out_proj.", "out_proj_").replace(".", "/"): parameter for name, parameter in module.named_parameters()}

    def forward(self, x):
        padding = None
        if self.kind == "vit":
            x = self.first(x).flatten(2).transpose(1, 2)
            if self.pool == "class":
                x = torch.cat([self.token.expand(len(x), 1, -1), x], 1)
        else:
            padding = x == 0 if x.ndim == 2 else (x == 0).all(2)
            x = self.first(x.long() if x.ndim == 2 else x)
        if self.kind != "attention":
            x = x + self.positions
        for block in self.blocks:
            x = block(x, src_key_padding_mask=padding)
        x = self.norm(x)
        valid = torch.ones(x.shape[:2], dtype=x.dtype) if padding is None else (~padding).to(x.dtype)
        if self.pool in ("class", "first"):
            x = x[:, 0]
        elif self.pool == "attention":
            scores = (x @ self.query[0]) / math.sqrt(x.shape[2])
            x = (scores.masked_fill(valid == 0, -math.inf).softmax(1)[:, :, None] * x).sum(1)
        else:
            x = (x * valid[:, :, None]).sum(1) / valid.sum(1, keepdim=True)
        return self.last(x)

    def load(self, group):
        numbers = sorted(group, key=int)
        if len(numbers) != len(self.steps):
            raise RuntimeError(f"{len(numbers)} layers with parameters, {len(self.steps)} expected")
        with torch.no_grad():
            for number, step in zip(numbers, self.steps):
                for name, parameter in step.items():
                    parameter.copy_(torch.from_numpy(group[number][name][()]))


def config(blocks, pairs, steps, learning_rate):
    return json.dumps({
        "name": "transformer_check", "seed": 5,
        "data": {"source": "hdf5", "path": pairs, "held_out": 0},
        "encoders": {"embedding": EMBEDDING, "first": blocks[0], "second": blocks[1]},
        "objective": {"similarity": "cosine", "loss": "conditional", "weights": [0.5, 0.5], "temperature": TEMPERATURE},
        "batch": {"size": BATCH, "shards": SHARDS},
        "optimizer": {"kind": "sgd", "momentum": 0, "learning_rate": learning_rate, "schedule": "constant"},
        "train": {"steps": steps, "log_every": 1, "checkpoint_every": 1, "keep_checkpoints": 3},
    }, indent=1)


def loss_of(twins, samples):
    u, v = (nn.functional.normalize(twin(one), dim=1) for twin, one in zip(twins, samples))
    scores, answers = u @ v.T / TEMPERATURE, torch.arange(BATCH)
    return (nn.functional.cross_entropy(scores, answers) + nn.functional.cross_entropy(scores.T, answers)) / 2


def gradients(twins, path, samples):
    """Loss, parameters and gradients at a checkpoint: for each encoder {path: array}."""
    with h5py.File(path) as file:
        for twin, name in zip(twins, ("first", "second")):
            twin.load(file["parameters"][name])
    for twin in twins:
        twin.zero_grad()
    loss = loss_of(twins, samples)
    loss.backward()

    def arrays(twin, of):
        return {f"{number}/{name}": of(parameter).numpy().copy()
                for number, step in enumerate(twin.steps) for name, parameter in step.items()}
    return (float(loss.detach()), [arrays(twin, lambda one: one.detach()) for twin in twins],
            [arrays(twin, lambda one: one.grad) for twin in twins])


def check(name, command):
    """A list of (what, error, limit)."""
    (first, first_samples), (second, second_samples) = PAIRS[name]
    generator, blocks = numpy.random.default_rng(7), (first, second)
    with tempfile.TemporaryDirectory() as folder:
        pairs = f"{folder}/pairs.h5"
        data = first_samples(generator), second_samples(generator)
        with h5py.File(pairs, "w") as file:
            file["first"], file["second"] = data
        samples = [torch.from_numpy(one.astype(numpy.float64)) for one in data]
        twins = [Twin(block).double() for block in blocks]
        start = run_couplet(command, folder, "start", config(blocks, pairs, 0, 1.0))
        loss, values, slopes = gradients(twins, checkpoint(start, 0), samples)
        largest = max(numpy.abs(one).max() for encoder in slopes for one in encoder.values())
        learning_rate = power_of_two(0.5 / largest)
        run = run_couplet(command, folder, "steps", config(blocks, pairs, 2, learning_rate))
        results = [("loss", abs(logged_loss(run) - loss) / loss, TOLERANCE)]
        steps = [gradients(twins, one, samples) for one in (checkpoint(start, 0), checkpoint(run, 1), checkpoint(run, 2))]
        for step, ((_, values, slopes), (_, after, _)) in enumerate(zip(steps, steps[1:]), start=1):
            for place, before, moved, exact in zip(("first", "second"), values, after, slopes):
                scale = max(numpy.linalg.norm(one) for one in exact.values())
                for path in exact:
                    found = (before[path] - moved[path]) / learning_rate
                    spacing = numpy.spacing(numpy.abs(before[path]).astype(numpy.float32) + numpy.float32(1e-9))
                    limit = TOLERANCE + numpy.linalg.norm(spacing.astype(numpy.float64)) / learning_rate / scale
                    results.append((f"step {step} {place} {path}", numpy.linalg.norm(found - exact[path]) / scale, limit))
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verbose", action="store_true", help="all errors, not the largest alone")
    parser.add_argument("command", nargs="+", help="couplet, or a launcher and couplet")
    options = parser.parse_args()
    torch.set_num_threads(1)
    failed = False
    for name in PAIRS:
        results = check(name, options.command)
        wrong = [one for one in results if not one[1] <= one[2]]
        failed = failed or bool(wrong)
        for what, error, limit in results if options.verbose else wrong:
            print(f"{name}: {what}: error {error:.1e}, limit {limit:.1e}")
        print(f"{'WRONG' if wrong else 'ok   '} {name}: {len(results)} comparisons, largest error {max(one[1] for one in results):.1e}",
              flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

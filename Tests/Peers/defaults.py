"""What a first try reaches: `couplet train` and PyTorch, each with its own defaults, on the same pairs with the same encoders and steps.

    defaults.py [--seeds 8] [--emoji FILE] [--mnist DIR] [--sets digits,emoji] [--couplet-set KEY=VALUE]… COUPLET...

trains both on each set with several seeds, and prints retrieval on the held-out pairs: mean reciprocal rank and recall at 1, both directions
together, with standard errors over the seeds. Ends with 0 if Couplet's mean reciprocal rank is at least PyTorch's less two standard errors of
the difference on every set.

- `digits`: upper and lower halves of scikit-learn's digits. `emoji`: pictures and words (`emoji.py`). `halves`: MNIST's left and right halves.
  `FILE.h5` with /first, /second and /split: any pairs of vectors.
- Both: InfoNCE in both directions, cosine, a learned temperature that starts at 0.07, Adam. Couplet's config has no key for the optimizer and
  the initial weights; PyTorch has the start of its modules and `torch.optim.Adam()`.
"""

import argparse
import gzip
import json
import math
import os
import subprocess
import sys
import tempfile

import h5py
import numpy
import torch
from torch import nn

TEMPERATURE, MINIMUM = 0.07, 0.01


class Set:
    """Pairs with the sizes of a training: `hidden` widths of both perceptrons, channels if the first modality is an image."""

    def __init__(self, path, batch, steps, embedding, hidden, channels=None):
        self.path, self.batch, self.steps, self.embedding, self.hidden = path, batch, steps, embedding, hidden
        self.channels = channels
        with h5py.File(path) as file:
            first, second, split = file["first"][()], file["second"][()], file["split"][()]
        self.training = [torch.tensor(numpy.float32(x[split == 0])) for x in (first, second)]
        self.held_out = [torch.tensor(numpy.float32(x[split == 1])) for x in (first, second)]


def digits(folder):
    from sklearn.datasets import load_digits
    images = load_digits().images / 16
    split = numpy.zeros(len(images), numpy.int32)
    split[numpy.random.default_rng(1).permutation(len(images))[:500]] = 1
    return write(folder, "digits", images[:, :4], images[:, 4:], split)


def halves(folder, mnist):
    def images(name):
        path = os.path.join(mnist, name)
        data = open(path, "rb").read() if os.path.exists(path) else gzip.open(path + ".gz").read()
        return numpy.frombuffer(data, numpy.uint8, offset=16).reshape(-1, 28, 28) / 255
    training, test = images("train-images-idx3-ubyte"), images("t10k-images-idx3-ubyte")[:2000]
    both = numpy.concatenate([training, test])
    split = numpy.repeat(numpy.int32([0, 1]), [len(training), len(test)])
    return write(folder, "halves", both[:, :, :14], both[:, :, 14:], split)


def write(folder, name, first, second, split):
    path = os.path.join(folder, f"{name}.h5")
    with h5py.File(path, "w") as file:
        for key, half in (("first", first), ("second", second)):
            file[key] = numpy.float32(half.reshape(len(half), -1))
        file["split"] = split
    return path


# MARK: PyTorch

def perceptron(inputs, widths):
    layers = []
    for index, width in enumerate(widths):
        layers += [nn.Linear(inputs, width)] + ([nn.ReLU()] if index + 1 < len(widths) else [])
        inputs = width
    return nn.Sequential(*layers)


def encoder(inputs, widths, channels=None):
    if channels is None:
        return nn.Sequential(nn.Flatten(), perceptron(math.prod(inputs), widths))
    layers, (count, height, width) = [], inputs
    for outputs in channels:
        layers += [nn.Conv2d(count, outputs, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        count, height, width = outputs, height // 2, width // 2
    return nn.Sequential(*layers, nn.Flatten(), perceptron(count * height * width, widths))


def equal_rows(samples):
    """[N, N]: whether two samples are equal."""
    _, number = numpy.unique(samples.reshape(len(samples), -1), axis=0, return_inverse=True)
    number = number.reshape(-1)
    return number[:, None] == number[None, :]


def ranks(scores, is_right):
    """The rank of the first right answer to each query, which is a row."""
    right = numpy.where(is_right, scores, -numpy.inf).max(1)
    return 1 + (scores > right[:, None]).sum(1)


def torch_retrieval(pairs, seed):
    torch.manual_seed(seed)
    first = encoder(pairs.training[0].shape[1:], pairs.hidden[0] + [pairs.embedding], pairs.channels)
    second = encoder(pairs.training[1].shape[1:], pairs.hidden[1] + [pairs.embedding])
    scale = nn.Parameter(torch.tensor(-math.log(TEMPERATURE)))
    optimizer = torch.optim.Adam([*first.parameters(), *second.parameters(), scale])
    count, order, positives = len(pairs.training[0]), torch.tensor([], dtype=torch.long), torch.arange(pairs.batch)

    def scores(u, v):
        return nn.functional.normalize(first(u)) @ nn.functional.normalize(second(v)).T * scale.exp()

    for _ in range(pairs.steps):
        if len(order) < pairs.batch:
            order = torch.randperm(count)
        rows, order = order[:pairs.batch], order[pairs.batch:]
        s = scores(pairs.training[0][rows], pairs.training[1][rows])
        loss = 0.5 * (nn.functional.cross_entropy(s, positives) + nn.functional.cross_entropy(s.T, positives))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            scale.clamp_(max=-math.log(MINIMUM))
    with torch.no_grad():
        s = scores(*pairs.held_out).numpy()
    # As Couplet: pairs with an equal first or second sample are right answers to each other.
    is_right = equal_rows(pairs.held_out[0].numpy()) | equal_rows(pairs.held_out[1].numpy())
    found = numpy.concatenate([ranks(s, is_right), ranks(s.T, is_right)])
    return (1 / found).mean(), (found == 1).mean()


# MARK: Couplet

def config(pairs, seed):
    def block(widths):
        return {"kind": "mlp", "widths": widths} if widths else {"kind": "linear"}
    first = block(pairs.hidden[0])
    if pairs.channels:
        first = {"kind": "cnn", "channels": pairs.channels, "hidden": pairs.hidden[0]}
    return {
        "name": "defaults", "seed": seed, "data": {"source": "hdf5", "path": pairs.path},
        "encoders": {"embedding": pairs.embedding, "first": first, "second": block(pairs.hidden[1])},
        "objective": {"similarity": "cosine", "temperature": {"initial": TEMPERATURE, "learned": True}},
        "batch": {"size": pairs.batch},
        "train": {"steps": pairs.steps, "evaluate_every": None, "checkpoint_every": None},
    }


def couplet_retrieval(pairs, seed, command, settings, folder):
    path, run = os.path.join(folder, "config.yaml"), os.path.join(folder, "run")
    with open(path, "w") as file:
        json.dump(config(pairs, seed), file)
    extra = [argument for setting in settings for argument in ("--set", setting)]
    for arguments in (["train", path, "--output", run, "--overwrite", "--progress", "none", "--threads", "1", *extra],
                      ["evaluate", run, "--json"]):
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit(f"couplet {arguments[0]} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}")
    found = json.loads(done.stdout)["retrieval"]
    directions = found["first_to_second"], found["second_to_first"]
    return tuple(sum(x[name] for x in directions) / 2 for name in ("mean_reciprocal_rank", "recall_at_1"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--emoji", help="the file that emoji.py wrote")
    parser.add_argument("--mnist", help="folder of MNIST's files")
    parser.add_argument("--sets", help="names and files, with commas between them; all that are there by default")
    parser.add_argument("--couplet-set", action="append", default=[], metavar="KEY=VALUE", help="for couplet train alone")
    parser.add_argument("--only", choices=["couplet", "torch"])
    parser.add_argument("couplet", nargs="+")
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = options.sets.split(",") if options.sets else \
        ["digits"] + (["emoji"] if options.emoji else []) + (["halves"] if options.mnist else [])
    missed = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            if name == "digits":
                pairs = Set(digits(folder), 256, 300, 32, [[128, 128], [128, 128]])
            elif name == "emoji":
                pairs = Set(options.emoji, 256, 200, 64, [[128], [256]], [16, 32])
            elif name == "halves":
                pairs = Set(halves(folder, options.mnist), 512, 300, 32, [[256, 256], [256, 256]])
            else:
                pairs = Set(name, 256, 150, 64, [[256], [256]])
            results = {}
            for system in ("couplet", "torch"):
                if options.only in (None, system):
                    results[system] = numpy.array([
                        torch_retrieval(pairs, seed) if system == "torch"
                        else couplet_retrieval(pairs, seed, options.couplet, options.couplet_set, folder)
                        for seed in range(1, options.seeds + 1)])
            line = {"set": os.path.basename(name)}
            for system, values in results.items():
                errors = values.std(0, ddof=1) / math.sqrt(options.seeds) if options.seeds > 1 else [0, 0]
                for column, figure in enumerate(("mean_reciprocal_rank", "recall_at_1")):
                    line[f"{system}_{figure}"] = round(float(values[:, column].mean()), 4)
                    line[f"{system}_{figure}_error"] = round(float(errors[column]), 4)
            print(json.dumps(line), flush=True)
            if len(results) == 2 and options.seeds > 1:
                difference = line["couplet_mean_reciprocal_rank"] - line["torch_mean_reciprocal_rank"]
                error = math.hypot(line["couplet_mean_reciprocal_rank_error"], line["torch_mean_reciprocal_rank_error"])
                if not difference >= -2 * error:
                    missed.append(f"{name}: {difference:+.4f}, two standard errors are {2 * error:.4f}")
    for line in missed:
        print(f"below PyTorch's mean reciprocal rank: {line}", file=sys.stderr)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()

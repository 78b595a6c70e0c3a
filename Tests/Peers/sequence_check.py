"""One step of plain gradient descent of encoders of sets and texts, against PyTorch in double precision: the kinds set and text_cnn, and lists of
layers over sequences. Samples have padding at their ends.

    sequence_check.py .build/release/couplet
    sequence_check.py --case text_cnn mpirun -n 2 .build/release/couplet

The batch is the whole of an HDF5 file. From the checkpoint of step 0 PyTorch computes the loss, symmetric InfoNCE of cosine similarities, and its
gradient; the learning rate, a power of two, is so large that the step is far above the rounding of the parameters. Compared are the loss, and for
each parameter (p0 - p1) / learning rate with the gradient, in the norm of all its numbers: within 1e-5 of the encoder's gradient, and the rounding.
Ends with 0 if all agree, 1 if not.
"""

import argparse
import json
import math
import os
import sys
import tempfile

import h5py
import numpy
import torch
import torch.nn.functional as F

from training_run import checkpoint, logged_loss, power_of_two, run_couplet

VOCABULARY, POSITIONS, WIDTH, EMBEDDING = 30, 11, 6, 5
TEMPERATURE = 0.2


def linear(p, path, x):
    return F.linear(x, p[f"{path}/weight"], p.get(f"{path}/bias"))


def tokens(p, path, x):
    """Vectors [B, T, width], and the mask of the valid positions."""
    return F.embedding(x.long(), p[f"{path}/weight"], padding_idx=0), x != 0


def pooled(x, mask, reduction):
    if reduction == "max":
        largest = x.masked_fill(~mask[..., None], -torch.inf).amax(1)
        return torch.where(mask.any(1)[:, None], largest, torch.zeros_like(largest))
    total = (x * mask[..., None]).sum(1)
    return total / mask.sum(1).clamp(min=1)[:, None] if reduction == "mean" else total


def convolved(p, path, x, mask, padding, stride=1):
    """x [B, T, in]; padding is the numbers of zeros in front and behind."""
    x = F.pad((x * mask[..., None]).transpose(1, 2), padding)
    return F.conv1d(x, p[f"{path}/weight"], p.get(f"{path}/bias"), stride=stride).transpose(1, 2)


def same(kernel):
    return ((kernel - 1) // 2, kernel - 1 - (kernel - 1) // 2)


def set_of_vectors(p, x, pool, activation):
    mask = x.abs().amax(-1) > 0
    for layer in (0, 1):
        x = activation(linear(p, f"{layer}", x))
    x = pooled(x, mask, pool)
    return linear(p, "3", activation(linear(p, "2", x)))


def set_of_tokens(p, x):
    x, mask = tokens(p, "0", x)
    return linear(p, "2", pooled(torch.tanh(linear(p, "1", x)), mask, "mean"))


def text_cnn(p, x):
    x, mask = tokens(p, "0", x)
    parts = [pooled(torch.relu(convolved(p, f"1/{branch}/0", x, mask, same(kernel))), mask, "max")
             for branch, kernel in enumerate((2, 3, 5))]
    return linear(p, "2", torch.cat(parts, 1))


def attention_pool(p, path, x, mask, heads):
    batch, positions, width = x.shape
    scores = torch.einsum("btc,hc->bht", x, p[f"{path}/query"]) / math.sqrt(width)
    weights = scores.masked_fill(~mask[:, None], -torch.inf).softmax(-1).nan_to_num(0)
    return torch.einsum("bht,bthc->bhc", weights, x.reshape(batch, positions, heads, width // heads)).reshape(batch, width)


def attended(p, x):
    x, mask = tokens(p, "0", x)
    x = F.gelu(convolved(p, "1", x, mask, same(3)))
    x = convolved(p, "2", x, mask, same(4))
    return linear(p, "4", attention_pool(p, "3", x, mask, 2))


def strided(p, x):
    x, mask = tokens(p, "0", x)
    x = torch.relu(convolved(p, "1", x, mask, (1, 1), stride=2))
    return linear(p, "2", x.mean(1))


def bag(p, x, mode):
    if mode == "mean":
        return linear(p, "1", F.embedding_bag(x.long(), p["0/weight"], mode="mean", padding_idx=0))
    return F.embedding_bag(x.long(), p["0/weight"], mode="sum", padding_idx=0)


EMBEDDED = {"token_embedding": {"vocabulary": VOCABULARY, "width": 8}}
# The first encoder's config, whether it reads token ids, and the same in PyTorch.
CASES = {
    "set_mean": ({"kind": "set", "element_widths": [12, 9], "widths": [10], "activation": "gelu"}, False,
                 lambda p, x: set_of_vectors(p, x, "mean", F.gelu)),
    "set_sum": ({"kind": "set", "element_widths": [12, 9], "widths": [10], "pool": "sum"}, False,
                lambda p, x: set_of_vectors(p, x, "sum", torch.relu)),
    "set_tokens": ({"kind": "set", "vocabulary": VOCABULARY, "width": 7, "element_widths": [9], "activation": "tanh"}, True, set_of_tokens),
    "text_cnn": ({"kind": "text_cnn", "vocabulary": VOCABULARY, "width": 8, "kernels": [2, 3, 5], "channels": 7}, True, text_cnn),
    "attention_pool": ({"kind": "layers", "layers": [EMBEDDED, {"conv1d": 10}, "gelu", {"conv1d": {"channels": 8, "kernel": 4}},
                                                     {"attention_pool": 2}, {"linear": EMBEDDING}]}, True, attended),
    "strided": ({"kind": "layers", "layers": [EMBEDDED, {"conv1d": {"channels": 10, "stride": 2, "padding": 1}}, "relu", "mean_pool",
                                              {"linear": EMBEDDING}]}, True, strided),
    "bag_mean": ({"kind": "layers", "layers": [{"embedding_bag": {"vocabulary": VOCABULARY, "width": 8}}, {"linear": EMBEDDING}]}, True,
                 lambda p, x: bag(p, x, "mean")),
    "bag_sum": ({"kind": "layers", "layers": [{"embedding_bag": {"vocabulary": VOCABULARY, "width": EMBEDDING, "reduction": "sum"}}]}, True,
                lambda p, x: bag(p, x, "sum")),
}


def write_pairs(path, batch, reads_tokens):
    generator = numpy.random.default_rng(3)
    lengths = generator.integers(1, POSITIONS + 1, batch)
    valid = numpy.arange(POSITIONS)[None, :] < lengths[:, None]
    if reads_tokens:
        first = generator.integers(1, VOCABULARY, (batch, POSITIONS)) * valid
    else:
        first = generator.standard_normal((batch, POSITIONS, WIDTH)) * valid[..., None]
    with h5py.File(path, "w") as file:
        file["first"] = first.astype(numpy.float32)
        file["second"] = generator.standard_normal((batch, 4)).astype(numpy.float32)


def run(command, folder, name, case, pairs, options, steps, learning_rate):
    config = {
        "name": "sequence_check", "seed": 5, "data": {"source": "hdf5", "path": pairs, "held_out": 0},
        "encoders": {"embedding": EMBEDDING, "first": CASES[case][0], "second": {"kind": "linear"}},
        "objective": {"similarity": "cosine", "loss": "conditional", "weights": [0.5, 0.5], "temperature": TEMPERATURE},
        "batch": {"size": options.batch, "shards": options.shards},
        "optimizer": {"kind": "sgd", "momentum": 0, "learning_rate": learning_rate, "schedule": "constant"},
        "train": {"steps": steps, "log_every": 1, "checkpoint_every": 1},
    }
    return run_couplet(command, folder, name, json.dumps(config))


def parameters(run, step):
    """{encoder: {path: array}}"""
    found = {"first": {}, "second": {}}
    with h5py.File(checkpoint(run, step)) as file:
        for name, arrays in found.items():
            file["parameters"][name].visititems(
                lambda path, item, arrays=arrays: arrays.__setitem__(path, item[()]) if isinstance(item, h5py.Dataset) else None)
    return found


def check(case, options, folder):
    """[(what, error, limit)]"""
    pairs = os.path.join(folder, "pairs.h5")
    write_pairs(pairs, options.batch, CASES[case][1])
    before = parameters(run(options.command, folder, "start", case, pairs, options, 0, 1.0), 0)
    with h5py.File(pairs) as file:
        first, second = (torch.from_numpy(file[name][()]).double() for name in ("first", "second"))
    leaves = {name: {path: torch.from_numpy(array).double().requires_grad_() for path, array in arrays.items()}
              for name, arrays in before.items()}
    u, v = CASES[case][2](leaves["first"], first), linear(leaves["second"], "0", second)
    scores = F.normalize(u, dim=1) @ F.normalize(v, dim=1).T / TEMPERATURE
    targets = torch.arange(len(scores))
    loss = 0.5 * (F.cross_entropy(scores, targets) + F.cross_entropy(scores.T, targets))
    loss.backward()

    return compared(case, options, folder, before, leaves, loss)


def compared(case, options, folder, before, leaves, loss, single=None):
    """[(what, error, limit)] of one step of Couplet against the gradients in `leaves`. `single` has those of PyTorch in single precision,
    whose error raises the limits."""
    size = min(64 * max(max(abs(array).max() for array in before[name].values()), 1e-3)
               / max(max(leaf.grad.abs().max().item() for leaf in leaves[name].values()), 1e-30) for name in before)
    learning_rate = power_of_two(size)
    output = run(options.command, folder, "step", case, os.path.join(folder, "pairs.h5"), options, 1, learning_rate)
    after = parameters(output, 1)
    results = []
    for name, arrays in before.items():
        norm = math.sqrt(sum(leaf.grad.square().sum().item() for leaf in leaves[name].values()))
        for path, array in arrays.items():
            found = (array.astype(numpy.float64) - after[name][path]) / learning_rate
            allowed = numpy.linalg.norm(numpy.spacing(abs(after[name][path])).astype(numpy.float64)) / learning_rate
            exact = leaves[name][path].grad.numpy().reshape(found.shape)
            if single:
                allowed += 4 * numpy.linalg.norm(single[name][path].grad.numpy().reshape(found.shape) - exact)
            results.append((f"{name}/{path}", numpy.linalg.norm(found - exact) / norm, 1e-5 + allowed / norm))
    results.append(("loss", abs(logged_loss(output) - loss.item()) / max(loss.item(), 1), 1e-5))
    return results


def run_cases(cases, check, options):
    """Checks each case, prints a line for it, and ends the program: with 1 if one fails."""
    failed = 0
    for case in cases:
        try:
            with tempfile.TemporaryDirectory() as folder:
                results = check(case, options, folder)
        except RuntimeError as error:
            sys.exit(f"{case}: {error}")
        wrong = [result for result in results if not result[1] <= result[2]]
        failed += bool(wrong)
        what, error, limit = max(results, key=lambda result: result[1] / result[2])
        print(f"{'FAILED' if wrong else 'agrees'}  {case}: {len(results) - 1} parameters, at most {error / limit:.2f} of the limit ({what})", flush=True)
        for what, error, limit in wrong:
            print(f"        {what}: {error:.2e} (limit {limit:.2e})")
    print(f"{failed} failed")
    sys.exit(1 if failed else 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command that runs couplet, without its arguments")
    options = parser.parse_args()
    if not options.command:
        parser.error("name the command that runs couplet")
    run_cases(options.case or list(CASES), check, options)


if __name__ == "__main__":
    main()

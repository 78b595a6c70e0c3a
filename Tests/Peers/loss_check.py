"""Loss and gradients of lp_simclr and nt_xent on the same encodings, in PyTorch, written as the papers write them (Daunhawer et al., ICLR 2023; Chen et
al., ICML 2020) with all scores in memory and differentiated automatically.

    loss_check.py .build/release/couplet
    loss_check.py --batch 512 --dim 64 mpirun -n 2 .build/release/couplet

Compared are the loss, relative to it or to 1, and each side's gradient, in the norm of all its numbers: within 1e-5, or what rounding a score to
single precision amounts to, 16 · 2⁻²⁴ · the largest |score|. Ends with 0 if all agree, 1 if not.
"""

import argparse
import os
import subprocess
import sys
import tempfile

import h5py
import numpy
import torch

SETS = ("first", "second", "second_batch/first", "second_batch/second")


def distances(a, b, p, power):
    """Of each row of a to each of b."""
    differences = (a[:, None, :] - b[None, :, :]).abs().pow(p).sum(-1)
    return differences if power else differences.pow(1 / p)


def lp_simclr(sets, temperature, p, power, negatives):
    u, v, u_other, v_other = sets
    total, largest = 0, 0.0
    for anchors, partners, strangers in ((u, v, u_other), (v, u, v_other)):
        positive = -(anchors - partners).abs().pow(p).sum(-1)
        if not power:
            positive = -(-positive).pow(1 / p)
        positive = positive / temperature
        if negatives == "same_modality":
            scores = torch.cat((-distances(anchors, strangers, p, power) / temperature, positive[:, None]), 1)
        else:
            scores = -distances(anchors, partners, p, power) / temperature
        largest = max(largest, scores.abs().max().item())
        count = torch.tensor(scores.shape[1], dtype=scores.dtype)
        total = total + 0.5 * (torch.logsumexp(scores, 1) - torch.log(count) - positive).mean()
    return total, largest


def nt_xent(sets, temperature, similarity):
    encodings = torch.cat(sets[:2])
    if similarity == "cosine":
        encodings = torch.nn.functional.normalize(encodings, dim=1)
    scores = (encodings @ encodings.T if similarity != "quadratic" else -0.5 * distances(encodings, encodings, 2, True)) / temperature
    largest = scores.abs().max().item()
    scores = scores.masked_fill(torch.eye(len(scores), dtype=torch.bool), -torch.inf)
    count = len(sets[0])
    targets = torch.cat((torch.arange(count) + count, torch.arange(count)))
    return torch.nn.functional.cross_entropy(scores, targets), largest


def cases():
    for temperature in (0.1, 1.0, 5.0):
        for negatives in ("same_modality", "other_modality"):
            for p, power in ((2, True), (2, False), (1, True)):
                keys = {"loss": "lp_simclr", "p": p, "negatives": negatives} | ({"power": str(power).lower()} if p == 2 else {})
                yield (f"lp_simclr p {p} power {power} {negatives}", keys, temperature,
                       lambda sets, t, p=p, power=power, negatives=negatives: lp_simclr(sets, t, p, power, negatives))
        for similarity in ("cosine", "inner_product", "quadratic"):
            yield (f"nt_xent {similarity}", {"loss": "nt_xent", "similarity": similarity}, temperature,
                   lambda sets, t, similarity=similarity: nt_xent(sets, t, similarity))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--dim", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command that runs couplet, without its arguments")
    options = parser.parse_args()
    if not options.command:
        parser.error("name the command that runs couplet")

    generator = numpy.random.default_rng(options.seed)
    arrays = generator.standard_normal((4, options.batch, options.dim))
    arrays[1::2] = arrays[::2] + 0.5 * arrays[1::2]  # so that a pair is nearer than a stranger
    arrays = arrays.astype(numpy.float32)
    failed = worst = 0
    with tempfile.TemporaryDirectory() as folder:
        encodings = os.path.join(folder, "encodings.h5")
        with h5py.File(encodings, "w") as file:
            for name, array in zip(SETS, arrays):
                file[name] = array
        for number, (name, keys, temperature, objective) in enumerate(cases()):
            sets = [torch.from_numpy(array).double().requires_grad_() for array in arrays]
            loss, largest = objective(sets, temperature)
            loss.backward()
            output = os.path.join(folder, f"{number}.h5")
            arguments = [argument for key, value in keys.items() if key not in ("loss", "similarity") for argument in ("--set", f"objective.{key}={value}")]
            if "similarity" in keys:
                arguments += ["--similarity", keys["similarity"]]
            subprocess.run([*options.command, "bench", "loss", "--loss", keys["loss"], *arguments, "--temperature", str(temperature), "--repeat", "1",
                            "--warmup", "0", "--input", encodings, "--output", output], check=True, stdout=subprocess.DEVNULL)
            limit = max(1e-5, 16 * 2.0**-24 * largest)
            with h5py.File(output) as file:
                errors = {"loss": abs(float(file["loss"][0]) - loss.item()) / max(1.0, abs(loss.item()))}
                for key, tensor in zip(SETS, sets):
                    if key in file:
                        exact = tensor.grad.numpy()
                        errors[key] = float(numpy.linalg.norm(file[key][()] - exact) / numpy.linalg.norm(exact))
            agrees = all(error <= limit for error in errors.values())
            failed += not agrees
            worst = max(worst, *(error / limit for error in errors.values()))
            detail = "  ".join(f"{key} {error:.1e}" for key, error in errors.items())
            print(f"{'agrees' if agrees else 'FAILED'}  {name}, temperature {temperature}: {detail} (limit {limit:.1e})", flush=True)
    print(f"{number + 1 - failed} agree, {failed} do not; at most {worst:.2f} of the limit")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()

"""Checks Couplet's gradients from outside: one step of plain gradient descent, from the checkpoint of step 0 to that of step 1, against
automatic differentiation in double precision of the textbook B × B loss (reference.py).

    gradient_check.py .build/release/couplet
    gradient_check.py --quick launch/local 2 couplet
    gradient_check.py --similarity cosine --temperature 0.005 --encoders mlp_gelu .build/release/couplet
    gradient_check.py --self-check          the reference alone, against finite differences

A batch is the whole of an HDF5 file of random pairs. Step 0 gives the parameters p0; the reference says how large the gradient is, from
which a learning rate (a power of two, so that the product with it is exact) is chosen that makes the step much larger than the rounding
of p1; then (p0 - p1) / learning rate is the gradient that Couplet computed, but for ulp(p1) / learning rate. Compared in the norm of all
parameters of an encoder, relative to it, within max(1e-5, 16 · 2⁻²⁴ · max|S|): a score in single precision carries that much.

Ends with 0 if all agree, 1 if not.
"""

import argparse
import itertools
import json
import math
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import h5py
import jax
import jax.numpy as jnp
import numpy

import reference
from training_run import checkpoint, logged_loss, power_of_two, run_couplet

SIMILARITIES = ["inner_product", "cosine", "quadratic"]
LOSSES = {
    "both": ("conditional", (0.5, 0.5)),
    "first": ("conditional", (1.0, 0.0)),
    "second": ("conditional", (0.0, 1.0)),
    "uneven": ("conditional", (0.3, 0.7)),
    "joint": ("joint", None),
    "joint_off_diagonal": ("joint_off_diagonal", None),
    "decoupled": ("decoupled", (0.3, 0.7)),
    "sigmoid": ("sigmoid", None),
    "mmd_linear": ("mmd", (1.0, 0.0)),
    "mmd_polynomial": ("mmd", (0.3, 0.7)),
    "lp_simclr": ("lp_simclr", None),
    "lp_simclr_root": ("lp_simclr", None),
    "lp_simclr_first_order": ("lp_simclr", None),
    "lp_simclr_other": ("lp_simclr", None),
    "nt_xent": ("nt_xent", None),
}
# The distance of lp_simclr, and where its negatives are from.
DISTANCES = {
    "lp_simclr": {"p": 2, "power": True, "negatives": "same_modality"},
    "lp_simclr_root": {"p": 2, "power": False, "negatives": "same_modality"},
    "lp_simclr_first_order": {"p": 1, "negatives": "same_modality"},
    "lp_simclr_other": {"p": 2, "power": True, "negatives": "other_modality"},
}
TEMPERATURES = ["0.005", "0.07", "1", "10", "learned"]
# The first encoder, and the second.
ENCODERS = {
    "linear": ({"kind": "linear", "bias": False}, {"kind": "linear", "bias": False}),
    "linear_bias": ({"kind": "linear", "bias": True}, {"kind": "linear", "bias": True}),
    "mlp_relu": ({"kind": "mlp", "widths": [20], "activation": "relu"}, {"kind": "linear", "bias": True}),
    "mlp_leaky_relu": ({"kind": "mlp", "widths": [24, 17], "activation": "leaky_relu", "slope": 0.01},
                       {"kind": "mlp", "widths": [19], "activation": "leaky_relu", "slope": 0.01}),
    "mlp_gelu": ({"kind": "mlp", "widths": [20], "activation": "gelu"}, {"kind": "mlp", "widths": [16], "activation": "gelu"}),
    "mlp_tanh": ({"kind": "mlp", "widths": [33], "activation": "tanh"}, {"kind": "mlp", "widths": [20], "activation": "tanh"}),
    "labels": ({"kind": "mlp", "widths": [20], "activation": "relu"}, {"kind": "labels"}),
}
CLASSES = 10
FIRST_WIDTH, SECOND_WIDTH = 12, 9
LEARNED_START = 0.1
BIAS_START = -2.5


def write_pairs(path, batch, labels, seed):
    """N = B related random pairs, in single precision as Couplet reads them."""
    generator = numpy.random.default_rng(seed)
    first = generator.standard_normal((batch, FIRST_WIDTH)).astype(numpy.float32)
    if labels:
        second = generator.integers(0, CLASSES, batch).astype(numpy.int32)
        second[:CLASSES] = numpy.arange(CLASSES)
    else:
        second = generator.standard_normal((batch, SECOND_WIDTH)).astype(numpy.float32)
        shared = min(FIRST_WIDTH, SECOND_WIDTH)
        second[:, :shared] += first[:, :shared]
    with h5py.File(path, "w") as file:
        file["first"], file["second"] = first, second


class Combination:
    def __init__(self, similarity, loss, temperature, encoders):
        self.name = f"{similarity} {loss} {temperature} {encoders}"
        self.similarity, self.encoders = similarity, ENCODERS[encoders]
        self.labels = encoders == "labels"
        self.loss, self.weights = LOSSES[loss]
        self.distance = DISTANCES.get(loss)
        self.kernel = loss.removeprefix("mmd_") if self.loss == "mmd" else None
        self.learned = temperature == "learned"
        self.temperature = LEARNED_START if self.learned else float(temperature)

    def config(self, pairs, batch, shards, embedding, steps, learning_rate):
        """JSON, which is YAML."""
        objective = {"similarity": self.similarity, "loss": self.loss, "temperature": self.temperature}
        if self.learned:
            objective["temperature"] = {"initial": self.temperature, "learned": True, "minimum": 1e-9}
        if self.weights:
            objective["weights"] = list(self.weights)
        if self.kernel:
            objective["kernel"] = self.kernel
        if self.distance:
            del objective["similarity"]
            objective.update(self.distance)
        if self.loss == "sigmoid":
            objective["bias"] = {"initial": BIAS_START, "learned": True}
        return json.dumps({
            "name": "gradient_check",
            "seed": 5,
            "data": {"source": "hdf5", "path": pairs, "held_out": 0},
            "encoders": {"embedding": embedding, "first": self.encoders[0], "second": self.encoders[1]},
            "objective": objective,
            "batch": {"size": batch, "shards": shards},
            "optimizer": {"kind": "sgd", "momentum": 0, "learning_rate": learning_rate, "schedule": "constant"},
            "train": {"steps": steps, "log_every": 1, "checkpoint_every": 1},
        }, indent=1)

    def value(self, parameters, first, second):
        """Loss, and the scores, of parameters {first, second, log_inverse_temperature, bias}."""
        specifications = self.encoders
        u = reference.encode(specifications[0]["kind"], specifications[0].get("activation"), parameters["first"], first)
        v = reference.encode(specifications[1]["kind"], specifications[1].get("activation"), parameters["second"], second)
        scale = parameters["log_inverse_temperature"]
        if self.distance:
            scores = reference.lp_simclr_scores(self.distance["p"], self.distance.get("power", True), self.distance["negatives"], u, v, scale)
        elif self.loss == "nt_xent":
            scores = reference.nt_xent_scores(self.similarity, u, v, scale)
        else:
            scores = reference.scores(self.similarity, u, v, scale)
        return self.loss_of(scores, parameters["bias"], first, second), scores

    def loss_of(self, scores, bias, first, second):
        if self.distance or self.loss == "nt_xent":
            return reference.loss_of_all(self.loss, self.distance and self.distance["negatives"], scores)
        kernels = None
        if self.kernel:
            data = first, numpy.eye(CLASSES)[numpy.asarray(second)] if self.labels else second
            kernels = [reference.kernel_matrix(self.kernel, one) for one in data]
        return reference.loss(self.loss, self.weights, scores, bias, kernels)

    def gradient(self, parameters, first, second):
        (loss, scores), gradient = jax.value_and_grad(self.value, has_aux=True)(parameters, first, second)
        return float(loss), float(jnp.max(jnp.abs(scores))), numpy.asarray(scores), gradient

    def initial(self, embedding, generator):
        """Random parameters, for checking the reference without Couplet."""
        def encoder(specification, width):
            if specification["kind"] == "labels":
                return [{"weight": generator.standard_normal((CLASSES, embedding))}]
            layers = []
            for out in [*specification.get("widths", []), embedding]:
                layer = {"weight": generator.standard_normal((out, width)) / math.sqrt(width)}
                if specification.get("bias", True):
                    layer["bias"] = generator.standard_normal(out) * 0.1
                layers.append(layer)
                width = out
            return layers
        return {"first": encoder(self.encoders[0], FIRST_WIDTH), "second": encoder(self.encoders[1], SECOND_WIDTH),
                "log_inverse_temperature": numpy.float64(-math.log(self.temperature)), "bias": numpy.float64(BIAS_START)}


def read_checkpoint(path, temperature):
    """The parameters in double precision, as reference.py wants them: layers in the order of their numbers."""
    with h5py.File(path) as file:
        group = file["parameters"]

        def layers(modality):
            numbers = sorted(group[modality], key=int)
            layers = [{name: numpy.asarray(data[()], dtype=numpy.float64) for name, data in group[modality][number].items()}
                      for number in numbers]
            return [layer for layer in layers if layer]

        parameters = {"first": layers("first"), "second": layers("second")}
        objective = group.get("objective", {})
        learned = "log_inverse_temperature" in objective
        parameters["log_inverse_temperature"] = (
            numpy.float64(numpy.asarray(objective["log_inverse_temperature"][()]).reshape(())) if learned
            else numpy.float64(-math.log(temperature)))
        parameters["bias"] = numpy.float64(numpy.asarray(objective["bias"][()]).reshape(()) if "bias" in objective else 0.0)
        single = not learned or objective["log_inverse_temperature"].dtype == numpy.float32
    return parameters, learned, single


def flat(tree):
    return numpy.concatenate([numpy.asarray(leaf, dtype=numpy.float64).reshape(-1) for leaf in jax.tree_util.tree_leaves(tree)])


def check(combination, options, pairs, folder):
    """A list of (what, error, limit)."""
    with h5py.File(pairs) as file:
        first, second = file["first"][()].astype(numpy.float64), file["second"][()]
    if not combination.labels:
        second = second.astype(numpy.float64)

    def config(steps, learning_rate):
        return combination.config(pairs, options.batch, options.shards, options.embedding, steps, learning_rate)

    start = run_couplet(options.command, folder, "start", config(0, 1.0))
    before, learned, single = read_checkpoint(checkpoint(start, 0), combination.temperature)
    if learned != combination.learned:
        raise RuntimeError(f"/parameters/objective/log_inverse_temperature {'is' if learned else 'is not'} in the checkpoint")
    loss, largest, scores, gradient = combination.gradient(before, first, second)
    tolerance = max(1e-5, 16 * 2.0**-24 * largest)

    # A step 64 times the largest parameter, but of the logarithm of the temperature no more than 8, which its floor allows.
    sizes = [64 * max(numpy.abs(flat(before[name])).max(), 1e-3) / max(numpy.abs(flat(gradient[name])).max(), 1e-30)
             for name in ("first", "second")]
    if learned:
        sizes.append(8 / max(abs(float(gradient["log_inverse_temperature"])), 1e-30))
    if combination.loss == "sigmoid":
        sizes.append(64 / max(abs(float(gradient["bias"])), 1e-30))
    learning_rate = power_of_two(min(sizes))
    run = run_couplet(options.command, folder, "step", config(1, learning_rate))
    after, _, _ = read_checkpoint(checkpoint(run, 1), combination.temperature)

    results = []
    for name in ("first", "second", "log_inverse_temperature", "bias"):
        if name == "log_inverse_temperature" and not learned or name == "bias" and combination.loss != "sigmoid":
            continue
        found = (flat(before[name]) - flat(after[name])) / learning_rate
        exact = flat(gradient[name])
        spacing = numpy.spacing(numpy.abs(flat(after[name])).astype(numpy.float32)).astype(numpy.float64)
        if name == "log_inverse_temperature":
            # One number, and a sum whose terms may cancel: they are its scale.
            scale = numpy.abs(numpy.asarray(jax.grad(combination.loss_of)(
                jnp.asarray(scores), before["bias"], first, second)) * scores).sum()
            spacing = spacing if single else spacing * 0
        elif name == "bias":
            # Positives pull it up, all others down.
            scale = numpy.abs(numpy.asarray(jax.grad(combination.loss_of)(jnp.asarray(scores), before["bias"], first, second))).sum()
            spacing = spacing * 0
        else:
            scale = numpy.linalg.norm(exact)
        if found.shape != exact.shape:
            raise RuntimeError(f"{name}: {found.size} parameters, {exact.size} expected")
        rounding = numpy.linalg.norm(spacing) / learning_rate
        results.append((name, numpy.linalg.norm(found - exact) / scale, tolerance + rounding / scale))
    positives = scores[..., -1] if combination.distance else numpy.diagonal(scores, len(scores) // 2 if combination.loss == "nt_xent" else 0)
    scale = max(abs(loss), float(numpy.abs(positives).mean()), 1.0)
    results.append(("loss", abs(logged_loss(run) - loss) / scale, tolerance))
    return results


def self_check(combination, options):
    """The reference's gradient along random directions, against central differences."""
    generator = numpy.random.default_rng(3)
    first = generator.standard_normal((options.batch, FIRST_WIDTH))
    second = (generator.integers(0, CLASSES, options.batch) if combination.labels
              else generator.standard_normal((options.batch, SECOND_WIDTH)))
    parameters = combination.initial(options.embedding, generator)
    _, largest, _, gradient = combination.gradient(parameters, first, second)
    results = []
    for name in ("first", "second", "log_inverse_temperature", *(["bias"] if combination.loss == "sigmoid" else [])):
        # Along the gradient, where the slope is its norm, bent a little so that components of it are not just themselves.
        leaves, shape = jax.tree_util.tree_flatten(gradient[name])
        norm = max(numpy.linalg.norm(flat(gradient[name])), 1e-30)
        direction = [numpy.asarray(leaf) / norm + 0.3 * generator.standard_normal(numpy.shape(leaf)) / math.sqrt(max(numpy.size(leaf), 1))
                     for leaf in leaves]
        length = 1e-5 / max(largest, 1.0)

        def at(sign):
            moved = [leaf + sign * length * along for leaf, along in zip(jax.tree_util.tree_leaves(parameters[name]), direction)]
            return float(combination.value(
                {**parameters, name: jax.tree_util.tree_unflatten(shape, moved)}, first, second)[0])

        slope = sum(float(numpy.sum(numpy.asarray(leaf) * along)) for leaf, along in zip(leaves, direction))
        rounding = 2.0**-50 * max(largest, 1.0) / length
        results.append((name, abs((at(1) - at(-1)) / (2 * length) - slope), 1e-5 * max(abs(slope), norm) + rounding))
    return results


def combinations(options):
    """All that are asked for; with --quick each value of each option with every similarity, instead of each with each."""
    chosen = [options.similarity or SIMILARITIES, options.loss or list(LOSSES), options.temperature or TEMPERATURES,
              options.encoders or list(ENCODERS)]
    everything = list(itertools.product(*chosen))
    if not options.quick:
        return everything
    quick = []
    for shift, similarity in enumerate(chosen[0]):
        for turn in range(max(len(values) for values in chosen[1:])):
            # Different strides, so that a loss does not always meet the same temperature.
            quick.append((similarity, *(values[(stride * turn + shift) % len(values)] for stride, values in zip((1, 2, 3), chosen[1:]))))
    return quick


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--similarity", action="append", choices=SIMILARITIES)
    parser.add_argument("--loss", action="append", choices=list(LOSSES))
    parser.add_argument("--temperature", action="append", choices=TEMPERATURES)
    parser.add_argument("--encoders", action="append", choices=list(ENCODERS))
    parser.add_argument("--quick", action="store_true", help="45 combinations that cover every value, instead of all 1,575")
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--embedding", type=int, default=5)
    parser.add_argument("--self-check", action="store_true", help="the reference against finite differences, without Couplet")
    parser.add_argument("--jobs", type=int, default=1, help="combinations at a time")
    parser.add_argument("--keep", metavar="FOLDER", help="write configs and runs here and keep them")
    parser.add_argument("--verbose", action="store_true", help="print what agrees, too")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the command that runs couplet, without its arguments")
    options = parser.parse_args()
    if options.command[:1] == ["--"]:
        options.command = options.command[1:]
    if bool(options.command) == options.self_check:
        parser.error("name the command that runs couplet, or --self-check")

    with tempfile.TemporaryDirectory() as temporary:
        root = os.path.abspath(options.keep) if options.keep else temporary
        os.makedirs(root, exist_ok=True)
        pairs = {labels: os.path.join(root, "labels.h5" if labels else "pairs.h5") for labels in (False, True)}
        for labels, path in pairs.items():
            write_pairs(path, options.batch, labels, seed=11)

        def one(values):
            combination = Combination(*values)
            try:
                if options.self_check:
                    return combination.name, self_check(combination, options), None
                with tempfile.TemporaryDirectory(dir=root) if not options.keep else Folder(root, combination.name) as folder:
                    return combination.name, check(combination, options, pairs[combination.labels], folder), None
            except (RuntimeError, OSError, KeyError, ValueError, subprocess.TimeoutExpired) as error:
                return combination.name, [], f"{type(error).__name__}: {error}"

        failures = count = 0
        worst = {}
        with ThreadPoolExecutor(options.jobs) as pool:
            for name, results, failure in pool.map(one, combinations(options)):
                count += 1
                wrong = [result for result in results if not result[1] <= result[2]]
                failures += bool(wrong or failure)
                for what, error, limit in results:
                    worst[what] = max(worst.get(what, (0.0, "")), (error / limit, name))
                if wrong or failure or options.verbose:
                    detail = failure or "; ".join(f"{what} {error:.2e} (limit {limit:.2e})" for what, error, limit in results)
                    print(f"{'FAILED' if wrong or failure else 'agrees'}  {name}: {detail}", flush=True)
    for what, (share, name) in worst.items():
        print(f"{what}: at most {share:.2f} of its limit ({name})")
    print(f"{count - failures} passed, {failures} failed")
    sys.exit(1 if failures else 0)


class Folder:
    """A folder of its own for one combination, kept."""

    def __init__(self, root, name):
        self.path = os.path.join(root, name.replace(" ", "-"))

    def __enter__(self):
        import shutil
        shutil.rmtree(self.path, ignore_errors=True)
        os.makedirs(self.path)
        return self.path

    def __exit__(self, *_):
        return None


if __name__ == "__main__":
    main()

"""What each loss would learn from infinitely many Gaussian pairs, found numerically in double precision on expectations (Gaussian integrals in closed
form, quasi-random points elsewhere), beside what the trials of a sweep have learned. Shares no code with Couplet.

    launch/reproduce gaussian --output studies/gaussian
    python Tests/Peers/population.py studies/gaussian/combinations --couplet .build/release/couplet

Errors are in whitened coordinates, where a pair has its canonical correlations only: |A - A*|_F / |A*|_F of A = G̃ᵀH̃ for the inner product; of G̃ᵀH̃,
G̃ᵀG̃ and H̃ᵀH̃ together for the quadratic similarity; of A / |A|_F for the cosine, which knows no lengths (and G̃ᵀG̃, H̃ᵀH̃ likewise).
"""

import argparse
import json
import math
import pathlib
import re
import subprocess
import tempfile

import h5py
import jax
import numpy as np

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp
from jax.nn import softplus
from jax.scipy.special import logsumexp
from scipy.optimize import minimize
from scipy.special import ndtri
from scipy.stats import qmc


def normal_points(count, dimensions, seed):
    """Scrambled Sobol points as draws of N(0, I)."""
    return ndtri(np.clip(qmc.Sobol(dimensions, seed=seed).random(count), 1e-12, 1 - 1e-12))


def roots(covariance):
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(values)) @ vectors.T, (vectors / np.sqrt(values)) @ vectors.T


def philox(seed, stream, number, blocks):
    """Philox4x32-10 (Salmon, Moraes, Dror, Shaw, SC 2011), counter (block, stream, number), four words a block."""
    words = []
    for block in range(blocks):
        c, k = [block, stream, number & 0xFFFFFFFF, number >> 32], [seed & 0xFFFFFFFF, seed >> 32]
        for _ in range(10):
            p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
            c = [(q >> 32) ^ c[1] ^ k[0], q & 0xFFFFFFFF, (p >> 32) ^ c[3] ^ k[1], p & 0xFFFFFFFF]
            k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
        words += c
    return np.array(words, dtype=np.uint64)


def frequencies_of_run(seed, modality, count, inputs, bandwidth):
    """The frequencies ω that a run's Gaussian kernel has: normal numbers by Box and Muller from a stream of their own."""
    words = philox(seed, 12, 2 * modality, -(-count * inputs // 4))
    radius = np.sqrt(-2 * np.log(((words[::2] >> np.uint64(9)).astype(float) + 0.5) * 2.0**-23))
    angle = 2 * np.pi * words[1::2].astype(float) * 2.0**-32
    normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()
    return normal[: count * inputs].reshape(count, inputs) / bandwidth


class Pair:
    """u = Cuu^½ A x, v = Cvv^½ B y, with x and y standard normal and E x yᵀ = diag(σ)."""

    def __init__(self, uu, uv, vv):
        self.first_root, first_inverse = roots(uu)
        self.second_root, second_inverse = roots(vv)
        left, self.sigma, right = np.linalg.svd(first_inverse @ uv @ second_inverse)
        self.left, self.right = left, right.T
        self.first_map, self.second_map = self.first_root @ left, self.second_root @ self.right
        self.cross = np.zeros(uv.shape)
        np.fill_diagonal(self.cross, self.sigma)


def scores(similarity, g, h, temperature):
    """All pairs of rows; g and h are encodings."""
    if similarity == "cosine":
        g = g / jnp.linalg.norm(g, axis=1, keepdims=True)
        h = h / jnp.linalg.norm(h, axis=1, keepdims=True)
    product = g @ h.T
    if similarity == "quadratic":
        product = product - 0.5 * jnp.sum(g * g, 1)[:, None] - 0.5 * jnp.sum(h * h, 1)[None, :]
    return product / temperature


def own_scores(similarity, g, h, temperature):
    """Row i with row i."""
    if similarity == "cosine":
        return jnp.sum(g * h, 1) / jnp.linalg.norm(g, axis=1) / jnp.linalg.norm(h, axis=1) / temperature
    if similarity == "quadratic":
        return -0.5 * jnp.sum((g - h) ** 2, 1) / temperature
    return jnp.sum(g * h, 1) / temperature


def diagonal_gaussian(objective, sigma, count):
    """Softmax losses, inner product and quadratic, along canonical pairs: Gaussian integrals."""
    a_weight, b_weight = objective["weights"]

    def value(parameters):
        g, h = parameters[: len(sigma)], parameters[len(sigma) :]
        product = g * h
        p, q = (g * g, h * h) if objective["similarity"] == "quadratic" else (0 * g, 0 * h)
        positive = jnp.sum(product * sigma - 0.5 * p - 0.5 * q)
        if objective["loss"].startswith("joint"):
            determinant = (1 + p) * (1 + q) - product**2
            inside = jnp.all(determinant > 1e-9)
            return jnp.where(inside, -0.5 * jnp.sum(jnp.log(jnp.where(determinant > 1e-9, determinant, 1))) - positive, 1e6)
        first = jnp.sum(-0.5 * jnp.log1p(p) + 0.5 * product**2 / (1 + p) - 0.5 * q)
        second = jnp.sum(-0.5 * jnp.log1p(q) + 0.5 * product**2 / (1 + q) - 0.5 * p)
        return a_weight * (first - positive) + b_weight * (second - positive)

    return value


def diagonal_sigmoid(objective, sigma, count, points=1 << 17):
    """E over pairs of softplus(-S - b) + (N - 1) E over independent ones of softplus(S + b), both on points of the mixture ½ ρ + ½ μ ν."""
    e = len(sigma)
    z = normal_points(points, 2 * e + 1, 1)
    x, noise, coin = z[:, :e], z[:, e : 2 * e], z[:, 2 * e] > 0
    y = np.where(coin[:, None], sigma * x + np.sqrt(1 - sigma**2) * noise, noise)
    # log ρ / (μ ν)
    ratio = np.sum(-0.5 * np.log(1 - sigma**2) - 0.5 * (sigma**2 * (x**2 + y**2) - 2 * sigma * x * y) / (1 - sigma**2), 1)
    positive, negative = 2 / (1 + np.exp(-ratio)), 2 / (1 + np.exp(ratio))

    def value(parameters):
        g, h, bias = parameters[:e], parameters[e : 2 * e], parameters[2 * e]
        t = own_scores(objective["similarity"], g * x, h * y, objective["temperature"]) + bias
        return jnp.mean(positive * softplus(-t) + (count - 1) * negative * softplus(t))

    return value


def diagonal_cosine(objective, sigma, count, points=1 << 12):
    """Softmax losses of the cosine on quasi-random points: its scores are bounded, so these integrals are tame."""
    e = len(sigma)
    x, y = normal_points(points, e, 2), normal_points(points, e, 3)
    z = normal_points(1 << 16, 2 * e, 4)
    own_x, own_y = z[:, :e], sigma * z[:, :e] + np.sqrt(1 - sigma**2) * z[:, e:]

    def value(parameters):
        g, h = parameters[:e], parameters[e:]
        s = scores("cosine", g * x, h * y, objective["temperature"])
        positive = jnp.mean(own_scores("cosine", g * own_x, h * own_y, objective["temperature"]))
        # The scale is free; this holds it.
        held = 0.01 * (jnp.sum(g * g) - 1) ** 2 + 0.01 * (jnp.sum(h * h) - 1) ** 2
        if objective["loss"].startswith("joint"):
            return logsumexp(s) - 2 * math.log(points) - positive + held
        first = jnp.mean(logsumexp(s, axis=0)) - math.log(points)
        second = jnp.mean(logsumexp(s, axis=1)) - math.log(points)
        return objective["weights"][0] * (first - positive) + objective["weights"][1] * (second - positive) + held

    return value


def full_discrepancy(objective, pair, e, points=1 << 11):
    """Half the squared distance between the kernel's mean of the learned conditional and of the data; the encoders are whole matrices, for the kernel knows
    the data's own coordinates."""
    first, second = pair.cross.shape
    weights = objective["weights"]
    bandwidth = float(objective.get("bandwidth", 1))
    # Few random frequencies are a kernel of their own: the run's.
    features = int(objective.get("features", 2))
    frequencies = [frequencies_of_run(objective["seed"], k, features // 2, n, bandwidth) for k, n in enumerate((first, second))]
    x, y = normal_points(points, first, 7), normal_points(points, second, 8)

    def side(g, h, own_map, cross, frequency, own, other):
        """For own given other, in canonical coordinates."""
        n = g.shape[1]
        if objective["similarity"] == "cosine":
            s = scores("cosine", own @ g.T, other @ h.T, objective["temperature"])
            weight = jnp.exp(s - logsumexp(s, axis=0))
            return 0.5 * jnp.mean(jnp.sum(((weight.T @ own - other @ cross.T) @ own_map.T) ** 2, 1))
        quadratic = objective["similarity"] == "quadratic"
        covariance = jnp.linalg.inv(jnp.eye(n) + g.T @ g) if quadratic else jnp.eye(n)
        mean = covariance @ g.T @ h
        difference = own_map @ (mean - cross)
        if objective["kernel"] == "linear":
            return 0.5 * jnp.sum(difference**2)
        learned, exact = own_map @ covariance @ own_map.T, own_map @ (jnp.eye(n) - cross @ cross.T) @ own_map.T
        if objective["kernel"] == "polynomial":
            # E (1 + ⟨u, u'⟩)² = E (1 + m·m')² + E m·C' m + E m'·C m' + tr C C', for u ~ N(m, C) and u' ~ N(m', C'), m and m' linear in a normal vector.
            def inner(m, c, other_m, other_c):
                mixed = m.T @ other_m
                symmetric = 0.5 * (mixed + mixed.T)
                quartic = 1 + 2 * jnp.trace(mixed) + jnp.trace(symmetric) ** 2 + 2 * jnp.sum(symmetric**2)
                return quartic + jnp.trace(m.T @ other_c @ m) + jnp.trace(other_m.T @ c @ other_m) + jnp.sum(c * other_c)

            m, truth = own_map @ mean, own_map @ cross
            return 0.5 * inner(m, learned, m, learned) - inner(m, learned, truth, exact)
        spread = jnp.sum((frequency @ learned) * frequency, 1)
        true_spread = jnp.sum((frequency @ exact) * frequency, 1)
        apart = jnp.sum((frequency @ difference) ** 2, 1)
        return jnp.mean(0.5 * jnp.exp(-spread) - jnp.exp(-0.5 * (spread + true_spread + apart)))

    def value(parameters):
        g = parameters[: e * first].reshape(e, first) / math.sqrt(objective["temperature"] if objective["similarity"] != "cosine" else 1)
        h = parameters[e * first :].reshape(e, second) / math.sqrt(objective["temperature"] if objective["similarity"] != "cosine" else 1)
        held = 0.0
        if objective["similarity"] == "cosine":
            held = 0.01 * (jnp.sum(g * g) - 1) ** 2 + 0.01 * (jnp.sum(h * h) - 1) ** 2
        return (
            weights[0] * side(g, h, pair.first_map, pair.cross, frequencies[0], x, y)
            + weights[1] * side(h, g, pair.second_map, pair.cross.T, frequencies[1], y, x)
            + held
        )

    return value


def lowest(value, start):
    function = jax.jit(jax.value_and_grad(value))

    def evaluate(parameters):
        loss, gradient = function(parameters)
        return float(loss), np.asarray(gradient)

    return minimize(evaluate, start, jac=True, method="L-BFGS-B", options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-8}).x


def population(objective, pair, e, count):
    """G̃ and H̃ in canonical coordinates."""
    first, second = pair.cross.shape
    sigma = pair.sigma[:e]
    start = np.concatenate([np.sqrt(sigma) * 0.7, np.sqrt(sigma) * 0.7])
    if objective["loss"] == "mmd":
        rng = np.random.default_rng(1)
        g, h = 0.05 * rng.standard_normal((e, first)), 0.05 * rng.standard_normal((e, second))
        g[:, :e] += np.diag(start[:e])
        h[:, :e] += np.diag(start[e:])
        best = lowest(full_discrepancy(objective, pair, e), np.concatenate([g.ravel(), h.ravel()]))
        return best[: e * first].reshape(e, first), best[e * first :].reshape(e, second)
    if objective["loss"] == "sigmoid":
        best = lowest(diagonal_sigmoid(objective, sigma, count), np.append(start, -math.log(count)))
    elif objective["similarity"] == "cosine":
        best = lowest(diagonal_cosine(objective, sigma, count), start)
    else:
        best = lowest(diagonal_gaussian(objective, sigma, count), start)
    g, h = np.zeros((e, first)), np.zeros((e, second))
    g[:, :e], h[:, :e] = np.diag(best[:e]), np.diag(best[e : 2 * e])
    # The cosine has no lengths, and the temperature only scales the others, in the scores of which it stands already.
    if objective["loss"] == "sigmoid" and objective["similarity"] != "cosine":
        g, h = g / math.sqrt(objective["temperature"]), h / math.sqrt(objective["temperature"])
    return g, h


def comparable(similarity, g, h):
    """What the similarity determines, as one vector."""
    if similarity == "inner_product":
        return (g.T @ h).ravel()
    if similarity == "cosine":
        g, h = g / np.linalg.norm(g), h / np.linalg.norm(h)
    return np.concatenate([(g.T @ h).ravel(), (g.T @ g).ravel(), (h.T @ h).ravel()])


def read_objective(text):
    """The block `objective` of a resolved config: one key a line, or on one line."""
    block = re.search(r"^objective:(.*(?:\n[ ]+.*)*)", text, re.M).group(1)
    pairs = re.findall(r"(\w+): (\[[^\]]*\]|\{[^}]*\}|[^\s,}]+)", block)
    objective = {key: value for key, value in pairs}
    objective["temperature"] = float(objective["temperature"])
    objective["weights"] = json.loads(objective.get("weights", "[0.5, 0.5]"))
    return objective


def title(objective):
    name = f"{objective['similarity']}, {objective['loss']}"
    if objective["loss"] in ("conditional", "decoupled", "mmd"):
        name += f" ({objective['weights'][0]:g}, {objective['weights'][1]:g})"
    return name + (f", {objective['kernel']}" if objective["loss"] == "mmd" else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sweep", type=pathlib.Path, help="the folder of a sweep, or of one run")
    parser.add_argument("--couplet", default="couplet")
    parser.add_argument("--json", type=pathlib.Path, help="write the table to this file too")
    parser.add_argument("--match", default="", help="only trials whose name contains this")
    options = parser.parse_args()
    runs = sorted((options.sweep / "trials").iterdir()) if (options.sweep / "trials").is_dir() else [options.sweep]
    rows, cache = [], {}
    print(f"{'combination':46} {'N':>6}  {'learned (singular values)':28} {'population':28} error")
    for run in runs:
        checkpoints = sorted((run / "checkpoints").glob("*.h5"))
        if not checkpoints or options.match not in run.name or not (run / "evaluation.json").exists():
            continue
        text = (run / "config.yaml").read_text()
        objective, count = read_objective(text), int(re.search(r"size: (\d+)", text).group(1))
        objective["seed"] = int(re.search(r"^seed: (\d+)", text, re.M).group(1))
        if objective["similarity"] == "cosine" and objective["loss"] == "mmd" and objective["kernel"] != "linear":
            print(f"{title(objective):46} {count:6}  no Gaussian conditional, and means alone do not tell this kernel", flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [options.couplet, "data", "export", str(run / "config.yaml"), "--output", f"{folder}/pairs.h5", "--count", "1"],
                check=True, stdout=subprocess.DEVNULL)
            with h5py.File(f"{folder}/pairs.h5") as file:
                pair = Pair(*(file[f"covariance/{name}"][()].astype(float) for name in ("uu", "uv", "vv")))
        with h5py.File(checkpoints[-1]) as file:
            g, h = (file[f"parameters/{name}/0/weight"][()].astype(float) for name in ("first", "second"))
        scale = 1 / math.sqrt(objective["temperature"]) if objective["similarity"] != "cosine" else 1
        g, h = scale * g @ pair.first_map, scale * h @ pair.second_map
        key = (json.dumps(objective, sort_keys=True), count, g.shape, h.shape, pair.first_map.tobytes())
        if key not in cache:
            cache[key] = population(objective, pair, g.shape[0], count)
        exact = comparable(objective["similarity"], *cache[key])
        learned = comparable(objective["similarity"], g, h)
        error = np.linalg.norm(learned - exact) / np.linalg.norm(exact)

        def values(first, second):
            if objective["similarity"] == "cosine":
                first, second = first / np.linalg.norm(first), second / np.linalg.norm(second)
            return np.linalg.svd(first.T @ second, compute_uv=False)[: g.shape[0]]

        shown = values(g, h), values(*cache[key])
        rows.append({"trial": run.name, "combination": title(objective), "batch": count, "learned": list(shown[0]), "population": list(shown[1]), "error": error})
        texts = ["  ".join(f"{x:.3f}" for x in one) for one in shown]
        print(f"{title(objective):46} {count:6}  {texts[0]:28} {texts[1]:28} {100 * error:.2f} %", flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")


main()

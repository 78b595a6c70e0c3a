"""One whole training step (both encoders forward, symmetric InfoNCE, backward, Adam) in the systems that a user would pick instead.

    step.py study                      15 → 150 → 750 ×4 → 150 → 5, leaky_relu 0.01, two of them, B = 6,144, cosine, temperature 0.1
    step.py latent                     the same encoders, lp_simclr: four encoded batches, B = 6,144, temperature 1
    step.py mnist                      3×3 conv 32, relu, pool, 3×3 conv 64, relu, pool, 3136 → 128, relu, → 64; labels 10 × 64;
                                       B = 1,024, cosine, learned temperature
    step.py study --parameters runs/study/checkpoints/step-00000000.h5 --data pairs.h5      the same numbers as Couplet

prints one JSON object for each implementation: losses of the first three steps and gradient norms of the first, median and least seconds.
"""

import argparse
import math
import os
import subprocess
import sys
import tempfile

import measure

# torch_channels_last: eager, with images and convolutions in that order in memory; for the study's encoders, without images, left out.
IMPLEMENTATIONS = ["jax", "torch", "torch_channels_last", "torch_compiled", "torch_ddp"]
STUDY_SIZES = [15, 150, 750, 750, 750, 750, 150, 5]
SLOPE = 0.01
MODELS = {
    "study": {"batch": 6144, "temperature": 0.1, "learned": False, "learning_rate": 1e-4},
    "latent": {"batch": 6144, "temperature": 1.0, "learned": False, "learning_rate": 1e-4},
    "mnist": {"batch": 1024, "temperature": 0.07, "learned": True, "learning_rate": 1e-3},
}
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def shapes(model):
    """(weight shape, bias shape or None) of each layer that has parameters, for the first and the second encoder."""
    if model != "mnist":
        encoder = [((out, width), (out,)) for width, out in zip(STUDY_SIZES, STUDY_SIZES[1:])]
        return encoder, encoder
    images = [((32, 1, 3, 3), (32,)), ((64, 32, 3, 3), (64,)), ((128, 3136), (128,)), ((64, 128), (64,))]
    return images, [((10, 64), None)]


def parameters(options):
    """For both encoders the flat list weight, bias, weight, …: of a checkpoint of Couplet, or drawn by numpy (He)."""
    import numpy

    if options.parameters:
        import h5py
        with h5py.File(options.parameters) as file:
            def encoder(modality, wanted):
                group = file["parameters"][modality]
                layers = [group[number] for number in sorted(group, key=int) if len(group[number])]
                arrays = []
                for layer, (weight, bias) in zip(layers, wanted, strict=True):
                    arrays.append(layer["weight"][()].reshape(weight))
                    if bias:
                        arrays.append(layer["bias"][()].reshape(bias))
                return arrays
            return [encoder(modality, wanted) for modality, wanted in zip(("first", "second"), shapes(options.model))]

    generator = numpy.random.default_rng(options.seed)
    encoders = []
    for wanted in shapes(options.model):
        arrays = []
        for weight, bias in wanted:
            scale = math.sqrt(2 / math.prod(weight[1:])) if bias else 1.0
            arrays.append((scale * generator.standard_normal(weight)).astype(numpy.float32))
            if bias:
                arrays.append(numpy.zeros(bias, numpy.float32))
        encoders.append(arrays)
    return encoders


def batch(options, number=0):
    """The pairs of one batch (of `latent` number 1 is the second one): from /first and /second of an HDF5 file, or drawn by numpy."""
    import numpy

    start = number * options.batch
    if options.data:
        import h5py
        with h5py.File(options.data) as file:
            first, second = file["first"][start:start + options.batch], file["second"][start:start + options.batch]
        if len(first) < options.batch:
            sys.exit(f"{options.data}: {len(first)} pairs from {start} on, {options.batch} wanted")
    else:
        generator = numpy.random.default_rng(options.seed + 1 + number)
        if options.model != "mnist":
            first = generator.standard_normal((options.batch, 15))
            second = first + 0.5 * generator.standard_normal((options.batch, 15))
        else:
            first = generator.standard_normal((options.batch, 28, 28))
            second = generator.integers(0, 10, options.batch)
    first = first.astype(numpy.float32)
    if options.model == "mnist":
        return first.reshape(-1, 1, 28, 28), second.reshape(-1).astype(numpy.int64)
    return first, second.astype(numpy.float32)


def jax_step(options):
    import jax
    import jax.numpy as jnp
    import numpy
    from jax.scipy.special import logsumexp

    def perceptron(arrays, x):
        for layer in range(0, len(arrays), 2):
            x = x @ arrays[layer].T + arrays[layer + 1]
            if layer + 2 < len(arrays):
                x = jax.nn.leaky_relu(x, SLOPE)
        return x

    def images(arrays, x):
        # Channels last, which XLA prefers on CPUs; the weights keep their order.
        x = x.transpose(0, 2, 3, 1)
        for layer in (0, 2):
            kernel = arrays[layer].transpose(2, 3, 1, 0)
            x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            x = jax.nn.relu(x + arrays[layer + 1])
            # By reshaping, which takes less than half the time of reduce_window, forward and backward.
            count, height, width, channels = x.shape
            x = x.reshape(count, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
        x = x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)
        x = jax.nn.relu(x @ arrays[4].T + arrays[5])
        return x @ arrays[6].T + arrays[7]

    def attraction_and_repulsion(u, v, strangers):
        # By squares and products, as one would: distances from all differences are an array of B² d numbers.
        squares = jnp.sum(u * u, 1)[:, None] + jnp.sum(strangers * strangers, 1)[None, :] - 2 * u @ strangers.T
        positives = jnp.sum((u - v) ** 2, 1) / options.temperature
        scores = jnp.concatenate([-squares / options.temperature, -positives[:, None]], axis=1)
        return jnp.mean(positives + logsumexp(scores, axis=1) - jnp.log(scores.shape[1]))

    def loss(state, first, second, *others):
        if others:
            u, v = perceptron(state["first"], first), perceptron(state["second"], second)
            u_other, v_other = perceptron(state["first"], others[0]), perceptron(state["second"], others[1])
            return 0.5 * (attraction_and_repulsion(u, v, u_other) + attraction_and_repulsion(v, u, v_other))
        if options.model == "study":
            u, v = perceptron(state["first"], first), perceptron(state["second"], second)
        else:
            u, v = images(state["first"], first), state["second"][0][second]
        u = u / jnp.linalg.norm(u, axis=1, keepdims=True)
        v = v / jnp.linalg.norm(v, axis=1, keepdims=True)
        scores = u @ v.T * jnp.exp(state["log_scale"])
        return jnp.mean(0.5 * (logsumexp(scores, axis=1) + logsumexp(scores, axis=0)) - jnp.diagonal(scores))

    def update(state, mean, square, count, *batches):
        value, gradient = jax.value_and_grad(loss)(state, *batches)
        if not options.learned:
            gradient["log_scale"] = jnp.zeros_like(gradient["log_scale"])
        count = count + 1
        mean = jax.tree_util.tree_map(lambda m, g: BETA1 * m + (1 - BETA1) * g, mean, gradient)
        square = jax.tree_util.tree_map(lambda s, g: BETA2 * s + (1 - BETA2) * g * g, square, gradient)
        state = jax.tree_util.tree_map(
            lambda p, m, s: p - options.learning_rate * (m / (1 - BETA1**count)) / (jnp.sqrt(s / (1 - BETA2**count)) + EPSILON),
            state, mean, square)
        return state, mean, square, count, value

    compiled = jax.jit(update, donate_argnums=(0, 1, 2, 3))
    first_arrays, second_arrays = parameters(options)
    state = jax.device_put({"first": first_arrays, "second": second_arrays,
                            "log_scale": jnp.float32(-math.log(options.temperature))})
    carried = [state, jax.tree_util.tree_map(jnp.zeros_like, state), jax.tree_util.tree_map(jnp.zeros_like, state), jnp.float32(0)]
    batches = [jax.device_put(one) for number in range(2 if options.model == "latent" else 1) for one in batch(options, number)]

    # Of the first step, and outside of it: no step that is timed computes norms.
    gradient = jax.jit(jax.grad(loss))(state, *batches)
    norms = [math.sqrt(sum(float((numpy.asarray(array, numpy.float64) ** 2).sum()) for array in gradient[encoder]))
             for encoder in ("first", "second")]
    del gradient

    def step():
        *carried[:], value = compiled(*carried, *batches)
        jax.block_until_ready(carried)
        return lambda: (float(value), *norms)

    return step, f"jax {jax.__version__}"


def torch_step(options, compiled=False, channels_last=False, rank=0, ranks=1):
    import warnings

    import torch
    from torch import nn

    warnings.filterwarnings("ignore", category=FutureWarning, module="open_clip")  # of a function that OpenCLIP uses

    torch.set_num_threads(max(options.threads // ranks, 1))

    class Labels(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Embedding(10, 64)

        def forward(self, x):
            return self.table(x)

    if options.model == "latent":
        sys.exit("step.py latent: in JAX alone")

    class Pair(nn.Module):
        """Both encoders and the logit scale, as OpenCLIP's model has them: forward gives unit encodings and the scale."""

        def __init__(self):
            super().__init__()
            if options.model == "study":
                self.first, self.second = perceptron(), perceptron()
            else:
                self.first = nn.Sequential(
                    nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                    nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                    nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 64))
                self.second = Labels()
            log_scale = torch.tensor(-math.log(options.temperature))
            if options.learned:
                self.log_scale = nn.Parameter(log_scale)
            else:
                self.register_buffer("log_scale", log_scale)

        def forward(self, first, second):
            return (nn.functional.normalize(self.first(first), dim=-1), nn.functional.normalize(self.second(second), dim=-1),
                    self.log_scale.exp())

    def perceptron():
        layers = []
        for width, out in zip(STUDY_SIZES, STUDY_SIZES[1:]):
            layers += [nn.Linear(width, out), nn.LeakyReLU(SLOPE)]
        return nn.Sequential(*layers[:-1])

    pair = Pair()
    with torch.no_grad():
        for encoder, arrays in zip((pair.first, pair.second), parameters(options)):
            for parameter, array in zip(encoder.parameters(), arrays, strict=True):
                parameter.copy_(torch.from_numpy(array))
    if channels_last:
        pair.to(memory_format=torch.channels_last)
    model = pair
    if ranks > 1:
        model = nn.parallel.DistributedDataParallel(pair)
        objective = measure.open_clip_loss()(
            local_loss=True, gather_with_grad=True, cache_labels=True, rank=rank, world_size=ranks)
    else:
        objective = measure.open_clip_loss()(cache_labels=True)
    optimizer = torch.optim.Adam(
        pair.parameters(), lr=options.learning_rate, betas=(BETA1, BETA2), eps=EPSILON, fused=True)
    share = options.batch // ranks
    first, second = (torch.from_numpy(array[rank * share:(rank + 1) * share].copy()) for array in batch(options))
    if channels_last:
        first = first.contiguous(memory_format=torch.channels_last)

    def loss():
        return objective(*model(first, second))

    if compiled:
        loss = torch.compile(loss, dynamic=False)

    def norm(encoder):
        return math.sqrt(sum(float(parameter.grad.double().square().sum()) for parameter in encoder.parameters()))

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = loss()
        value.backward()
        optimizer.step()
        value = value.detach()

        def results():
            if ranks > 1:
                torch.distributed.all_reduce(value)
            return float(value) / ranks, norm(pair.first), norm(pair.second)

        return results

    return step, f"torch {torch.__version__}"


def warm_up(step, options):
    """Losses of the first three steps and the first one's gradient norms, as fields of the report."""
    first = step()()
    losses = [first[0], *(step()()[0] for _ in range(2))]
    measure.time_round(step, options.warmup)
    return {"losses": losses, "first_gradient_norm": first[1], "second_gradient_norm": first[2]}


def measure_alone(options, implementation):
    measure.settle_threads(options.threads)
    if implementation == "jax":
        step, version = jax_step(options)
    else:
        step, version = torch_step(options, compiled=implementation == "torch_compiled",
                                   channels_last=implementation == "torch_channels_last")
    results = warm_up(step, options)
    for _ in measure.rounds(options):
        measure.report(options, measure.time_round(step, options.repeat), version=version, model=options.model,
                       batch=options.batch, processes=1, **results)


def measure_distributed(options):
    """DistributedDataParallel over gloo on two ranks; this process is rank 0 and starts the other."""
    if options.threads % 2 != 0 or options.batch % 2 != 0:
        sys.exit(f"torch_ddp halves {options.threads} threads and {options.batch} pairs over two ranks: both must be even")
    if "COUPLET_PEER_RANK" in os.environ:
        run_rank(options, 1, os.environ["COUPLET_PEER_MEETING"])
        return
    with tempfile.TemporaryDirectory() as folder:
        meeting = os.path.join(folder, "meeting")
        other = subprocess.Popen([sys.executable, *sys.argv], stdin=subprocess.DEVNULL,
                                 env=dict(os.environ, COUPLET_PEER_RANK="1", COUPLET_PEER_MEETING=meeting))
        try:
            run_rank(options, 0, meeting)
            if other.wait() != 0:
                sys.exit("rank 1 failed")
        finally:
            other.kill()


def run_rank(options, rank, meeting):
    share = options.threads // 2
    measure.settle_threads(share, first=rank * share)
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")

    from datetime import timedelta

    import torch
    from torch import distributed

    # The time between two rounds, too, passes within a collective of rank 1.
    distributed.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=2, timeout=timedelta(hours=1))
    step, version = torch_step(options, rank=rank, ranks=2)
    results = warm_up(step, options)
    # Rank 0 says whether there is another round.
    more = torch.ones(1)
    if rank == 0:
        for _ in measure.rounds(options):
            distributed.broadcast(more, 0)
            measure.report(options, measure.time_round(step, options.repeat), version=version, model=options.model,
                           batch=options.batch, processes=2, **results)
        distributed.broadcast(torch.zeros(1), 0)
    else:
        while True:
            distributed.broadcast(more, 0)
            if more.item() == 0:
                break
            measure.time_round(step, options.repeat)
    distributed.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=list(MODELS))
    parser.add_argument("--batch", type=int, help="pairs in a batch; the model's own if absent")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parameters", metavar="CHECKPOINT", help="start from the parameters of a checkpoint of Couplet")
    parser.add_argument("--data", metavar="FILE", help="HDF5 file with /first and /second; its first B pairs are the batch")
    measure.add_options(parser, IMPLEMENTATIONS)
    options = parser.parse_args()
    for name, value in MODELS[options.model].items():
        if getattr(options, name, None) is None:
            setattr(options, name, value)
    implementation = measure.implementation_here()
    if implementation is None:
        possible = [name for name in IMPLEMENTATIONS if options.model == "mnist" or name != "torch_channels_last"]
        if options.model == "latent":
            possible = ["jax"]
        measure.run_each(options, possible)
    if implementation == "torch_ddp":
        measure_distributed(options)
    else:
        measure_alone(options, implementation)


if __name__ == "__main__":
    main()

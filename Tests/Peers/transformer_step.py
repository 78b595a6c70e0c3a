"""Seconds of one training step of transformers.yaml in other systems: a vision transformer beside a text transformer, CLIP's loss, Adam.

    transformer_step.py --write pairs.h5                    random pairs, for Couplet and for all others
    transformer_step.py --data pairs.h5 --allocator tuned

torch is nn.TransformerEncoderLayer; torch_attention has blocks of its own around scaled_dot_product_attention; each also compiled by
torch.compile. jax is jit of the same blocks.
"""

import argparse
import math
import sys

import measure

IMPLEMENTATIONS = ["jax", "torch", "torch_compiled", "torch_attention", "torch_attention_compiled"]
BATCH, EMBEDDING, VOCABULARY, TOKENS, WIDTH, HEADS, PATCH, IMAGE = 256, 128, 8192, 32, 192, 3, 8, 64
DEPTHS = {"first": 6, "second": 4}
TEMPERATURE, LEARNING_RATE = 0.07, 1e-4


def write(path, shortest):
    """Random pairs; texts have `shortest` to 32 tokens."""
    import h5py
    import numpy

    generator = numpy.random.default_rng(1)
    ids = generator.integers(1, VOCABULARY, (BATCH, TOKENS))
    for number, row in enumerate(ids):
        row[shortest + number % (TOKENS - shortest + 1):] = 0
    with h5py.File(path, "w") as file:
        file["first"] = generator.standard_normal((BATCH, 3, IMAGE, IMAGE)).astype(numpy.float32)
        file["second"] = ids.astype(numpy.float32)


def read(path):
    import h5py

    with h5py.File(path) as file:
        return file["first"][()], file["second"][()].astype("int64")


def torch_step(options, own_attention, compiled):
    import torch
    from torch import nn
    from torch.nn import functional

    torch.set_num_threads(options.threads)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.inner, self.outer = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.linear1, self.linear2 = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x, src_key_padding_mask=None):
            rows, length, _ = x.shape
            q, k, v = self.inner(self.norm1(x)).view(rows, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
            mask = None if src_key_padding_mask is None else ~src_key_padding_mask[:, None, None, :]
            y = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
            x = x + self.outer(y.transpose(1, 2).reshape(rows, length, WIDTH))
            return x + self.linear2(functional.gelu(self.linear1(self.norm2(x))))

    def block():
        if own_attention:
            return Block()
        return nn.TransformerEncoderLayer(WIDTH, HEADS, 4 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True)

    class Encoder(nn.Module):
        def __init__(self, depth, first, length):
            super().__init__()
            self.first, self.positions = first, nn.Parameter(0.02 * torch.randn(length, WIDTH))
            self.blocks = nn.ModuleList([block() for _ in range(depth)])
            self.norm, self.last = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, EMBEDDING)

    class Images(Encoder):
        def forward(self, x):
            x = self.first(x).flatten(2).transpose(1, 2) + self.positions
            for block in self.blocks:
                x = block(x)
            return self.last(self.norm(x).mean(1))

    class Texts(Encoder):
        def forward(self, ids):
            x, padding = self.first(ids) + self.positions, ids == 0
            # Without padding, attention without a mask is faster.
            mask = padding if has_padding else None
            for block in self.blocks:
                x = block(x, src_key_padding_mask=mask)
            valid = (~padding).to(x.dtype)[:, :, None]
            return self.last((self.norm(x) * valid).sum(1) / valid.sum(1))

    class Pair(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = Images(DEPTHS["first"], nn.Conv2d(3, WIDTH, PATCH, PATCH), (IMAGE // PATCH) ** 2)
            self.second = Texts(DEPTHS["second"], nn.Embedding(VOCABULARY, WIDTH, padding_idx=0), TOKENS)
            self.log_scale = nn.Parameter(torch.tensor(-math.log(TEMPERATURE)))

        def forward(self, first, second):
            u, v = functional.normalize(self.first(first), dim=-1), functional.normalize(self.second(second), dim=-1)
            scores, answers = self.log_scale.exp() * u @ v.T, torch.arange(BATCH)
            return (functional.cross_entropy(scores, answers) + functional.cross_entropy(scores.T, answers)) / 2

    torch.manual_seed(1)
    pair = Pair()
    optimizer = torch.optim.Adam(pair.parameters(), lr=LEARNING_RATE, fused=True)
    first, second = (torch.from_numpy(one) for one in read(options.data))
    has_padding = bool((second == 0).any())
    loss = torch.compile(pair, dynamic=False) if compiled else pair

    def step():
        optimizer.zero_grad(set_to_none=True)
        value = loss(first, second)
        value.backward()
        optimizer.step()
        return value.detach()

    return step, f"torch {torch.__version__}"


def jax_step(options):
    import jax
    import jax.numpy as jnp
    import numpy

    generator = numpy.random.default_rng(1)

    def matrix(out, width):
        return {"w": (generator.standard_normal((width, out)) / math.sqrt(width)).astype("float32"), "b": numpy.zeros(out, "float32")}

    def norm():
        return {"w": numpy.ones(WIDTH, "float32"), "b": numpy.zeros(WIDTH, "float32")}

    def encoder(first, length, depth):
        return {"first": first, "positions": (0.02 * generator.standard_normal((length, WIDTH))).astype("float32"),
                "blocks": [{"norm1": norm(), "inner": matrix(3 * WIDTH, WIDTH), "outer": matrix(WIDTH, WIDTH), "norm2": norm(),
                            "linear1": matrix(4 * WIDTH, WIDTH), "linear2": matrix(WIDTH, 4 * WIDTH)} for _ in range(depth)],
                "norm": norm(), "last": matrix(EMBEDDING, WIDTH)}

    def apply(map, x):
        return x @ map["w"] + map["b"]

    def normalize(p, x):
        x = x - x.mean(-1, keepdims=True)
        return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5) * p["w"] + p["b"]

    def blocks(p, x, valid):
        for block in p["blocks"]:
            rows, length, _ = x.shape
            q, k, v = jnp.moveaxis(apply(block["inner"], normalize(block["norm1"], x)).reshape(rows, length, 3, HEADS, -1), 2, 0)
            scores = jnp.einsum("bihd,bjhd->bhij", q, k) / math.sqrt(WIDTH // HEADS)
            if valid is not None:
                scores = jnp.where(valid[:, None, None, :], scores, -jnp.inf)
            y = jnp.einsum("bhij,bjhd->bihd", jax.nn.softmax(scores, -1), v).reshape(rows, length, WIDTH)
            x = x + apply(block["outer"], y)
            x = x + apply(block["linear2"], jax.nn.gelu(apply(block["linear1"], normalize(block["norm2"], x)), approximate=False))
        return normalize(p["norm"], x)

    images, ids = read(options.data)
    has_padding = bool((ids == 0).any())

    def loss(state, images, ids):
        side = IMAGE // PATCH
        patches = images.reshape(BATCH, 3, side, PATCH, side, PATCH).transpose(0, 2, 4, 1, 3, 5).reshape(BATCH, side * side, -1)
        p = state["first"]
        u = apply(p["last"], blocks(p, apply(p["first"], patches) + p["positions"], None).mean(1))
        p, valid = state["second"], ids > 0
        x = blocks(p, p["first"][ids] + p["positions"], valid if has_padding else None)
        v = apply(p["last"], (x * valid[:, :, None]).sum(1) / valid.sum(1, keepdims=True))
        u, v = (one / jnp.linalg.norm(one, axis=1, keepdims=True) for one in (u, v))
        scores = u @ v.T * jnp.exp(state["log_scale"])
        lse = jax.scipy.special.logsumexp
        return jnp.mean((lse(scores, axis=1) + lse(scores, axis=0)) / 2 - jnp.diagonal(scores))

    def update(state, mean, square, count, images, ids):
        value, gradient = jax.value_and_grad(loss)(state, images, ids)
        count, tree = count + 1, jax.tree_util.tree_map
        mean = tree(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
        square = tree(lambda s, g: 0.999 * s + 0.001 * g * g, square, gradient)
        state = tree(lambda p, m, s: p - LEARNING_RATE * (m / (1 - 0.9**count)) / (jnp.sqrt(s / (1 - 0.999**count)) + 1e-8),
                     state, mean, square)
        return state, mean, square, count, value

    table = generator.standard_normal((VOCABULARY, WIDTH)).astype("float32") / math.sqrt(WIDTH)
    state = jax.device_put({"first": encoder(matrix(WIDTH, 3 * PATCH * PATCH), (IMAGE // PATCH) ** 2, DEPTHS["first"]),
                            "second": encoder(table, TOKENS, DEPTHS["second"]), "log_scale": jnp.float32(-math.log(TEMPERATURE))})
    carried = [state, jax.tree_util.tree_map(jnp.zeros_like, state), jax.tree_util.tree_map(jnp.zeros_like, state), jnp.float32(0)]
    compiled = jax.jit(update, donate_argnums=(0, 1, 2, 3))
    images, ids = jax.device_put(images), jax.device_put(ids.astype("int32"))

    def step():
        *carried[:], value = compiled(*carried, images, ids)
        jax.block_until_ready(carried)
        return value

    return step, f"jax {jax.__version__}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", metavar="FILE", help="write random pairs and end")
    parser.add_argument("--shortest", type=int, default=TOKENS, help="tokens of the shortest text that --write makes")
    parser.add_argument("--data", metavar="FILE", help="HDF5 file with /first and /second")
    measure.add_options(parser, IMPLEMENTATIONS)
    options = parser.parse_args()
    if options.write:
        write(options.write, options.shortest)
        return
    if not options.data:
        parser.error("--data is needed")
    implementation = measure.implementation_here()
    if implementation is None:
        measure.run_each(options, IMPLEMENTATIONS)
    measure.settle_threads(options.threads)
    if implementation == "jax":
        step, version = jax_step(options)
    else:
        step, version = torch_step(options, "attention" in implementation, "compiled" in implementation)
    measure.time_round(step, options.warmup)
    for _ in measure.rounds(options):
        measure.report(options, measure.time_round(step, options.repeat), version=version, batch=BATCH, value=float(step()))


if __name__ == "__main__":
    sys.exit(main())

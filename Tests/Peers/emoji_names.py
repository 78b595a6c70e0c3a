"""The emoji study in PyTorch: the same files, encoders, loss and steps as configs/studies/emoji/base.yaml.

    emoji_names.py EMOJI.h5 LANGUAGES.h5 [--steps 4000] [--threads 2] [--free] [--dev]

Both files are those of `launch/reproduce emoji` (couplet data import). It prints recall at 1, 5 and 10 of the picture for
names and for keywords: of held-out (emoji, language) pairs among all pictures, of unseen emoji among the unseen and among
all. `--free` replaces the pictures' encoder by a free vector for each picture. `--dev` holds out other pairs and other
emoji, of the training pairs, and measures on those: to choose a recipe without looking at the test pairs.
"""

import argparse
import hashlib
import json
import math
import time

import h5py
import numpy
import torch
from torch import nn
from torch.nn import functional

DEPTHS = (1, 5, 10)
WIDTH = 128


class Pairs:
    """Pairs of a file: row of the picture, row of the text, split, language, kind."""

    def __init__(self, path):
        with h5py.File(path) as file:
            self.pictures = file["first"][:]
            self.tokens = file["second"][:]
            self.picture, self.text = file["pairs"][:].T.astype(numpy.int64)
            self.split = file["split"][:]
            self.language = file["columns/language"].asstr()[:]
            self.is_name = file["columns/kind"].asstr()[:] == "name"

    def rows_in(self, gallery):
        """The pictures' rows in another file with the same pictures."""
        rows = {picture.tobytes(): row for row, picture in enumerate(gallery.pictures)}
        return numpy.array([rows[picture.tobytes()] for picture in self.pictures])


class Queries:
    def __init__(self, tokens, text, picture, is_name, candidates):
        self.tokens, self.text, self.picture, self.is_name = tokens, text, picture, is_name
        self.candidates = candidates
        self.answers = {}
        for row, right in zip(text, picture):
            self.answers.setdefault(row, set()).add(right)

    def recall(self, encode, pictures):
        """{kind: recall at each depth}; a query finds its picture, or another one with the same text."""
        ranks = numpy.zeros(len(self.text), int)
        for first in range(0, len(self.text), 1024):
            rows = self.text[first:first + 1024]
            scores = (encode(self.tokens[rows]) @ pictures.T).numpy()
            for place, row in enumerate(rows):
                answers = list(self.answers[row])
                best = scores[place, answers].max()
                reached = (scores[place, self.candidates] >= best).sum() - (scores[place, answers] >= best).sum()
                ranks[first + place] = 1 + reached
        return {
            kind: [round(100 * float((ranks[chosen] <= depth).mean()), 1) for depth in DEPTHS]
            for kind, chosen in (("names", self.is_name), ("keywords", ~self.is_name))
        }


def convolution(inputs, outputs, stride=1):
    return [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs)]


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.layers = nn.Sequential(*convolution(channels, channels), nn.ReLU(), *convolution(channels, channels))

    def forward(self, values):
        return functional.relu(values + self.layers(values))


def picture_encoder():
    return nn.Sequential(
        *convolution(3, 32), nn.ReLU(), nn.MaxPool2d(2), Residual(32), *convolution(32, 64, 2), nn.ReLU(), Residual(64),
        *convolution(64, 128, 2), nn.ReLU(), Residual(128), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(128, WIDTH))


def augmented(pictures):
    """A part of 0.8 to 1 of the area, and light changes of colour for half of the pictures; pixels from 0 to 1."""
    count = len(pictures)
    area, ratio = 0.8 + 0.2 * torch.rand(count), torch.exp((2 * torch.rand(count) - 1) * math.log(1.11))
    width, height = (area * ratio).sqrt().clamp(max=1), (area / ratio).sqrt().clamp(max=1)
    maps = torch.zeros(count, 2, 3)
    maps[:, 0, 0], maps[:, 1, 1] = width, height
    maps[:, 0, 2], maps[:, 1, 2] = (2 * torch.rand(count) - 1) * (1 - width), (2 * torch.rand(count) - 1) * (1 - height)
    grid = functional.affine_grid(maps, pictures.shape, align_corners=False)
    pictures = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    brightness, contrast, saturation = (
        1 + 0.1 * (2 * torch.rand(count, 1, 1, 1) - 1) * (torch.rand(count, 1, 1, 1) < 0.5) for _ in range(3))
    pictures = (pictures * brightness).clamp(0, 1)
    mean = pictures.mean((1, 2, 3), keepdim=True)
    pictures = ((pictures - mean) * contrast + mean).clamp(0, 1)
    gray = pictures.mean(1, keepdim=True)
    return ((pictures - gray) * saturation + gray).clamp(0, 1)


def chosen(count, *parts):
    digest = hashlib.sha256("\0".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") % count == 0


def loss(pictures, texts, scale, text_rows, per_picture):
    """Mean of both cross entropies; the texts of a picture are all right, texts equal to one of another are left out."""
    scores = pictures @ texts.T * scale
    owner, columns = torch.arange(len(pictures)).repeat_interleave(per_picture), torch.arange(len(texts))
    _, numbers = numpy.unique(text_rows, return_inverse=True)
    has_text = torch.zeros(len(pictures), int(numbers.max()) + 1, dtype=torch.bool)
    has_text[owner, torch.from_numpy(numbers)] = True
    left_out = has_text[:, torch.from_numpy(numbers)]
    left_out[owner, columns] = False
    scores = scores.masked_fill(left_out, -1e9)
    right = scores[owner, columns]
    return ((torch.logsumexp(scores, 0) - right).mean() + (torch.logsumexp(scores, 1)[owner] - right).mean()) / 2


def main():
    parser = argparse.ArgumentParser(description="The emoji study in PyTorch.")
    parser.add_argument("data")
    parser.add_argument("held_out")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--pictures", type=int, default=512)
    parser.add_argument("--texts", type=int, default=8, help="texts of a picture")
    parser.add_argument("--rate", type=float, default=0.002)
    parser.add_argument("--text-factor", type=float, default=3)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--free", action="store_true")
    parser.add_argument("--dev", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    random = numpy.random.default_rng(options.seed)

    data = Pairs(options.data)
    is_training = data.split == 0
    count = len(data.pictures)
    everything = numpy.arange(count)
    if options.dev:
        # A picture of each 11 without regard to clusters, so the second figure is too good; and pairs of each 9.
        unseen = {picture for picture in everything if chosen(11, "dev", picture)}
        of_unseen = numpy.array([picture in unseen for picture in data.picture]) & is_training
        of_language = numpy.array(
            [chosen(9, "dev", *pair) for pair in zip(data.picture, data.language)]) & is_training & ~of_unseen
        is_training = is_training & ~of_unseen & ~of_language
        seen_queries = (data.tokens, data.text[of_language], data.picture[of_language], data.is_name[of_language])
    else:
        held_out, of_unseen = Pairs(options.held_out), data.split == 1
        seen_queries = (
            held_out.tokens, held_out.text, held_out.rows_in(data)[held_out.picture], held_out.is_name)
    unseen_queries = (data.tokens, data.text[of_unseen], data.picture[of_unseen], data.is_name[of_unseen])
    measured = {"held-out languages": Queries(*seen_queries, everything)}
    if not options.free:
        measured["unseen among unseen"] = Queries(*unseen_queries, numpy.unique(data.picture[of_unseen]))
        measured["unseen among all"] = Queries(*unseen_queries, everything)

    pairs = numpy.unique(numpy.stack([data.picture[is_training], data.text[is_training]], 1), axis=0)
    training = numpy.unique(pairs[:, 0])
    starts, ends = (numpy.searchsorted(pairs[:, 0], training, side) for side in ("left", "right"))
    pixels = torch.from_numpy(data.pictures).float() / 255

    first = nn.Embedding(count, WIDTH) if options.free else picture_encoder()
    bag = nn.EmbeddingBag(int(data.tokens.max()) + 1, WIDTH, mode="sum", sparse=True, padding_idx=0)
    nn.init.normal_(bag.weight, std=0.03 / WIDTH**0.5)
    log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def encode_pictures(rows, augment=False):
        if options.free:
            return functional.normalize(first(torch.from_numpy(rows)), dim=1)
        values = pixels[rows]
        return functional.normalize(first(augmented(values) if augment else values), dim=1)

    def encode_texts(tokens, dropout=0.0):
        kept = tokens > 0
        if dropout > 0:
            kept &= (random.random(tokens.shape) >= dropout) | (numpy.arange(tokens.shape[1]) == 0)
        offsets = numpy.concatenate([[0], numpy.cumsum(kept.sum(1))[:-1]])
        return functional.normalize(bag(torch.from_numpy(tokens[kept].astype(numpy.int64)), torch.from_numpy(offsets)), dim=1)

    weights = [parameter for parameter in first.parameters() if parameter.ndim > 1]
    others = [parameter for parameter in first.parameters() if parameter.ndim <= 1] + [log_scale]
    betas = (0.9, 0.98)
    optimizers = [
        (torch.optim.AdamW(
            [{"params": weights, "weight_decay": 0.05}, {"params": others, "weight_decay": 0}], betas=betas), 1),
        (torch.optim.SparseAdam([bag.weight], betas=betas), options.text_factor),
    ]
    start, order = time.time(), numpy.zeros(0, int)
    for step in range(options.steps):
        if len(order) < options.pictures:
            order = random.permutation(len(training))
        batch, order = order[:options.pictures], order[options.pictures:]
        rows = numpy.concatenate([
            pairs[starts[sample] + random.choice(
                ends[sample] - starts[sample], options.texts, replace=ends[sample] - starts[sample] < options.texts), 1]
            for sample in batch
        ])
        log_scale.data.clamp_(max=math.log(100))
        value = loss(
            encode_pictures(training[batch], augment=True), encode_texts(data.tokens[rows], options.dropout),
            log_scale.exp(), rows, options.texts)
        rate = options.rate * min(1, (step + 1) / 50) * (1 + math.cos(math.pi * step / options.steps)) / 2
        for optimizer, factor in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = factor * rate
            optimizer.zero_grad()
        value.backward()
        for optimizer, _ in optimizers:
            optimizer.step()
        if (step + 1) % 100 == 0:
            print(f"step {step + 1}: loss {value.item():.3f}, {time.time() - start:.0f} s", flush=True)

    first.eval()
    with torch.no_grad():
        encodings = torch.cat([encode_pictures(everything[start:start + 256]) for start in range(0, count, 256)])
        result = {name: queries.recall(encode_texts, encodings) for name, queries in measured.items()}
    print(json.dumps({"steps": options.steps, "seconds": round(time.time() - start), **result}))


if __name__ == "__main__":
    main()

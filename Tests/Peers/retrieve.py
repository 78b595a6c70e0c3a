"""The best K of a gallery for each query, and the logarithm of the sum that turns scores into probabilities, in the systems that a user would
pick instead.

    retrieve.py --queries 1000 --gallery 1000000 --dim 64 --top 10 --encodings encodings.h5

prints one JSON object for each implementation: the best row of the first query with its probability, the mean logarithm of the
normalizer, median and least seconds, peak memory. `faiss` (IndexFlatIP) finds the best alone: it has no sum over the gallery. numpy and
torch go over the gallery in blocks, for queries × gallery would not fit.
"""

import argparse
import os
import sys

import measure

IMPLEMENTATIONS = ["faiss", "torch", "numpy"]


def encodings(options):
    """Unit rows, Q × d and N × d: from the file if there is one, else drawn by numpy, and written to the file if one is named."""
    import numpy

    path = options.encodings
    if path and os.path.exists(path):
        import h5py
        with h5py.File(path) as file:
            return file["queries"][:].astype(numpy.float32), file["gallery"][:].astype(numpy.float32)
    generator = numpy.random.default_rng(options.seed)
    sides = []
    for rows in (options.queries, options.gallery):
        side = generator.standard_normal((rows, options.dim), dtype=numpy.float32)
        side /= numpy.linalg.norm(side, axis=1, keepdims=True)
        sides.append(side)
    if path:
        import h5py
        temporary = f"{path}.{os.getpid()}"
        with h5py.File(temporary, "w") as file:
            file["queries"], file["gallery"] = sides
        os.replace(temporary, path)
    return tuple(sides)


def faiss_step(queries, gallery, options):
    import faiss

    faiss.omp_set_num_threads(options.threads)
    index = faiss.IndexFlatIP(gallery.shape[1])
    index.add(gallery)

    def step():
        scores, rows = index.search(queries, options.top)
        return rows, scores / options.temperature, None

    return step, f"faiss {faiss.__version__}"


def torch_step(queries, gallery, options):
    import torch

    torch.set_num_threads(options.threads)
    q, g = torch.from_numpy(queries) / options.temperature, torch.from_numpy(gallery)

    @torch.inference_mode()
    def step():
        best, rows = torch.empty(len(q), 0), torch.empty(len(q), 0, dtype=torch.long)
        total = torch.full((len(q),), -torch.inf)
        for start in range(0, len(g), options.block):
            scores = q @ g[start:start + options.block].T
            total = torch.logaddexp(total, torch.logsumexp(scores, 1))
            some, places = torch.topk(scores, min(options.top, scores.shape[1]), 1)
            best, rows = torch.cat([best, some], 1), torch.cat([rows, places + start], 1)
            best, order = torch.topk(best, min(options.top, best.shape[1]), 1)
            rows = torch.gather(rows, 1, order)
        return rows.numpy(), best.numpy(), total.numpy()

    return step, f"torch {torch.__version__}"


def numpy_step(queries, gallery, options):
    import numpy

    q = queries / numpy.float32(options.temperature)

    def step():
        best, rows = numpy.empty((len(q), 0), numpy.float32), numpy.empty((len(q), 0), numpy.int64)
        total = numpy.full(len(q), -numpy.inf)
        for start in range(0, len(gallery), options.block):
            scores = q @ gallery[start:start + options.block].T
            largest = scores.max(1, keepdims=True)
            sums = numpy.exp(scores - largest).sum(1, dtype=numpy.float64)
            total = numpy.logaddexp(total, numpy.log(sums) + largest[:, 0])
            places = numpy.argpartition(-scores, min(options.top, scores.shape[1]) - 1, 1)[:, :options.top]
            best = numpy.concatenate([best, numpy.take_along_axis(scores, places, 1)], 1)
            rows = numpy.concatenate([rows, places + start], 1)
            order = numpy.argsort(-best, 1, kind="stable")[:, :options.top]
            best, rows = numpy.take_along_axis(best, order, 1), numpy.take_along_axis(rows, order, 1)
        return rows, best, total

    return step, f"numpy {numpy.__version__}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--queries", type=int, default=1_000)
    parser.add_argument("--gallery", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--top", type=int, default=10)
    parser.add_argument("--temperature", type=float, default=0.07)
    parser.add_argument("--block", type=int, default=16_384, help="gallery rows that numpy and torch score at once")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--encodings", metavar="FILE.h5", help="/queries and /gallery, unit rows; read if it exists, else written")
    measure.add_options(parser, IMPLEMENTATIONS)
    options = parser.parse_args()
    implementation = measure.implementation_here()
    if implementation is None:
        measure.run_each(options, IMPLEMENTATIONS)
    measure.settle_threads(options.threads)

    import numpy

    queries, gallery = encodings(options)
    if options.top > len(gallery):
        sys.exit(f"--top {options.top} of a gallery of {len(gallery)}")
    step, version = {"faiss": faiss_step, "torch": torch_step, "numpy": numpy_step}[implementation](queries, gallery, options)
    rows, scores, total = step()
    found = {
        "best": int(rows[0, 0]), "score": float(scores[0, 0]), "rows_sum": int(numpy.asarray(rows, dtype=numpy.int64).sum()),
        "probability": None if total is None else float(numpy.exp(scores[0, 0] - total[0])),
        "mean_log_normalizer": None if total is None else float(total.mean()),
    }
    operations = 2 * len(queries) * len(gallery) * gallery.shape[1]
    measure.time_round(step, max(0, options.warmup - 1))
    for _ in measure.rounds(options):
        seconds = measure.time_round(step, options.repeat)
        measure.report(
            options, seconds, version=version, queries=len(queries), gallery=len(gallery), dim=gallery.shape[1], top=options.top,
            gflops=1e-9 * operations / sorted(seconds)[len(seconds) // 2], **found)


if __name__ == "__main__":
    main()

"""The kinds of mutated cases: what is changed, which commands then run, and what must hold where they succeed."""

import json
import os
import re
import shutil
import struct

import mutate
from program import Failure

GAUSSIAN = """\
name: g
seed: 3
data: {source: gaussian, dimensions: [8, 6], correlations: [0.9, 0.5, 0.25]}
encoders:
  embedding: 3
  first: {kind: mlp, widths: [8], activation: relu}
  second: {kind: linear, bias: true}
objective: {similarity: inner_product, temperature: 1, loss: conditional}
batch: {size: 64, shards: 4, tile_memory: 16 MiB}
optimizer: {kind: adam, learning_rate: 0.01, clip_norm: 1}
evaluation: {pairs: 64}
train: {steps: 6, log_every: 1, evaluate_every: 3, checkpoint_every: 3, stop_after: 5m}
"""
PAIRS = """\
data: {source: hdf5, path: pairs.h5, held_out: 0.2}
encoders: {embedding: 3, first: {kind: linear}, second: {kind: linear}}
batch: {size: 16, shards: 2}
train: {steps: 2}
"""
DIGITS = """\
data: {source: mnist, path: .}
encoders: {embedding: 3, first: {kind: mlp, widths: [4], activation: relu}, second: {kind: labels}}
batch: {size: 16, shards: 2}
evaluation: {pairs: 16}
train: {steps: 2}
"""
SWEEP = "base: g.yaml\nset: {train.steps: 2}\nvary: {optimizer.learning_rate: [0.01, 0.02]}\nmetric: retrieval.first_to_second.median_rank\ngoal: minimize\n"
TRAIN = ["--threads", "1", "--progress", "none"]


def prepare(program):
    """Makes the undisturbed files once, in the program's folder, and notes what the commands print for them."""
    for name, text in [("g.yaml", GAUSSIAN), ("h.yaml", PAIRS), ("m.yaml", DIGITS), ("s.yaml", SWEEP)]:
        write(f"{program.folder}/{name}", text.encode())
    write_digits(program.folder)
    expected = {}
    for name, arguments in [
        ("run", ["train", "g.yaml", "--output", "run", *TRAIN]), ("export", ["data", "export", "g.yaml", "--output", "pairs.h5", "--count", "80"]),
        ("pairs", ["train", "h.yaml", "--output", "runh", *TRAIN]), ("digits", ["train", "m.yaml", "--output", "runm", *TRAIN]),
        ("sweep", ["sweep", "s.yaml", "--output", "sw", "--progress", "none"]), ("inspect", ["inspect", "run/checkpoints/step-00000006.h5", "--json"]),
        ("inspect run", ["inspect", "run", "--json"]), ("inspect pairs", ["inspect", "runh", "--json"]),
        ("evaluate 3", ["evaluate", "run", "--checkpoint", "3", "--json"]), ("evaluate", ["evaluate", "run", "--json"]),
        ("retrieve", RETRIEVE), ("retrieve", RETRIEVE),
    ]:
        done = program.run(arguments)
        if done.code != 0:
            raise SystemExit(f"mutations: couplet {' '.join(arguments)} ended with {done.code}:\n{done.errors}")
        expected[name] = done.output
    program.expected = expected


RETRIEVE = ["retrieve", "runh", "--query", "pairs.h5:/first", "--gallery", "pairs.h5:/second", "--index", "i.index", "--top", "2", "--json"]


def write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write_digits(folder):
    """60 and 20 tiny pictures in the files of MNIST."""
    for part, count in [("train", 60), ("t10k", 20)]:
        images = bytes((7 * pixel + 13 * image) % 251 for image in range(count) for pixel in range(784))
        write(f"{folder}/{part}-images-idx3-ubyte", struct.pack(">4B3I", 0, 0, 8, 3, count, 28, 28) + images)
        write(f"{folder}/{part}-labels-idx1-ubyte", struct.pack(">4BI", 0, 0, 8, 1, count) + bytes(i % 10 for i in range(count)))


def digest(case, run):
    return json.loads(case.run("inspect", run, "--json", codes=(0,)).output)["digest"]


# Configs and options


def config(case):
    """A mutated config: what it resolves to means the same, and what `config` accepts `train` does not refuse."""
    name = case.random.choice(["g.yaml", "h.yaml"])
    text = mutate.text(case.random, read(f"{case.folder}/{name}").decode())
    write(f"{case.folder}/c.yaml", text.encode(errors="surrogatepass"))
    first = case.run("config", "c.yaml")
    if first.code != 0:
        return
    lines = first.output.splitlines(keepends=True)
    resolved = "".join(line for line in lines if not line.startswith("#"))
    write(f"{case.folder}/resolved.yaml", resolved.encode())
    again = case.run("config", "resolved.yaml")
    if again.code != 0 or again.output != first.output:
        raise Failure(f"the resolved config means something else: {again.errors or again.output}")
    # Training must be short: no large number but the seed, and data that are there.
    large = [n for n in re.findall(r"\d+", re.sub(r"seed: \d+|tile_memory: .*|[a-z_]*steps: \d+|[a-z_]*every: \d+|\.\d+", "", resolved)) if int(n) > 5_000]
    if large or "cannot be read here" in first.output:
        return
    done = case.run("train", "c.yaml", "--set", "train.steps=1", "--output", "out", *TRAIN)
    if done.code not in (0, 75) and not (done.code == 70 and "finite" in done.errors):
        raise Failure(f"config accepts what train refuses with {done.code}: {done.errors[-300:]}")


def override(case):
    """A mutated value of --set."""
    key = case.random.choice([
        "seed", "train.steps", "train.stop_after", "train.checkpoint_minutes", "train.keep_checkpoints", "batch.size", "batch.shards", "batch.tile_memory",
        "encoders.embedding", "encoders.initial_scale", "encoders.first.widths", "encoders.first", "data.dimensions", "data.correlations", "data",
        "objective.temperature", "objective.loss", "optimizer.learning_rate", "optimizer.warmup_steps", "evaluation.pairs", "optimizer", "name", "x.y", "."])
    value = case.random.choice(case.random.choice([mutate.USUAL, mutate.NUMBERS, mutate.TEXTS]))
    case.run("config", "g.yaml", "--set", f"{key}={value}")


def option(case):
    """An option with a value that nobody wants."""
    command, options = case.random.choice([
        (["config", "g.yaml"], ["threads", "ranks", "set"]),
        (["train", "g.yaml", "--set", "train.steps=1", "--progress", "none"], ["threads", "timeout", "output", "progress"]),
        (["evaluate", "run"], ["checkpoint", "per-class", "probe-penalty", "encodings", "parameters"]),
        (["replay", "run", "--progress", "none"], ["step", "checkpoint", "worst", "threads", "dump"]),
        (["replay", "run", "--step", "2", "--progress", "none"], ["checkpoint", "worst", "threads", "set"]),
        (["retrieve", "runh", "--query", "pairs.h5:/first", "--gallery", "pairs.h5:/second"], ["top", "threads", "index", "prior", "output", "checkpoint"]),
        (["data", "export", "g.yaml", "--output", "x.h5", "--count", "3"], ["start", "set"]),
        (["inspect"], ["json"]), (["report", "run"], ["output", "plots"]), (["sweep", "s.yaml", "--dry-run"], ["threads", "timeout", "set"]),
        (["encode", "runh", "--input", "pairs.h5:/first", "--output", "e.h5:/x"], ["modality"]),
        (["encode", "runh", "--modality", "first", "--input", "pairs.h5:/first"], ["output"]),
        (["encode", "runh", "--modality", "first", "--output", "e.h5:/x"], ["input"]),
        (["sample", "runh", "--given", "first", "--count", "2"], ["query"]), (["help"], ["x"]), (["doctor"], ["json"]),
    ])
    value = case.random.choice(case.random.choice([mutate.USUAL, mutate.NUMBERS, mutate.NUMBERS, mutate.TEXTS]))
    name = case.random.choice(options)
    case.run(*command, *case.random.choice([[f"--{name}", value], [f"--{name}={value}"], [value]]))


# Data


def data(case):
    """Bytes of an HDF5 file: a run that succeeds has the figures of the numbers that h5py reads there."""
    path = f"{case.folder}/pairs.h5"
    write(path, mutate.content(case.random, read(path)))
    done = case.run("train", "h.yaml", "--output", "out", *TRAIN)
    if done.code == 0:
        compare_with_h5py(case, path)


def compare_with_h5py(case, path):
    try:
        import h5py
        import numpy
    except ImportError:
        return
    try:
        with h5py.File(path) as file:
            first, second = file["first"][()], file["second"][()]
    except Exception:
        # h5py knows fewer types than the library, such as floating-point numbers with another exponent.
        return
    if not (numpy.isfinite(first).all() and numpy.isfinite(second).all()):
        raise Failure("trains on numbers that are not finite")
    with h5py.File(f"{case.folder}/clean.h5", "w") as file:
        file["first"], file["second"] = first, second
    case.run("train", "h.yaml", "--set", "data.path=clean.h5", "--output", "clean", *TRAIN, codes=(0,))
    if digest(case, "out") != digest(case, "clean"):
        raise Failure("trains on other numbers than h5py reads")


def pairs(case):
    """A file that h5py writes: other types, shapes, layouts and numbers."""
    try:
        import h5py
        import numpy
    except ImportError:
        return
    path, random = f"{case.folder}/pairs.h5", case.random
    with h5py.File(path) as file:
        arrays = {name: file[name][()] for name in ("first", "second")}
    name = random.choice(["first", "second"])
    array, options = arrays[name], {}
    kind = random.choice(["type", "shape", "layout", "number", "extra", "extent", "group", "reference"])
    if kind == "type":
        array = array.astype(random.choice(["f8", "f2", ">f4", "i1", "u1", "i8", "u8", "S3", "?", "c8"]))
    elif kind == "shape":
        array = random.choice([array[:0], array[:, :0], array[:1], array[:-1], array[:, 0], array[0], array[0, 0], array.reshape(array.shape[0], 2, -1),
                               array[:, :, None, None], numpy.zeros((80, 1000), "f4"), array.T])
    elif kind == "layout":
        options = random.choice([{"chunks": True}, {"chunks": (1, 1)}, {"chunks": (7, array.shape[1])}, {"compression": "gzip"}, {"compression": "lzf"},
                                 {"shuffle": True, "compression": "gzip", "fletcher32": True}, {"maxshape": (None, array.shape[1])}])
    elif kind == "number":
        array[random.randrange(80), 0] = random.choice([numpy.nan, numpy.inf, -numpy.inf, 3e38, 1e-45, -0.0])
    elif kind == "extra":
        arrays[random.choice(["labels", "split", "groups"])] = random.choice([
            numpy.zeros(80, "i4"), numpy.arange(80), numpy.arange(80) % 3, numpy.full(80, -1), numpy.full(80, 1 << 40), numpy.arange(79), numpy.ones(80),
            numpy.full(80, numpy.nan), numpy.zeros((80, 1), "i8"), numpy.array([b"a"] * 80), numpy.uint64([(1 << 64) - 1] * 80)])
    arrays[name] = array
    with h5py.File(path, "w") as file:
        for each, values in arrays.items():
            if each == name and kind == "extent":
                shape = random.choice([(1 << 40, 6), (80, 1 << 40), (1 << 62, 1 << 1), (0, 6), (80, 6, 1 << 30)])
                file.create_dataset(each, shape, "f4", chunks=(1,) * len(shape), maxshape=(None,) * len(shape))
            elif each == name and kind == "group":
                file.create_group(each)
            elif each == name and kind == "reference":
                file[each] = random.choice([h5py.SoftLink("/nowhere"), h5py.SoftLink(f"/{each}"), h5py.ExternalLink("nowhere.h5", "/x")])
            else:
                file.create_dataset(each, data=values, **(options if each == name else {}))
    case.note(f"{kind} of {name}")
    done = case.run("train", "h.yaml", "--output", "out", *TRAIN)
    case.run("config", "h.yaml")
    if done.code == 0 and kind in ("layout", "number"):
        compare_with_h5py(case, path)


def digits(case):
    """Bytes of the files of MNIST."""
    name = case.random.choice([name for name in os.listdir(case.folder) if "ubyte" in name])
    write(f"{case.folder}/{name}", mutate.content(case.random, read(f"{case.folder}/{name}")))
    case.run("train", "m.yaml", "--output", "out", *TRAIN)


# What a run has written


def checkpoint(case):
    """Bytes of a checkpoint: it is refused, or it still gives what it gave before."""
    path = f"{case.folder}/run/checkpoints/step-00000006.h5"
    write(path, mutate.content(case.random, read(path)))
    inspected = case.run("inspect", "run/checkpoints/step-00000006.h5", "--json")
    if inspected.code == 0 and json.loads(inspected.output)["digest"] != json.loads(case.expected["inspect"])["digest"]:
        raise Failure("inspect accepts a changed checkpoint")
    evaluated = case.run("evaluate", "run", "--json")
    if evaluated.code == 0 and evaluated.output not in (case.expected["evaluate"], case.expected["evaluate 3"]):
        raise Failure("evaluate gives other figures")
    case.run("replay", "run", "--step", "6", "--json", "--progress", "none")
    if case.run("train", "g.yaml", "--output", "run", "--resume", *TRAIN).code == 0:
        require_same_run(case)


def require_same_run(case):
    if digest(case, "run") != json.loads(case.expected["inspect run"])["digest"]:
        raise Failure("the resumed run ends in another digest")


def side_file(case):
    """Values or bytes of the other files of a run."""
    name = case.random.choice(["metrics.jsonl", "metrics.jsonl", "evaluation.json", "evaluation.json", "log.txt", ".lock", "config.yaml"])
    path = f"{case.folder}/run/{name}"
    content = read(path)
    change = case.random.choice(["values", "values", "bytes"])
    if name == "config.yaml" and change == "values":
        content = mutate.text(case.random, content.decode()).encode(errors="surrogatepass")
    elif change == "values":
        content = mutate.line_values(case.random, content.decode()).encode()
    else:
        content = mutate.content(case.random, content)
    write(path, content)
    case.run("report", "run", "-o", "report.html")
    case.run("replay", "run", "--step", "5", "--json", "--progress", "none", seconds=60)
    evaluated = case.run("evaluate", "run", "--json")
    if name != "config.yaml":
        if evaluated.code == 0 and evaluated.output != case.expected["evaluate"]:
            raise Failure("evaluate gives other figures")
        if case.run("train", "g.yaml", "--output", "run", "--resume", *TRAIN).code == 0:
            require_same_run(case)


def index(case):
    """Bytes of a search index: it is refused, or finds the same rows."""
    path = f"{case.folder}/i.index"
    write(path, mutate.content(case.random, read(path)))
    done = case.run(*RETRIEVE)
    if done.code == 0 and done.output != case.expected["retrieve"]:
        raise Failure("retrieve gives other results")


def sweep(case):
    """Values or bytes of the files of a sweep."""
    name = case.random.choice(["sweep.csv", "results.jsonl", "sweep.yaml"])
    path = f"{case.folder}/sw/{name}"
    if not os.path.exists(path):
        return
    content = read(path)
    if case.random.random() < 0.6:
        change = mutate.text if name == "sweep.yaml" else mutate.line_values
        content = change(case.random, content.decode()).encode(errors="surrogatepass")
    else:
        content = mutate.content(case.random, content)
    write(path, content)
    case.run("report", "sw", "-o", "report.html")
    case.run("sweep", "s.yaml", "--output", "sw", "--resume", "--progress", "none")


def sweep_config(case):
    """A mutated sweep."""
    write(f"{case.folder}/s.yaml", mutate.text(case.random, SWEEP).encode(errors="surrogatepass"))
    case.run("sweep", "s.yaml", "--dry-run")


def node(case):
    """A FIFO, a folder, a device or nothing at the path of a file."""
    name, commands = case.random.choice([
        ("g.yaml", [["config", "g.yaml"], ["train", "g.yaml", "--output", "out", *TRAIN]]),
        ("pairs.h5", [["train", "h.yaml", "--output", "out", *TRAIN], ["config", "h.yaml"]]),
        ("train-images-idx3-ubyte", [["train", "m.yaml", "--output", "out", *TRAIN]]),
        ("run/checkpoints/step-00000006.h5", [["inspect", "run"], ["evaluate", "run", "--json"], ["train", "g.yaml", "--output", "run", "--resume", *TRAIN]]),
        ("run/checkpoints", [["inspect", "run"], ["train", "g.yaml", "--output", "run", "--resume", *TRAIN]]),
        ("run/config.yaml", [["evaluate", "run"], ["train", "g.yaml", "--output", "run", "--resume", *TRAIN], ["report", "run", "-o", "r.html"]]),
        ("run/metrics.jsonl", [["report", "run", "-o", "r.html"], ["train", "g.yaml", "--output", "run", "--resume", *TRAIN]]),
        ("run/evaluation.json", [["report", "run", "-o", "r.html"], ["evaluate", "run"]]),
        ("run/log.txt", [["train", "g.yaml", "--output", "run", "--resume", *TRAIN]]),
        ("run/.lock", [["train", "g.yaml", "--output", "run", "--resume", *TRAIN]]),
        ("i.index", [RETRIEVE]), ("s.yaml", [["sweep", "s.yaml", "--dry-run"]]),
        ("sw/sweep.csv", [["report", "sw", "-o", "r.html"]]),
    ])
    case.note(f"{name}: {mutate.replace_file(case.random, f'{case.folder}/{name}')}")
    for command in commands:
        case.run(*command)


# The environment


def environment(case):
    """Variables, descriptors and limits: a training that succeeds has the same digest."""
    changes, limits, shell = {}, {}, ""
    for _ in range(case.random.choice([1, 2])):
        kind = case.random.choice(["variable", "variable", "limit", "descriptor"])
        if kind == "variable":
            changes.update(case.random.choice([
                {"HOME": None}, {"HOME": ""}, {"HOME": "/nowhere"}, {"PATH": ""}, {"TERM": "dumb"}, {"TERM": None}, {"LANG": "tr_TR.UTF-8"},
                {"LC_ALL": "xx"}, {"TMPDIR": "/nowhere"}, {"TZ": ":/dev/zero"}, {"TZ": "x" * 300}, {"COUPLET_CPU": "bogus"}, {"COUPLET_CPU": ""},
                {"OMP_NUM_THREADS": "-1"}, {"OPENBLAS_NUM_THREADS": "99999"}, {"OPENBLAS_CORETYPE": "x"}, {"HDF5_USE_FILE_LOCKING": "FALSE"},
                {"HDF5_PLUGIN_PATH": "/nowhere"}, {"YAMS_DEFAULT_ENCODING": "utf16"}, {"YAMS_DEFAULT_ENCODING": "x"}, {"COLUMNS": "0"},
                {"SLURM_JOB_ID": "x"}, {"MALLOC_ARENA_MAX": "1"}]))
        elif kind == "limit":
            limits.update(case.random.choice([{"f": 4}, {"f": 0}, {"n": 16}, {"s": 1_024}, {"t": 20}]))
        else:
            shell += " " + case.random.choice(["<&-", ">&-", "2>&-", "</dev/null", ">/dev/full", "2>/dev/full", "<&- >&- 2>&-"])
    case.note(f"{changes} {limits}{shell}")
    command = case.random.choice([
        ["train", "g.yaml", "--output", "out", *TRAIN], ["config", "g.yaml"], ["evaluate", "run", "--json"], ["inspect", "run", "--json"]])
    done = case.run(*command, environment=changes, limits=limits, redirection=shell)
    if done.code != 0:
        return
    # Who closes the standard output asks for no result; the last redirection counts.
    if re.search(r"(?<!2)>/dev/full(?!.*(?<!2)>&-)", shell) and command[0] != "train":
        raise Failure("a result that could not be written is a success")
    if command[0] == "train" and digest(case, "out") != json.loads(case.expected["inspect run"])["digest"]:
        raise Failure("trains to another digest")
    if command[0] == "evaluate" and ">" not in shell.replace("2>", "") and done.output != case.expected["evaluate"]:
        raise Failure("evaluate gives other figures")


# The kinds, and how often each comes.
ALL = {
    "config": (config, 6), "override": (override, 4), "option": (option, 5), "data": (data, 3), "pairs": (pairs, 3), "digits": (digits, 2), "checkpoint": (checkpoint, 2),
    "side-file": (side_file, 2), "index": (index, 2), "sweep": (sweep, 1), "sweep-config": (sweep_config, 2), "node": (node, 3),
    "environment": (environment, 4),
}
COPIED = {
    "config": ["g.yaml", "h.yaml", "pairs.h5"], "override": ["g.yaml"], "data": ["h.yaml", "pairs.h5"], "pairs": ["h.yaml", "pairs.h5"], "index": ["runh", "pairs.h5", "i.index"],
    "digits": ["m.yaml"] + [f"{part}-{kind}" for part in ("train", "t10k") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")],
    "checkpoint": ["g.yaml", "run"], "side-file": ["g.yaml", "run"], "sweep": ["g.yaml", "s.yaml", "sw"], "sweep-config": ["g.yaml", "s.yaml"],
    "environment": ["g.yaml", "run"],
}


def copy(program, kind, folder):
    """The undisturbed files that a kind needs, in a folder of the case's own."""
    names = COPIED.get(kind) or [name for name in os.listdir(program.folder) if not name.startswith("case-")]
    for name in names:
        source = f"{program.folder}/{name}"
        (shutil.copytree if os.path.isdir(source) else shutil.copy)(source, f"{folder}/{name}")

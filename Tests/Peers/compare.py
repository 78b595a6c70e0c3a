"""Couplet beside the peers of loss.py and step.py: the same work, alternately, in one run; agreement first, then a table of medians and ratios.

    compare.py --quick .build/release/couplet

launch/benchmark builds, makes the Python environment and calls this. Ends with 1 where results disagree or a program fails.
"""

import argparse
import datetime
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
LOCAL = os.path.join(HERE, "..", "..", "launch", "local")
# (batch, dimension)
LOSS_SIZES = [(8192, 128), (8192, 512), (1024, 128), (4096, 8)]
QUICK_LOSS_SIZES = [(1024, 128), (1024, 8)]
STEP_BATCHES = {"study": 6144, "latent": 6144, "mnist": 1024}
QUICK_STEP_BATCHES = {"study": 768, "latent": 768, "mnist": 128}
# Where the second batch of an endless source begins.
OTHER_DRAWS = 1 << 63
LOSS_PEERS = [("jax", "default"), ("openclip", "default"), ("openclip", "tuned"), ("openclip_compiled", "default"),
              ("openclip_compiled", "tuned")]
STEP_PEERS = {
    "study": [("jax", "default"), ("torch", "default"), ("torch", "tuned"), ("torch_compiled", "default"), ("torch_compiled", "tuned"),
              ("torch_ddp", "tuned")],
    "latent": [("jax", "default")],
    "mnist": [("jax", "default"), ("torch", "default"), ("torch", "tuned"), ("torch_channels_last", "tuned"),
              ("torch_compiled", "tuned"), ("torch_ddp", "tuned")],
}
# Relative: single precision, in another order.
LOSS_TOLERANCE, GRADIENT_TOLERANCE = 1e-4, 1e-3


def environment():
    """Without the processor type that some machines force on OpenBLAS."""
    return {key: value for key, value in os.environ.items() if key != "OPENBLAS_CORETYPE"}


def say(text):
    print(text, file=sys.stderr, flush=True)


def couplet(options, *arguments, ranks=1):
    command = [os.path.abspath(options.couplet), *arguments]
    if ranks > 1:
        command = [LOCAL, str(ranks), *command]
    done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"compare: {' '.join(command)} ended with {done.returncode}")
    return done.stdout


class Peer:
    """A process that is ready, and measures one round whenever it is asked."""

    def __init__(self, options, script, implementation, allocator, arguments):
        self.name = implementation + (", tuned allocator" if allocator == "tuned" else "")
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, script), *arguments, "--implementation", implementation, "--allocator", allocator,
             "--threads", str(options.threads), "--repeat", str(options.repeat), "--rounds"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
        self.rounds = []

    def wait(self):
        self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"compare: {self.name} ended with {self.process.wait()}")
        return json.loads(line)

    def measure(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        self.rounds.append(self.read())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Couplet:
    """A command of Couplet, run anew each round."""

    def __init__(self, options, name, arguments, threads=None, ranks=1):
        self.options, self.name, self.ranks = options, name, ranks
        self.arguments = [*arguments, "--json", "--repeat", str(options.repeat), "--threads", str(threads or options.threads)]
        self.rounds = []

    def wait(self):
        pass

    def measure(self):
        self.rounds.append(json.loads(couplet(self.options, *self.arguments, ranks=self.ranks)))

    def end(self):
        pass


def alternate(options, contestants):
    """Rounds of all contestants in turn; every other time backwards, so that none always follows the same one."""
    try:
        for contestant in contestants:
            contestant.wait()
            say(f"  ready: {contestant.name}")
        for number in range(options.rounds):
            for contestant in contestants[::-1 if number % 2 else 1]:
                contestant.measure()
    finally:
        for contestant in contestants:
            contestant.end()


def median(contestant):
    return statistics.median(one["median_seconds"] for one in contestant.rounds)


def agree(title, own, peers):
    """Losses and gradient norms of the first evaluation, beside Couplet's."""
    def values(contestant):
        found = contestant.rounds[0]
        loss = found["losses"][0] if "losses" in found else found["loss"]
        return {"loss": loss, "first_gradient_norm": found["first_gradient_norm"], "second_gradient_norm": found["second_gradient_norm"]}

    good = True
    for peer in peers:
        for key in values(own):
            mine, other = values(own)[key], values(peer)[key]
            limit = LOSS_TOLERANCE if key == "loss" else GRADIENT_TOLERANCE
            if not abs(mine - other) <= limit * max(abs(other), 1e-3):
                say(f"compare: {title}: {key} is {mine} in Couplet and {other} in {peer.name}")
                good = False
    return good


def time_text(seconds):
    return f"{seconds:.3f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms" if seconds >= 0.01 else f"{1000 * seconds:.2f} ms"


def row(title, own, peers):
    mine = median(own)
    jax = min((median(peer) for peer in peers if peer.name.startswith("jax")), default=None)
    torch = min((peer for peer in peers if not peer.name.startswith("jax")), key=median, default=None)
    share = statistics.median(one["peak_share"] for one in own.rounds)
    cells = [title, time_text(mine), f"{100 * share:.0f} %"]
    cells += [time_text(jax), f"{jax / mine:.2f} ×"] if jax else ["", ""]
    cells += [f"{time_text(median(torch))} ({torch.name})", f"{median(torch) / mine:.2f} ×"] if torch else ["", ""]
    cells += [f"{max(one['peak_memory_mib'] for one in own.rounds):.0f} MiB"]
    return cells


def table(heads, rows):
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [heads, ["---"] * len(heads), *rows])


def losses(options, folder):
    good, rows = True, []
    for batch, dim in QUICK_LOSS_SIZES if options.quick else LOSS_SIZES:
        title = f"loss, B = {batch:,}, d = {dim}"
        say(title)
        path = os.path.join(folder, f"encodings-{batch}-{dim}.h5")
        arguments = ["--batch", str(batch), "--dim", str(dim), "--encodings", path]
        # The first one writes the encodings that all others read.
        peers = []
        for implementation, allocator in LOSS_PEERS[:2] if options.quick else LOSS_PEERS:
            peers.append(Peer(options, "loss.py", implementation, allocator, arguments))
            if len(peers) == 1:
                peers[0].wait()
                peers[0].wait = lambda: None
        own = Couplet(options, "couplet", ["bench", "loss", "--similarity", "inner_product", "--temperature", "0.07", "--input", path])
        alternate(options, [own, *peers])
        good &= agree(title, own, peers)
        rows.append(row(title, own, peers))
    return good, rows


def steps(options, folder):
    import h5py
    import numpy

    good, rows = True, []
    batches = QUICK_STEP_BATCHES if options.quick else STEP_BATCHES
    for model, batch in ((model, batches[model]) for model in options.model or batches):
        title = f"step, {model}, B = {batch:,}"
        say(title)
        data = os.path.join(folder, f"pairs-{model}.h5")
        config = [os.path.join(HERE, f"{model}.yaml"), "--set", f"batch.size={batch}"]
        if model == "study":
            couplet(options, "data", "export", *config, "--output", data, "--count", str(batch))
        elif model == "latent":
            parts = []
            for number, start in enumerate((0, OTHER_DRAWS)):
                parts.append(os.path.join(folder, f"pairs-{model}-{number}.h5"))
                couplet(options, "data", "export", *config, "--output", parts[-1], "--count", str(batch), "--start", str(start))
            with h5py.File(data, "w") as file:
                opened = [h5py.File(part) for part in parts]
                for name in ("first", "second"):
                    file[name] = numpy.concatenate([one[name][()] for one in opened])
        else:
            generator = numpy.random.default_rng(1)
            with h5py.File(data, "w") as file:
                file["first"] = generator.standard_normal((batch, 1, 28, 28)).astype(numpy.float32)
                file["second"] = generator.integers(0, 10, batch)
            config += ["--set", f"data.path={data}"]
        run = os.path.join(folder, f"run-{model}")
        couplet(options, "train", *config, "--output", run, "--progress", "none")
        parameters = os.path.join(run, "checkpoints", "step-00000000.h5")
        arguments = [model, "--batch", str(batch), "--parameters", parameters, "--data", data]
        chosen = STEP_PEERS[model][:2] if options.quick else STEP_PEERS[model]
        peers = [Peer(options, "step.py", implementation, allocator, arguments) for implementation, allocator in chosen]
        own = Couplet(options, "couplet", ["bench", "step", *config])
        alternate(options, [own, *peers])
        good &= agree(title, own, peers)
        rows.append(row(title, own, peers))
    return good, rows


def scaling(options):
    """Two workers against one, beside what the FMA peak gains in the same run."""
    batch = (QUICK_STEP_BATCHES if options.quick else STEP_BATCHES)["study"]
    say(f"step, study, B = {batch:,}, one worker and two")
    arguments = ["bench", "step", os.path.join(HERE, "study.yaml"), "--set", f"batch.size={batch}"]
    one = Couplet(options, "1 worker", arguments, threads=1)
    two = [Couplet(options, "2 threads", arguments, threads=2), Couplet(options, "2 ranks", arguments, threads=1, ranks=2)]
    alternate(options, [one, *two])

    def peak(contestant):
        return statistics.median(found["fma_peak_gflops"] for found in contestant.rounds)

    rows = [[one.name, time_text(median(one)), "", "", ""]]
    for contestant in two:
        gain, products = median(one) / median(contestant), peak(contestant) / peak(one)
        rows.append([contestant.name, time_text(median(contestant)), f"{gain:.2f} ×", f"{products:.2f} ×", f"{gain / products:.2f}"])
    return rows


def large(options):
    """Memory does not grow with B²."""
    say("loss, B = 65,536, d = 128: memory")
    found = json.loads(couplet(options, "bench", "loss", "--batch", "65536", "--dim", "128", "--repeat", "1", "--warmup", "0", "--json",
                               "--threads", str(options.threads)))
    return f"B = 65,536, d = 128: {found['median_seconds']:.2f} s, at most {found['peak_memory_mib']:.0f} MiB (the scores alone would be 16 GiB)."


def processor():
    with open("/proc/cpuinfo") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return names[0] if names else "an unknown processor"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("couplet", help="the program")
    parser.add_argument("--quick", action="store_true", help="small sizes and two peers each: whether all works, not how fast it is")
    parser.add_argument("--part", action="append", choices=["loss", "step", "scaling", "large"], help="may be repeated; all if absent")
    parser.add_argument("--model", action="append", choices=list(STEP_BATCHES), help="of the part step; may be repeated; all if absent")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, help="how often to alternate (5; quick: 2)")
    parser.add_argument("--repeat", type=int, help="timed repetitions in a round (5; quick: 3)")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 5)
    options.repeat = options.repeat or (3 if options.quick else 5)
    parts = options.part or (["loss", "step", "scaling"] if options.quick else ["loss", "step", "scaling", "large"])

    if os.getloadavg()[0] > 1:
        say(f"compare: the load is {os.getloadavg()[0]:.1f} before anything was started: the times will not be those of an idle machine")
    good, rows, lines = True, [], []
    with tempfile.TemporaryDirectory() as folder:
        for part, work in (("loss", losses), ("step", steps)):
            if part in parts:
                fine, more = work(options, folder)
                good &= fine
                rows += more
    print(f"{processor()}, {options.threads} threads, {datetime.date.today().isoformat()}; medians of {options.rounds} rounds of "
          f"{options.repeat}, all programs alternating in one run{'; small sizes' if options.quick else ''}.\n")
    if rows:
        heads = ["work", "Couplet", "of the peak", "JAX jit", "ratio", "best PyTorch", "ratio", "Couplet's memory"]
        print(table(heads, rows) + "\n")
    if "scaling" in parts:
        print(table(["step, study", "time", "gain", "plain products gain", "of that"], scaling(options)) + "\n")
    if "large" in parts:
        lines.append(large(options))
    for line in lines:
        print(line)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()

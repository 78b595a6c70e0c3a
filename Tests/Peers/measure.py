"""What the measurements of the peers share: threads, timing, agreement of results, one JSON object a line.

Each implementation runs in a process of its own (`run_each`), so that thread pools and allocators of one do not disturb another and
peak memory is its own. Nothing heavy is imported here: the number of threads is settled before JAX or PyTorch is.
"""

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time

# Keeps large blocks in the C library's hands instead of giving them back to the system after each step. Needs a new process.
TUNED_ALLOCATOR = "glibc.malloc.mmap_threshold=4294967296:glibc.malloc.trim_threshold=17179869184"


def add_options(parser: argparse.ArgumentParser, implementations: list[str]) -> None:
    parser.add_argument(
        "--implementation", action="append", choices=implementations, help="which to run; may be repeated; all if absent")
    parser.add_argument("--allocator", choices=["default", "tuned", "both"], default="default",
                        help="the C library's allocator as it is, or made to keep large blocks (GLIBC_TUNABLES)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=10, help="timed runs in a round")
    parser.add_argument("--warmup", type=int, default=2, help="runs before the first round, compilation among them")
    parser.add_argument(
        "--rounds", action="store_true",
        help="wait for a line on standard input before each round and print an object after it, until the input ends: so that another "
             "program can be measured in between. With one implementation and one allocator")


def run_each(options: argparse.Namespace, implementations: list[str]) -> None:
    """Runs this very command once for every implementation and allocator asked for, each in a new process, one after the other."""
    chosen = options.implementation or implementations
    allocators = ["default", "tuned"] if options.allocator == "both" else [options.allocator]
    if options.rounds and (len(chosen), len(allocators)) != (1, 1):
        sys.exit("--rounds wants one --implementation and one --allocator")
    failed = False
    for implementation in chosen:
        for allocator in allocators:
            environment = dict(os.environ, COUPLET_PEER=implementation, COUPLET_PEER_ALLOCATOR=allocator)
            environment.pop("GLIBC_TUNABLES", None)
            if allocator == "tuned":
                environment["GLIBC_TUNABLES"] = TUNED_ALLOCATOR
            # The processor type that some machines force on OpenBLAS is no concern of the peers, who bring other libraries.
            environment.pop("OPENBLAS_CORETYPE", None)
            code = subprocess.run([sys.executable, *sys.argv], env=environment).returncode
            if code != 0:
                print(f"{implementation} ({allocator} allocator) ended with {code}", file=sys.stderr)
                failed = True
    sys.exit(1 if failed else 0)


def implementation_here() -> str | None:
    """The one implementation that this process is for; None in the process that starts the others."""
    return os.environ.get("COUPLET_PEER")


def settle_threads(count: int, first: int = 0) -> None:
    """Keeps this process to `count` processors, from the `first` allowed on, and tells every library so; before they are imported."""
    allowed = sorted(os.sched_getaffinity(0))
    if first + count > len(allowed):
        sys.exit(f"{first + count} threads wanted, {len(allowed)} processors allowed")
    os.sched_setaffinity(0, allowed[first:first + count])
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"):
        os.environ[name] = str(count)
    os.environ["JAX_PLATFORMS"] = "cpu"


def open_clip_loss():
    """OpenCLIP's ClipLoss, from its loss.py alone: the package as a whole imports torchvision, timm and more."""
    package = importlib.util.find_spec("open_clip")
    if package is None:
        sys.exit("no open_clip here: run with the Python of Tests/Peers/environment")
    path = os.path.join(package.submodule_search_locations[0], "loss.py")
    specification = importlib.util.spec_from_file_location("open_clip_loss", path)
    module = importlib.util.module_from_spec(specification)
    sys.modules["open_clip_loss"] = module  # where torch.compile looks for it
    specification.loader.exec_module(module)
    return module.ClipLoss


def time_round(step, repeat: int) -> list[float]:
    """Seconds of each of `repeat` calls of `step`, which returns when its results are there."""
    seconds = []
    for _ in range(repeat):
        begin = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - begin)
    return seconds


def report(options: argparse.Namespace, seconds: list[float], **fields) -> None:
    print(json.dumps({
        "implementation": implementation_here(),
        "allocator": os.environ.get("COUPLET_PEER_ALLOCATOR", "default"),
        "threads": options.threads,
        **fields,
        "repeat": len(seconds),
        "median_seconds": statistics.median(seconds),
        "minimum_seconds": min(seconds),
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
    }), flush=True)


def rounds(options: argparse.Namespace):
    """One round; or, with --rounds, one for every line of standard input."""
    if not options.rounds:
        yield
        return
    print(json.dumps({"ready": implementation_here()}), flush=True)
    for _ in sys.stdin:
        yield

"""Runs `couplet train` for a check, and reads what the run left."""

import json
import math
import os
import subprocess


def power_of_two(value):
    """The largest one up to a value: a product with it is exact."""
    return 2.0 ** math.floor(math.log2(value))


def run_couplet(command, folder, name, config):
    """Trains; returns the path of the run. Raises with what the command said."""
    path, run = os.path.join(folder, f"{name}.yaml"), os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(config)
    done = subprocess.run([*command, "train", path, "--output", run, "--progress", "none"],
                          capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise RuntimeError(f"couplet train ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-600:]}")
    return run


def checkpoint(run, step):
    return os.path.join(run, "checkpoints", f"step-{step:08d}.h5")


def logged_loss(run):
    """The loss that the metrics give for step 1: of step 0's parameters, on the batch."""
    with open(os.path.join(run, "metrics.jsonl")) as file:
        for line in file:
            entry = json.loads(line)
            if entry.get("step") == 1 and "loss" in entry:
                return entry["loss"]
    raise RuntimeError("metrics.jsonl has no loss of step 1")

"""The regressions of a run's identifiability against scikit-learn's on the same encodings: R² and time.

    regression.py [--encoder first] RUN COUPLET...

runs `couplet evaluate RUN --encodings FILE --json`, reads the file, and does the same as the paper's code does: for each encoder and each block
`LinearRegression` and `GridSearchCV(KernelRidge(kernel="rbf"), alpha × gamma, cv=3, n_jobs=-1)` on encodings standardised by the fitting samples.
Prints a line of JSON: the largest difference of R², the seconds of both, and how many times as long scikit-learn took. Couplet's seconds are those
of the whole command, with what else it evaluates; scikit-learn's are those of the grid searches alone. Ends with 0 if every R² agrees within 1e-4.

--encoder first leaves the second encoder out (half of scikit-learn's time; its seconds are then doubled for the comparison).
--from-content also compares the encodings predicted from the content, which the paper does not do; not counted in scikit-learn's time.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

import h5py
import numpy
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler


def regressors():
    grid = {"alpha": [1e0, 0.1, 1e-2, 1e-3], "gamma": numpy.logspace(-2, 2, 4)}
    return {
        "linear": lambda: LinearRegression(),
        "kernel_ridge": lambda: GridSearchCV(KernelRidge(kernel="rbf", gamma=0.1), param_grid=grid, cv=3, n_jobs=-1),
    }


def score(make, inputs, targets):
    scaler = StandardScaler().fit(inputs[0])
    start = time.perf_counter()
    model = make().fit(scaler.transform(inputs[0]), targets[0])
    r2 = r2_score(targets[1], model.predict(scaler.transform(inputs[1])))
    return r2, time.perf_counter() - start, getattr(model, "best_params_", None)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run")
    parser.add_argument("--encoder", choices=["first", "second", "both"], default="both")
    parser.add_argument("--from-content", action="store_true")
    parser.add_argument("couplet", nargs="+")
    options = parser.parse_args()
    encoders = ["first", "second"] if options.encoder == "both" else [options.encoder]

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "encodings.h5")
        start = time.perf_counter()
        output = subprocess.run(
            options.couplet + ["evaluate", options.run, "--encodings", path, "--json"], check=True, capture_output=True, text=True).stdout
        seconds = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        found = json.loads(output)["identifiability"]
        with h5py.File(path) as file:
            sides = [file["fitting"], file["scoring"]]
            factors = {name: [side["latents"][name][:] for side in sides] for name in sides[0]["latents"]}
            encodings = {name: [side[name][:] for side in sides] for name in ["first", "second"]}
            swapped = {name: [side["swapped"][name][:] for side in sides] for name in ["first", "second", "c"]}

    tasks = []
    for encoder in encoders:
        for name, targets in factors.items():
            tasks.append((found[encoder][name], f"{encoder}.{name}", encodings[encoder], targets, True))
        tasks.append((found[encoder]["c_permuted"], f"{encoder}.c_permuted", swapped[encoder], swapped["c"], True))
        if options.from_content:
            scaler = StandardScaler().fit(encodings[encoder][0])
            targets = [scaler.transform(side) for side in encodings[encoder]]
            tasks.append((found["from_content"][encoder], f"from_content.{encoder}", factors["c"], targets, False))
    largest, peer = {}, 0.0
    for own, name, inputs, targets, isCounted in tasks:
        for regressor, make in regressors().items():
            if regressor not in own:
                continue
            r2, taken, best = score(make, inputs, targets)
            difference = abs(r2 - own[regressor])
            largest[regressor] = max(largest.get(regressor, 0.0), difference)
            if regressor == "kernel_ridge" and isCounted:
                peer += taken
            print(f"{name} {regressor}: scikit-learn {r2:.7f}, couplet {own[regressor]:.7f} ({taken:.1f} s) {best or ''}", file=sys.stderr, flush=True)
    peer *= 2 / len(encoders)
    print(json.dumps({
        "samples": found["samples"], "largest_difference": largest, "couplet_seconds": round(seconds, 2),
        "couplet_processor_seconds": round(used.ru_utime + used.ru_stime, 2), "scikit_learn_seconds": round(peer, 2),
        "times_as_fast": round(peer / seconds, 2)}))
    if not all(difference <= 1e-4 for difference in largest.values()):
        print(f"the R² differ by more than 1e-4: {largest}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

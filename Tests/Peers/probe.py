"""A run's linear probe against scikit-learn's logistic regression, on the same encodings.

    probe.py RUN [--data data/mnist] [--penalty 1] COUPLET...

encodes MNIST's images by the run with `couplet encode`, fits `LogisticRegression(C=1/penalty)` after `StandardScaler` to the training
encodings in double precision, and compares top-1 and log loss on the test images with `couplet evaluate RUN --probe`. Ends with 0 if the log
losses agree within 1e-4.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile

import h5py
import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler


def idx(folder, name, skip):
    path = os.path.join(folder, name)
    if os.path.exists(path):
        data = open(path, "rb").read()
    else:
        data = gzip.open(path + ".gz").read()
    return numpy.frombuffer(data, dtype=numpy.uint8, offset=skip)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run")
    parser.add_argument("--data", default="data/mnist")
    parser.add_argument("--penalty", type=float, default=1.0)
    parser.add_argument("couplet", nargs="+")
    options = parser.parse_args()

    labels = {}
    with tempfile.TemporaryDirectory() as folder:
        encodings = {}
        for split in ["train", "t10k"]:
            images = idx(options.data, f"{split}-images-idx3-ubyte", 16).reshape(-1, 28, 28)
            labels[split] = idx(options.data, f"{split}-labels-idx1-ubyte", 8)
            rows, codes = os.path.join(folder, f"{split}.h5"), os.path.join(folder, f"{split}-codes.h5")
            with h5py.File(rows, "w") as file:
                file["images"] = images
            subprocess.run(
                options.couplet + ["encode", options.run, "--modality", "first", "--input", f"{rows}:/images", "--output", f"{codes}:/first"],
                check=True)
            with h5py.File(codes) as file:
                encodings[split] = file["first"][:].astype(numpy.float64)
    scaler = StandardScaler().fit(encodings["train"])
    peer = LogisticRegression(C=1 / options.penalty, tol=1e-8, max_iter=10_000).fit(scaler.transform(encodings["train"]), labels["train"])
    probabilities = peer.predict_proba(scaler.transform(encodings["t10k"]))
    expected = {"top1": float((probabilities.argmax(1) == labels["t10k"]).mean()), "log_loss": float(log_loss(labels["t10k"], probabilities))}
    output = subprocess.run(
        options.couplet + ["evaluate", options.run, "--probe", "--probe-penalty", str(options.penalty), "--json"], check=True,
        capture_output=True, text=True).stdout
    found = json.loads(output)["probe"]
    print(json.dumps({"scikit-learn": expected, "couplet": {key: found[key] for key in ["top1", "log_loss", "iterations", "converged"]}}))
    difference = abs(found["log_loss"] - expected["log_loss"])
    if not difference <= 1e-4:
        print(f"the log losses differ by {difference}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

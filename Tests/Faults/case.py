"""One case: a small supervised run in a folder of its own, what is done to it, and what must hold afterwards."""

import json
import os
import re
import shlex
import subprocess
import time

import checkpoints
import processes

LIMIT = 60  # seconds; what takes longer is a hang
STEPS, EVERY = 400, 4
WORKERS = [(1, 1), (1, 2), (2, 1), (2, 1), (2, 2), (4, 1)]  # ranks × threads

_MODEL = f"""\
encoders: {{embedding: 3, first: {{kind: mlp, widths: [32]}}, second: {{kind: linear}}}}
batch: {{size: 256, shards: 8}}
optimizer: {{kind: adam, learning_rate: 0.01, schedule: cosine, warmup_steps: 10, clip_norm: 1}}
evaluation: {{pairs: 256}}
train: {{steps: {STEPS}, log_every: 20, evaluate_every: null, checkpoint_every: {EVERY}, keep_checkpoints: 3}}
"""
GAUSSIAN = "data: {source: gaussian, dimensions: [8, 6], correlations: [0.9, 0.75, 0.6, 0.4, 0.25, 0.1]}\n" + _MODEL


def pairs(path):
    """The same model on the pairs of a file."""
    return f"data: {{source: hdf5, path: {path}, held_out: 0.1}}\n" + _MODEL


class Failure(Exception):
    """A promise that was not kept."""


class Programs:
    """What is tested, and what an undisturbed run ends in."""

    def __init__(self, couplet, supervise, folder):
        self.couplet, self.supervise, self.folder = couplet, supervise, folder
        self.digests = {}

    def prepare(self):
        """Makes the data and runs both trainings, alone and undisturbed."""
        self._write("gaussian.yaml", GAUSSIAN)
        self._write("pairs.yaml", pairs(f"{self.folder}/pairs.h5"))
        self._call("data", "export", "gaussian.yaml", "--output", "pairs.h5", "--count", "2000")
        for name in ["gaussian", "pairs"]:
            self._call("train", f"{name}.yaml", "--output", name, "--threads", "1", "--progress", "none")
            self.digests[name] = self.inspect(f"{self.folder}/{name}")[1]

    def inspect(self, path):
        """Step and digest of a run or checkpoint, verified; None where it does not verify."""
        done = subprocess.run([self.couplet, "inspect", path, "--json"], capture_output=True, text=True, timeout=LIMIT)
        if done.returncode != 0:
            return None
        content = json.loads(done.stdout)
        return content["step"], content["digest"]

    def _call(self, *arguments):
        done = subprocess.run([self.couplet, *arguments], cwd=self.folder, capture_output=True, text=True, timeout=LIMIT)
        if done.returncode != 0:
            raise SystemExit(f"faults: couplet {' '.join(arguments)} ended with {done.returncode}:\n{done.stderr}")

    def _write(self, name, text):
        with open(f"{self.folder}/{name}", "w") as file:
            file.write(text)


class Case:
    def __init__(self, programs, folder, kind, random):
        self.programs, self.folder, self.kind, self.random = programs, folder, kind, random
        self.token = f"{os.getpid()}-{os.path.basename(folder)}"
        self.ranks, self.threads = random.choice(WORKERS)
        self.data = "gaussian"
        self.root = folder  # where the run is
        self.extra = []
        self.pause = 0.05
        # mpirun waits this long before SIGTERM and again before SIGKILL, where a rank died: mostly not at all here, to save time.
        self.mercy = random.choice([0, 0, 0, 1])
        self.strokes = []  # what was done to it
        self.process = None
        self.command = []
        self._good = None  # the newest good checkpoint when something was done: the next start must not begin before it
        os.makedirs(folder)
        with open(f"{folder}/config.yaml", "w") as file:
            file.write(GAUSSIAN)

    @property
    def run(self):
        return f"{self.root}/run"

    @property
    def checkpoints(self):
        return f"{self.run}/checkpoints"

    @property
    def pairs(self):
        return f"{self.folder}/pairs.h5"

    def use_pairs(self):
        """The same model on a file of the case's own, which can be spoilt."""
        self.data = "pairs"
        with open(f"{self.programs.folder}/pairs.h5", "rb") as source, open(self.pairs, "wb") as target:
            target.write(source.read())
        with open(f"{self.folder}/config.yaml", "w") as file:
            file.write(pairs(self.pairs))

    # What happens to the run

    def start(self, restarts=5):
        """Starts the supervised run, or goes on with it."""
        self.command = [
            self.programs.supervise, "--restarts", str(restarts), "--pause", str(self.pause), str(self.ranks), self.programs.couplet,
            "train", f"{self.folder}/config.yaml", "--output", self.run, "--threads", str(self.threads), "--progress", "plain", "--resume",
        ] + self.extra
        self._output = open(f"{self.folder}/output.txt", "ab")
        self._said_before = self._output.tell()
        # What a limit on the size of files does is an error and no signal: Python ignores SIGXFSZ, and so do its children.
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=self._output, stderr=self._output, start_new_session=True, restore_signals=False,
            env=dict(os.environ, **{processes.VARIABLE: self.token, "OMPI_MCA_odls_base_sigkill_timeout": str(self.mercy)}))

    @property
    def said(self):
        """What this start has said so far."""
        with open(f"{self.folder}/output.txt", "rb") as file:
            file.seek(self._said_before)
            return file.read().decode(errors="replace")

    def wait_until(self, condition, what):
        """Waits for something on the way; the run must not end before."""
        end = time.monotonic() + LIMIT / 2
        while True:
            found = condition()
            if found:
                return found
            if self.process.poll() is not None:
                raise Failure(f"ended with {self.process.returncode} before {what}")
            if time.monotonic() > end:
                raise Failure(f"no {what} within {LIMIT / 2:g} s")
            time.sleep(0.002)

    def members(self):
        """All ranks, once they are there."""

        def complete():
            found = processes.ranks(self.token, self.programs.couplet)
            return found if len(found) == self.ranks else None

        return self.wait_until(complete, f"{self.ranks} ranks")

    def wait_for_step(self, step):
        self.wait_until(lambda: (checkpoints.steps(self.checkpoints) or [-1])[-1] >= step, f"step {step}")

    def wait_for_moment(self, position, count, early=0.2):
        """A random moment: within the position-th of 'count' parts of the run, or (some of the first) while it is set up."""
        if position == 0 and self.random.random() < early:
            time.sleep(self.random.uniform(0, 0.5))
            return
        part = 0.8 * STEPS / count
        self.wait_for_step(int(part * (position + self.random.random())))
        time.sleep(self.random.uniform(0, 0.01))

    def struck(self, what, restarts=True):
        """Notes what was done, and which checkpoint must survive it: a restart begins there, or at a later one."""
        self.strokes.append(what)
        self._good = checkpoints.newest(self.checkpoints) if restarts else None

    def at(self):
        known = checkpoints.steps(self.checkpoints)
        return f"after step {known[-1]}" if known else "at the start"

    # What must hold

    def end(self, seconds=LIMIT):
        """The exit code of the supervised run, within the limit, with nothing left running."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"not ended within {seconds} s")
        left = processes.wait_for_none(self.token, 2)
        if left:
            raise Failure(f"left running: {[b' '.join(p.command).decode()[-60:] for p in left]}")
        self._output.close()
        return code

    def expect(self, code, *texts, seconds=LIMIT):
        """The run ends with one of these codes, and says all of these texts."""
        codes = code if isinstance(code, tuple) else (code,)
        found = self.end(seconds)
        if found not in codes:
            raise Failure(f"ended with {found}, expected {' or '.join(map(str, codes))}: {self.last_words()}")
        for text in texts:
            if text not in self.said:
                raise Failure(f"'{text}' is not said with exit code {found}: {self.last_words()}")
        return found

    def last_words(self):
        return " | ".join(line for line in self.said.splitlines()[-4:])

    def expect_good_checkpoint_kept(self):
        """The newest good checkpoint at the last stroke is there, bit by bit, or a newer good one is."""
        if self._good is None:
            return
        step, mark = self._good
        known = checkpoints.steps(self.checkpoints)
        if step in known and checkpoints.fingerprint(checkpoints.path(self.checkpoints, step)) == mark:
            return
        for newer in reversed([s for s in known if s >= step]):
            if self.programs.inspect(checkpoints.path(self.checkpoints, newer)):
                return
        raise Failure(f"the good checkpoint of step {step} is lost; there are {known}")

    def expect_resumed_from(self, step, said=None):
        """What this start said shows that it went on from a step, or a later one."""
        starts = re.findall(r"(?:resumes from \S*/step-(\d+)\.h5|starts) on ", said if said is not None else self.said)
        last = int(starts[-1] or 0) if starts else None
        if last is None or last < step:
            raise Failure(f"step {step} was saved, but the next start was {'none' if last is None else f'from step {last}'}")
        return last

    def finish(self):
        """Goes on with the run to its end, where it was stopped, and compares the digest."""
        self.start()
        self.finish_started()

    def finish_started(self):
        """The run, started or restarted after the last stroke, comes to its end and to the digest."""
        self.expect(0)
        self.finish_ended()

    def finish_ended(self):
        """The run has ended; it was to end with 0 and the digest."""
        if self.process.returncode != 0:
            raise Failure(f"ended with {self.process.returncode}: {self.last_words()}")
        if self._good:
            self.expect_resumed_from(self._good[0])
        found = self.programs.inspect(self.run)
        if found != (STEPS, self.programs.digests[self.data]):
            raise Failure(f"ends in {found}, undisturbed in {(STEPS, self.programs.digests[self.data])}")
        strange = [n for n in os.listdir(self.checkpoints) if not re.fullmatch(r"step-\d+\.h5(\.damaged(-\d+)?)?", n)]
        if strange:
            raise Failure(f"left in the folder of checkpoints: {strange}")

    @property
    def restarts(self):
        return self.said.count("restarts in")

    def tidy(self):
        """Ends whatever is left of a case that failed."""
        for process in processes.of_case(self.token):
            process.signal(9)
        if self.process and self.process.poll() is None:
            self.process.wait()

    @property
    def command_line(self):
        return shlex.join(self.command)

"""Runs couplet within limits of time and memory, and refuses an end that is not documented."""

import os
import re
import shlex
import subprocess

DOCUMENTED = (0, 64, 65, 69, 70, 74, 75)
MEMORY = 8 << 30  # bytes of address space
SECONDS = 30
LONGEST_MESSAGE = 20_000  # bytes
CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]")


class Failure(Exception):
    """A promise that was not kept."""


class Result:
    def __init__(self, code, output, errors):
        self.code, self.output, self.errors = code, output.decode(errors="replace"), errors.decode(errors="replace")


class Program:
    """The tested program, in the folder of the undisturbed files."""

    def __init__(self, couplet, folder):
        self.couplet, self.folder = couplet, folder
        self.expected = {}

    def run(self, arguments, folder=None, environment={}, limits={}, redirection="", seconds=SECONDS):
        own = {name: value for name, value in os.environ.items() if name != "HDF5_USE_FILE_LOCKING"}
        variables = {**own, "SWIFT_BACKTRACE": "enable=no", "HOME": folder or self.folder, **environment}
        variables = {name: value for name, value in variables.items() if value is not None}
        # The shell sets the limits; Python could do so between fork and exec only, where its other threads may hold locks.
        limits = "".join(f"ulimit -{letter} {number}; " for letter, number in {"c": 0, "v": MEMORY >> 10, **limits}.items())
        command = ["/bin/bash", "-c", f'{limits}exec "$0" "$@" {redirection}', self.couplet, *arguments]
        process = subprocess.Popen(
            command, cwd=folder or self.folder, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True)
        try:
            output, errors = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Failure(f"not ended within {seconds} s")
        return Result(process.returncode, output, errors)


class Case:
    """One mutated case in a folder of its own."""

    def __init__(self, program, folder, random):
        self.program, self.folder, self.random = program, folder, random
        self.expected = program.expected
        self.commands, self.codes, self.notes = [], [], []

    def note(self, text):
        self.notes.append(text)

    def run(self, *arguments, codes=DOCUMENTED, seconds=SECONDS, **options):
        """Runs a command, whose exit code must be one of `codes`, and whose messages must be fit for a terminal."""
        # An argument cannot hold a null character.
        arguments = [argument.replace("\0", "?") for argument in arguments]
        self.commands.append(shlex.join(["couplet", *arguments]) + options.get("redirection", ""))
        done = self.program.run(arguments, self.folder, seconds=seconds, **options)
        self.codes.append(done.code)
        text = (done.output + done.errors).encode(errors="replace")
        if done.code not in codes:
            raise Failure(f"ended with {done.code}: {done.errors[-300:]}")
        if "Fatal error" in done.errors or "runtime failure" in done.errors:
            raise Failure(f"a trap: {done.errors[-300:]}")
        if CONTROL.search(text):
            raise Failure(f"control characters in {CONTROL.search(text)!r}")
        if len(done.errors) > LONGEST_MESSAGE:
            raise Failure(f"{len(done.errors)} characters of messages")
        if done.code not in (0, 69) and not done.errors and not options.get("redirection"):
            raise Failure(f"ended with {done.code} without a message")
        return done

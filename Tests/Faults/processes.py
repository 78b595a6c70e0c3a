"""Processes of one case, found by a variable of the environment that they inherit from each other, whoever their parent is by now."""

import os
import signal
import time

VARIABLE = "COUPLET_FAULTS_CASE"


class Process:
    """A living process, by its number."""

    def __init__(self, number, command, rank):
        self.number, self.command, self.rank = number, command, rank

    def signal(self, which):
        try:
            os.kill(self.number, which)
        except ProcessLookupError:
            pass


def _read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def of_case(token):
    """All living processes of a case."""
    wanted = f"{VARIABLE}={token}".encode()
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        variables = _read(f"/proc/{name}/environ").split(b"\0")
        if wanted not in variables:
            continue
        rank = next((int(v.split(b"=")[1]) for v in variables if v.startswith(b"OMPI_COMM_WORLD_RANK=")), None)
        found.append(Process(int(name), _read(f"/proc/{name}/cmdline").split(b"\0"), rank))
    return found


def ranks(token, program):
    """The ranks of the training, by their number."""
    members = [p for p in of_case(token) if p.rank is not None and p.command[:2] == [program.encode(), b"train"]]
    return sorted(members, key=lambda p: p.rank)


def launchers(token, name):
    """'mpirun', or the script 'launch/local'."""
    return [p for p in of_case(token) if any(word.decode().endswith(name) for word in p.command[:2])]


def wait_for_none(token, seconds):
    """Whether all processes of a case are gone within some seconds; those left are then ended."""
    end = time.monotonic() + seconds
    while True:
        left = of_case(token)
        if not left:
            return []
        if time.monotonic() > end:
            break
        time.sleep(0.02)
    for process in left:
        process.signal(signal.SIGKILL)
    return left

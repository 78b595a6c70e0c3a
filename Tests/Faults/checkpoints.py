"""The checkpoints of a run as files: which there are, whether they are whole, and how they are damaged."""

import ctypes
import errno
import hashlib
import os
import re
import select
import struct

_NAME = re.compile(r"step-(\d{8,})\.h5")


def steps(folder):
    """The steps of which there is a checkpoint, ascending."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    return sorted(int(match[1]) for match in map(_NAME.fullmatch, names) if match)


def path(folder, step):
    return f"{folder}/step-{step:08d}.h5"


def fingerprint(file):
    """None where the file is no more there."""
    try:
        with open(file, "rb") as stream:
            return hashlib.sha256(stream.read()).hexdigest()
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ESTALE):
            return None
        raise


def newest(folder):
    """The newest checkpoint's step and fingerprint, or None."""
    while True:
        known = steps(folder)
        if not known:
            return None
        mark = fingerprint(path(folder, known[-1]))
        if mark is not None:  # else newer ones took its place meanwhile
            return known[-1], mark


def damage(file, random):
    """Damages a file; returns how."""
    with open(file, "rb") as stream:
        whole = stream.read()
    way = random.choice(["truncated", "bits flipped", "bits flipped", "emptied", "zeroed"])
    if way == "truncated":
        length = random.randrange(1, len(whole))
        changed, how = whole[:length], f"truncated to {length} of {len(whole)} bytes"
    elif way == "bits flipped":
        changed = bytearray(whole)
        places = [random.randrange(8 * len(whole)) for _ in range(random.choice([1, 1, 3, 30]))]
        for place in places:
            changed[place // 8] ^= 1 << place % 8
        how = f"{len(places)} bits flipped, first at byte {places[0] // 8}"
    elif way == "emptied":
        changed, how = b"", "emptied"
    else:  # as after a power cut where the length came to the disk and the bytes did not
        start = random.randrange(len(whole))
        changed, how = whole[:start] + bytes(len(whole) - start), f"zeroed from byte {start}"
    # Under another name and renamed: a reader never sees half of it.
    with open(file + ".new", "wb") as stream:
        stream.write(changed)
    os.replace(file + ".new", file)
    return how


class SavingWatch:
    """Tells when the writing of a checkpoint begins: inotify(7)."""

    _CREATED = 0x100

    def __init__(self, folder):
        self._library = ctypes.CDLL(None, use_errno=True)
        self._descriptor = self._library.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._library.inotify_add_watch(self._descriptor, folder.encode(), self._CREATED) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), folder)

    def wait(self, seconds):
        """Whether a half-written checkpoint appeared within some seconds."""
        while select.select([self._descriptor], [], [], seconds)[0]:
            events, at = os.read(self._descriptor, 65536), 0
            while at < len(events):
                length = struct.unpack_from("iIII", events, at)[3]
                name = events[at + 16 : at + 16 + length].rstrip(b"\0")
                if name.startswith(b".step-"):
                    return True
                at += 16 + length
        return False

    def close(self):
        os.close(self._descriptor)

"""Changes texts and files at random: what typing errors, other programs, bad disks and attackers do to them."""

import os
import re
import shutil

NUMBERS = [
    "0", "-0", "1", "-1", "2", "3", "7", "1e3", "1e400", "-1e308", "1e308", "1e-320", "0.1", "0.5", "1.0", "1_000", "0x10", "010", "inf",
    "-inf", "nan", ".nan", ".inf", "255", "256", "65536", "2147483647", "2147483648", "4294967296", "1099511627776", "4611686018427387904",
    "9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551615", "18446744073709551616",
]
# No path leads out of the folder of a case: outputs may have these names.
TEXTS = [
    "null", "~", "true", "no", '""', "[]", "{}", "[[]]", "[1, 2]", "{a: 1}", "'='", '"\\e[31m"', '"\\0"', "é", "\U0001f600", "%", "@x", "!tag x",
    "&a x", "*a", "<<", "- x", "|", "~/x", "~nobody-here/x", "${HOME}", "${NOT_SET_HERE}", "${", "$HOME", "/dev/stdin", ".",
    "x" * 5000, "1h", "1d2h", "99999999d", "256 MiB", "9e9 GiB", "1048577 GiB", "mlp", "linear", "labels", "cnn", "gaussian", "adam",
    "=cmd|x", "a,b", "-", "--set",
]
# Values that a config may have, so that some of the changed configs are valid.
USUAL = ["0", "1", "2", "3", "4", "5", "8", "16", "32", "128", "0.1", "0.25", "0.5", "0.9", "2.5", "1e-3", "1e2", "null", "true", "false", "[1, 2]", "[8, 6]",
         "[0.5]", "first", "cosine", "quadratic", "joint", "sigmoid", "decoupled", "mmd", "nt_xent", "lp_simclr", "sgd", "adamw", "linear", "mlp", "cnn", "labels",
         "tanh", "leaky_relu", "skip", "recompute", "average", "latent", "2m", "64 KiB"]
KEYS = re.compile(r"([a-z_]+): *([^,{}\[\]\n]+)")


def text(random, original):
    """One to three changes of a YAML text."""
    changed = original
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        changed = random.choice([_value, _value, _value, _value, _line, _characters, _structure])(random, changed)
    return changed


def _value(random, original):
    found = list(KEYS.finditer(original))
    if not found:
        return original + "x: 1\n"
    match = random.choice(found)
    values = random.choice([USUAL, USUAL, NUMBERS, TEXTS])
    return original[:match.start(2)] + random.choice(values) + original[match.end(2):]


def _line(random, original):
    lines = original.splitlines(keepends=True)
    place = random.randrange(len(lines)) if lines else 0
    action = random.choice(["delete", "repeat", "swap", "indent", "tab"])
    if not lines:
        return original
    if action == "delete":
        del lines[place]
    elif action == "repeat":
        lines.insert(place, lines[place])
    elif action == "swap":
        other = random.randrange(len(lines))
        lines[place], lines[other] = lines[other], lines[place]
    else:
        lines[place] = ("  " if action == "indent" else "\t") + lines[place]
    return "".join(lines)


def _characters(random, original):
    place = random.randrange(len(original) + 1)
    rest = original[place + random.choice([0, 1, 1, 2, 20]):]
    return original[:place] + random.choice(["", "", ":", "{", "}", "[", "]", ",", "'", '"', "#", "&", "*", "\r", "\x00", "\x1b", "\ufeff", "\u2028", "\ud7ff"]) + rest


def _structure(random, original):
    kind = random.choice(["mark", "laughs", "deep", "keys", "document", "merge", "long", "empty", "crlf"])
    if kind == "mark":
        return "\ufeff" + original
    if kind == "laughs":
        levels = random.randrange(2, 12)
        bombs = "a0: &a0 x\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, levels))
        return bombs + original + (f"? *a{levels - 1}\n: 1\n" if random.random() < 0.3 else "")
    if kind == "deep":
        depth = random.choice([50, 190, 210, 1_100, 100_000])
        return original + "deep: " + "[" * depth + "]" * depth + "\n"
    if kind == "keys":
        return original + "".join(f"k{n}: 1\n" for n in range(random.choice([10, 1_000, 30_000])))
    if kind == "document":
        return original + "---\n" + original
    if kind == "merge":
        return original.replace("{", "{<<: {seed: 3, steps: 2}, ", 1)
    if kind == "long":
        return original + "#" * random.choice([100_000, 1_100_000]) + "\n"
    return "" if kind == "empty" else original.replace("\n", "\r\n")


def line_values(random, original):
    """A text of JSON or comma-separated values, with some of its values replaced."""
    for _ in range(random.choice([1, 2, 4])):
        found = list(re.finditer(r"-?\d+(\.\d+)?([eE][+-]?\d+)?|\"[^\"\n]*\"|null|true|false", original))
        if not found:
            return original
        match = random.choice(found)
        values = NUMBERS + ["null", "[]", "{}", '""', '"x"', "[" * 300, "1e5", "0.25", "\x00", "\x1b[31m", "'"]
        original = original[:match.start()] + random.choice(values) + original[match.end():]
    return original


def content(random, original):
    """Bytes of a file: flipped, cut off, emptied, zeroed, moved, added to, or replaced."""
    bytes_ = bytearray(original)
    kind = random.choice(["flip", "flip", "flip", "byte", "word", "cut", "zero", "append", "empty", "move", "random"])
    if not bytes_:
        return b"\0"
    # Half of the changes are in the first part, where headers are.
    reach = len(bytes_) if random.random() < 0.5 else min(len(bytes_), 2_048)
    place = random.randrange(reach)
    if kind == "flip":
        for _ in range(random.choice([1, 1, 3, 20])):
            bytes_[random.randrange(reach)] ^= 1 << random.randrange(8)
    elif kind == "byte":
        bytes_[place] = random.choice([0, 1, 127, 128, 255])
    elif kind == "word":
        number = random.choice([0, 1, 255, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 62, (1 << 63) - 1, (1 << 64) - 1])
        bytes_[place:place + 8] = number.to_bytes(8, "little")
    elif kind == "cut":
        del bytes_[place:]
    elif kind == "zero":
        length = random.choice([8, 64, 512, 4_096])
        bytes_[place:place + length] = bytes(len(bytes_[place:place + length]))
    elif kind == "append":
        bytes_ += random.randbytes(random.choice([1, 100, 10_000]))
    elif kind == "move":
        length, source = random.choice([8, 64, 512]), random.randrange(reach)
        bytes_[place:place + length] = bytes_[source:source + length]
    elif kind == "random":
        return random.randbytes(random.choice([1, 100, 5_000]))
    return b"" if kind == "empty" else bytes(bytes_)


def replace_file(random, path):
    """Puts something else than a regular file, or nothing, at a path."""
    kind = random.choice(["fifo", "folder", "missing", "zero", "full", "loop", "nowhere", "unreadable"])
    if kind == "unreadable":
        os.chmod(path, 0)
        return kind
    if os.path.isdir(path):
        shutil.rmtree(path)
    else:
        os.unlink(path)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        os.mkdir(path)
    elif kind != "missing":
        target = {"zero": "/dev/zero", "full": "/dev/full", "loop": os.path.basename(path), "nowhere": "nowhere"}[kind]
        os.symlink(target, path)
    return kind

"""The kinds of faults. Each takes a case, does something to its run at a moment drawn from the seed, and checks what was promised."""

import os
import resource
import signal
import subprocess
import time

import checkpoints
import processes
from case import STEPS, Failure
from disks import ReadOnlyFolder, SmallDisk

STOPPING = [signal.SIGTERM, signal.SIGINT, signal.SIGUSR1]


def kill_rank(case):
    """kill -9 of a random rank, up to three times in a run."""
    count = case.random.choice([1, 2, 3])
    case.start()
    for position in range(count):
        case.wait_for_moment(position, count)
        victim = case.random.choice(case.members())
        victim.signal(signal.SIGKILL)
        case.struck(f"rank {victim.rank} {case.at()}")
        case.wait_until(lambda: case.restarts > position, "restart")
    case.finish_started()


def kill_while_saving(case):
    """kill -9 of the rank that writes, or of another, within the writing of a checkpoint."""
    case.start()
    case.wait_for_step(case.random.randrange(0, STEPS // 2))
    victim = case.random.choice([case.members()[0], *case.members()])
    watch = checkpoints.SavingWatch(case.checkpoints)
    for _ in range(case.random.randrange(1, 5)):
        if not watch.wait(10):
            raise Failure("no checkpoint is written")
    end = time.perf_counter() + case.random.choice([0, 0.0003, 0.001, 0.003])
    while time.perf_counter() < end:
        pass
    victim.signal(signal.SIGKILL)
    watch.close()
    case.struck(f"rank {victim.rank} {case.at()}")
    case.finish_started()


def kill_launcher(case):
    """kill -9 of mpirun, or of the script that started it: the ranks must not outlive it."""
    name = case.random.choice(["mpirun", "launch/local"])
    case.start()
    case.wait_for_moment(0, 1)
    case.members()
    processes.launchers(case.token, name)[0].signal(signal.SIGKILL)
    case.struck(f"{name} {case.at()}")
    case.finish_started()


def signal_launcher(case):
    """SIGTERM or SIGINT to mpirun, which ends by itself with a code of its own; SIGUSR1, which it passes on."""
    which = case.random.choice(STOPPING)
    case.start()
    case.wait_for_moment(0, 1, early=0)
    processes.launchers(case.token, "mpirun")[0].signal(which)
    case.struck(f"{which.name} {case.at()}")
    if which == signal.SIGUSR1:
        case.expect(75, "stopped and saved")
        case.expect_good_checkpoint_kept()
        case.finish()
    elif case.end() == 75:  # the ranks were faster than mpirun
        case.finish()
    else:
        case.finish_ended()


def signal_rank(case):
    """A stopping signal to a random rank: all save and end with 75, and so does the supervisor."""
    which = case.random.choice(STOPPING + [signal.SIGHUP, signal.SIGUSR2, signal.SIGXCPU])
    case.start()
    case.wait_for_moment(0, 1, early=0)
    victim = case.random.choice(case.members())
    victim.signal(which)
    case.struck(f"{which.name} to rank {victim.rank} {case.at()}")
    case.expect(75, "stopped and saved")
    case.expect_good_checkpoint_kept()
    case.finish()


def signal_supervisor(case):
    """A stopping signal to the supervisor at any moment, from its first on."""
    which = case.random.choice([*STOPPING, signal.SIGHUP])
    case.start()
    if case.random.random() < 0.5:
        time.sleep(0.03 + case.random.uniform(0, 0.6))  # a shell's script hears signals after some milliseconds
    else:
        case.wait_for_moment(0, 1)
    case.process.send_signal(which)
    case.struck(f"{which.name} {case.at()}")
    case.expect(75, "stopp")
    case.expect_good_checkpoint_kept()
    case.finish()


def signal_in_pause(case):
    """A stopping signal to the supervisor while it waits for the next start."""
    which = case.random.choice([*STOPPING, signal.SIGHUP])
    case.pause = 30
    case.start()
    case.wait_for_moment(0, 1)
    case.random.choice(case.members()).signal(signal.SIGKILL)
    case.struck(f"{which.name} {case.at()}")
    case.wait_until(lambda: case.restarts == 1, "pause")
    time.sleep(case.random.uniform(0, 0.1))
    case.process.send_signal(which)
    case.expect(75, "stopped during the pause", seconds=5)
    case.expect_good_checkpoint_kept()
    case.pause = 0.05
    case.finish()


def signal_twice(case):
    """Two stopping signals to the supervisor: it ends at once, saved or not."""
    which = case.random.choice([signal.SIGTERM, signal.SIGINT])
    case.start()
    case.wait_for_moment(0, 1)
    between = case.random.uniform(0.001, 0.1)
    case.process.send_signal(which)
    time.sleep(between)
    case.process.send_signal(which)
    case.struck(f"{which.name} {case.at()}, again after {1000 * between:.0f} ms")
    if case.end(10) == 0:
        raise Failure("ended with 0, though it was stopped")
    case.expect_good_checkpoint_kept()
    case.finish()


def short_stop(case):
    """SIGSTOP of a random rank, SIGCONT a little later: the others wait."""
    case.start()
    case.wait_for_moment(0, 1)
    victim, seconds = case.random.choice(case.members()), case.random.uniform(0.1, 1)
    victim.signal(signal.SIGSTOP)
    case.struck(f"rank {victim.rank} {case.at()}, for {seconds:.1f} s", restarts=False)
    time.sleep(seconds)
    victim.signal(signal.SIGCONT)
    case.finish_started()


def hang(case):
    """SIGSTOP of a random rank for good: the watchdog of the others ends the job, the supervisor starts it again."""
    if case.ranks == 1:
        case.ranks = 2
    case.extra = ["--timeout", "3"]
    case.start()
    case.wait_for_moment(0, 1, early=0)
    victim = case.random.choice(case.members())
    victim.signal(signal.SIGSTOP)
    case.struck(f"rank {victim.rank} {case.at()}")
    case.wait_until(lambda: case.restarts == 1, "restart")
    if f"rank {victim.rank}" not in case.said and f"ranks {victim.rank}" not in case.said:
        raise Failure(f"the rank that hangs, {victim.rank}, is not named: {case.last_words()}")
    case.finish_started()


def damaged_checkpoint(case):
    """A rank is killed and, before the next start, the newest checkpoint is damaged, or the newest two, or all."""
    case.pause = 0.4
    case.start()
    case.wait_for_moment(0, 1, early=0)
    case.wait_for_step(0)
    case.random.choice(case.members()).signal(signal.SIGKILL)
    case.wait_until(lambda: case.restarts == 1, "pause")
    known = checkpoints.steps(case.checkpoints)
    count = case.random.choice([1, 1, 1, 2, len(known)])
    hurt, whole = known[-count:], known[:-count]
    hows = []
    for step in hurt:
        hows.append(checkpoints.damage(checkpoints.path(case.checkpoints, step), case.random))
    case.strokes.append(f"step {hurt[-1]} {hows[-1]}" + (f", {count - 1} more" if count > 1 else ""))
    case.expect(0)
    from_step = case.expect_resumed_from(whole[-1] if whole else 0)
    for step in hurt:
        # Bits that mean nothing may be flipped: the checkpoint then verifies all the same, and is used.
        aside = f"{checkpoints.path(case.checkpoints, step)}.damaged"
        if step > from_step and not (os.path.exists(aside) and f"step-{step:08d}.h5" in case.said and "set aside" in case.said):
            raise Failure(f"the damaged checkpoint of step {step} is neither used nor set aside and named")
    case.finish_ended()


def full_disk(case):
    """A small file system fills up: the run says so and is not started again; with more room it goes on."""
    disk = SmallDisk(f"{case.folder}/disk", case.random.randrange(150, 800))
    try:
        if not disk.is_there:
            return file_size_limit(case)
        case.root = disk.folder
        case.extra = ["--set", "train.keep_checkpoints=1000"]
        case.start()
        case.expect(74, "No space left", f"{case.run}/")
        case.struck(case.at())
        for step in checkpoints.steps(case.checkpoints):
            if not case.programs.inspect(checkpoints.path(case.checkpoints, step)):
                raise Failure(f"the checkpoint of step {step} is not whole")
        if case.restarts:
            raise Failure("started again on a full disk")
        disk.grow(100_000)
        case.finish()
    finally:
        disk.close()


def file_size_limit(case):
    """No file may grow beyond a limit, as under a quota: the run says so and is not started again."""
    case.start()
    case.wait_for_moment(0, 1, early=0)
    writer = case.members()[0]
    resource.prlimit(writer.number, resource.RLIMIT_FSIZE, (case.random.randrange(1, 3000),) * 2)
    case.struck(f"RLIMIT_FSIZE {case.at()}")
    case.expect(74, "File too large", f"{case.run}/")
    case.expect_good_checkpoint_kept()
    case.finish()


def read_only(case):
    """The folder of the checkpoints becomes read-only on the way."""
    case.start()
    case.wait_for_moment(0, 1, early=0)
    case.wait_for_step(0)
    folder = ReadOnlyFolder(case.checkpoints)
    try:
        case.struck(f"{'mount' if folder.is_mounted else 'mode'} {case.at()}")
        if not folder.is_there:
            raise Failure("this system lets nobody make a folder read-only")
        case.expect(74, f"{case.run}/")
        case.expect_good_checkpoint_kept()
    finally:
        folder.close()
    case.finish()


def lost_data(case):
    """The file of the data is gone, spoilt or no file when the run starts again; once it is back, the run goes on."""
    case.use_pairs()
    case.pause = 0.4
    case.start()
    case.wait_for_moment(0, 1)
    case.random.choice(case.members()).signal(signal.SIGKILL)
    case.struck("")
    case.wait_until(lambda: case.restarts == 1, "pause")
    way = case.random.choice(["vanished", "truncated", "a folder", "rubbish"] + (["unreadable"] if os.geteuid() else []))
    kept = f"{case.pairs}.kept"
    os.rename(case.pairs, kept)
    with open(kept, "rb") as file:
        content = file.read()
    if way == "a folder":
        os.mkdir(case.pairs)
    elif way != "vanished":
        changed = {"truncated": content[: case.random.randrange(len(content))], "rubbish": case.random.randbytes(5000)}
        with open(case.pairs, "wb") as file:
            file.write(changed.get(way, content))
    if way == "unreadable":
        os.chmod(case.pairs, 0)
    case.strokes[-1] = f"{way} {case.at()}"
    case.expect((65, 74), case.pairs)
    if case.restarts > 1:
        raise Failure("started again without its data")
    case.expect_good_checkpoint_kept()
    if way == "a folder":
        os.rmdir(case.pairs)
    os.replace(kept, case.pairs)
    case.finish()


def data_in_use(case):
    """The file of the data is removed or cut short while the run reads it: what was read stands, or the run says what is wrong."""
    case.use_pairs()
    case.start()
    case.wait_for_moment(0, 1)
    case.members()
    way = case.random.choice(["removed", "cut short"])
    with open(case.pairs, "rb") as file:
        content = file.read()
    if way == "removed":
        os.remove(case.pairs)
    else:
        os.truncate(case.pairs, case.random.randrange(len(content)))
    case.struck(f"{way} {case.at()}", restarts=False)
    code = case.end()
    if code not in (0, 65, 74) or code and case.pairs not in case.said:
        raise Failure(f"ended with {code}: {case.last_words()}")
    if code == 0:
        return case.finish_ended()
    case.expect_good_checkpoint_kept()
    with open(case.pairs, "wb") as file:
        file.write(content)
    case.finish()


def second_run(case):
    """A second process on the same folder is refused, and the first does not notice."""
    case.start()
    case.wait_for_moment(0, 1, early=0)
    members = case.members()
    for member in members:  # so that it does not end before the second has given up
        member.signal(signal.SIGSTOP)
    case.struck(case.at(), restarts=False)
    second = subprocess.run(
        [case.programs.couplet, "train", f"{case.folder}/config.yaml", "--output", case.run, "--threads", "1",
         case.random.choice(["--resume", "--overwrite"])], capture_output=True, text=True, timeout=30)
    for member in members:
        member.signal(signal.SIGCONT)
    if second.returncode != 74 or case.run not in second.stderr:
        raise Failure(f"the second process ended with {second.returncode}: {second.stderr[-300:]}")
    case.finish_started()


# name: (what it does, how often it comes beside the others)
ALL = {
    "kill-rank": (kill_rank, 3),
    "kill-saving": (kill_while_saving, 2),
    "kill-launcher": (kill_launcher, 1),
    "signal-launcher": (signal_launcher, 1),
    "signal-rank": (signal_rank, 1),
    "signal-supervisor": (signal_supervisor, 2),
    "signal-in-pause": (signal_in_pause, 1),
    "signal-twice": (signal_twice, 1),
    "short-stop": (short_stop, 1),
    "hang": (hang, 1),
    "damaged-checkpoint": (damaged_checkpoint, 3),
    "full-disk": (full_disk, 1),
    "file-size-limit": (file_size_limit, 1),
    "read-only": (read_only, 1),
    "lost-data": (lost_data, 1),
    "data-in-use": (data_in_use, 1),
    "second-run": (second_run, 1),
}

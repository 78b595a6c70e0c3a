"""Places in which files cannot be written: small file systems and read-only folders, as far as the system lets us make them."""

import os
import subprocess


def _mount(*arguments):
    return subprocess.run(["mount", *arguments], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode == 0


class SmallDisk:
    """A tmpfs of so many KiB. 'is_there' is false where this system lets us mount none."""

    def __init__(self, folder, kibibytes):
        os.makedirs(folder)
        self.folder = folder
        self.is_there = os.geteuid() == 0 and _mount("-t", "tmpfs", "-o", f"size={kibibytes}k", "tmpfs", folder)

    def grow(self, kibibytes):
        subprocess.run(["mount", "-o", f"remount,size={kibibytes}k", self.folder], check=True)

    def close(self):
        if self.is_there:
            subprocess.run(["umount", "--lazy", self.folder], check=True)


class ReadOnlyFolder:
    """A folder in which nothing can be written until 'close': by a read-only mount for root, by its mode for others."""

    def __init__(self, folder):
        self.folder = folder
        self.is_mounted = os.geteuid() == 0 and _mount("--bind", folder, folder)
        if self.is_mounted:
            # It is refused as long as a file there is being written.
            self.is_there = any(_mount("-o", "remount,bind,ro", folder) for _ in range(50))
        else:
            os.chmod(folder, 0o500)
            self.is_there = not os.access(folder, os.W_OK)

    def close(self):
        if self.is_mounted:
            subprocess.run(["umount", "--lazy", self.folder], check=True)
            self.is_mounted = False
        else:
            os.chmod(self.folder, 0o700)

"""What results need of the file system: folders, files of exact mode, and errors that help."""

import contextlib
import errno
import os
from pathlib import Path
from typing import Final

FILE_MODE: Final = 0o640
FOLDER_MODE: Final = 0o750

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class ResultsError(OSError):
    """Results cannot be written where they should be; one line that says where and why."""


class DiskFull(ResultsError):  # noqa: N818  (a state of the machine that passes)
    """No room for results. What could not be written is kept, and written when there is room."""


def explained(path: Path, exc: OSError) -> ResultsError:
    """The error in words: which path, what is wrong, what to do."""
    if isinstance(exc, ResultsError):
        return exc
    if exc.errno in _FULL:
        return DiskFull(f"{path}: the disk is full; free some room there")
    if isinstance(exc, NotADirectoryError | FileExistsError):
        return ResultsError(f"{path}: a file stands where a folder is needed")
    reason = (exc.strerror or str(exc)).lower()
    return ResultsError(f"{path}: cannot write results there: {reason}")


def make_folder(path: Path) -> None:
    """Make the folder and those above it, with mode 0750 whatever the umask."""
    if path.is_dir():
        return
    make_folder(path.parent)
    try:
        path.mkdir(FOLDER_MODE)
    except FileExistsError:
        if not path.is_dir():  # otherwise another process was quicker
            raise
    else:
        path.chmod(FOLDER_MODE)
        descriptor = os.open(path, os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            give_to_owner(descriptor, path.parent)
        finally:
            os.close(descriptor)


def open_to_append(path: Path) -> tuple[int, bool]:
    """A descriptor to read and append with, and whether the file is new (mode 0640 then)."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC
    while True:
        try:
            return os.open(path, flags), False
        except FileNotFoundError:
            make_folder(path.parent)
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, FILE_MODE)
        except FileExistsError:
            continue  # another process was quicker
        os.fchmod(descriptor, FILE_MODE)
        give_to_owner(descriptor, path.parent)
        return descriptor, True


def give_to_owner(descriptor: int, folder: Path) -> None:
    """What root makes in another user's folder is that user's: a service must go on with it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        # In a container, root may have no such right: then the file stays its own.
        with contextlib.suppress(OSError):
            os.fchown(descriptor, owner.st_uid, owner.st_gid)

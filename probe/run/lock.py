"""One running probe to a results folder: a lock that ends with the process, however it ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from probe.record.disk import ResultsError, explained, open_to_append

NAME: Final = ".run.lock"


class LockedError(ResultsError):
    """Another ``probe run`` writes into the folder; the text says which process that is."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. Raises LockedError, or ResultsError where there can be none.

    The file stays: a lock on a file that is deleted locks nobody out.
    """
    path = folder / NAME
    try:
        descriptor, _ = open_to_append(path)
    except OSError as exc:
        raise explained(path, exc) from exc
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LockedError(f"{folder}: {_holder(descriptor)} runs there already") from None
        except OSError as exc:
            raise explained(path, exc) from exc
        with contextlib.suppress(OSError):  # a full disk: the number is for people only
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def _holder(descriptor: int) -> str:
    text = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
    return f"another probe (process {text})" if text.isdecimal() else "another probe"

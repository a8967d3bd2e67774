"""Certificate chains and bodies worth keeping, each stored once under its SHA-256."""

import hashlib
import os
import re
import threading
import time
from pathlib import Path
from typing import Final

from probe.record.disk import FILE_MODE, DiskFull, explained, give_to_owner, make_folder
from probe.record.durable import Syncer

OBJECTS: Final = "objects"
_NAME: Final = re.compile(r"[0-9a-f]{64}")
_RENEWED: Final = 3600.0  # seconds; how far an object's date may be behind its last use
_REMEMBERED: Final = 10_000  # names known to be on disk; bounds memory where every body differs


class Objects:
    """The objects of a results folder, by content; while ``paused`` it takes no new ones."""

    def __init__(self, root: Path, syncer: Syncer | None = None) -> None:
        """Use the results folder ``root``; ``syncer`` makes objects survive a power cut."""
        self._folder = root / OBJECTS
        self._syncer = syncer
        self.paused = False
        self._seen: dict[str, float] = {}  # when it was last known to be there, and its date new

    def put(self, data: bytes) -> str:
        """Store the bytes unless they are there; gives their SHA-256. Raises ResultsError.

        The file's date becomes that of its last use: what nobody has used for long may be deleted
        (``record.retain``).
        """
        name = hashlib.sha256(data).hexdigest()
        now = time.monotonic()
        if now - self._seen.get(name, -_RENEWED) >= _RENEWED:
            path = self._folder / name
            try:
                self._store(path, data)
            except OSError as exc:
                raise explained(path, exc) from exc
            if len(self._seen) >= _REMEMBERED:
                self._seen.clear()
            self._seen[name] = now
        return name

    def get(self, name: str) -> bytes:
        """The bytes whose SHA-256 is ``name``.

        Raises ValueError when that is no SHA-256 or the stored bytes are not those, and
        FileNotFoundError when there are none.
        """
        if not _NAME.fullmatch(name):
            raise ValueError(f"'{name[:80]}' is no SHA-256 in small hexadecimal digits")
        data = (self._folder / name).read_bytes()
        if hashlib.sha256(data).hexdigest() != name:
            raise ValueError(f"{self._folder / name}: the content does not match its name")
        return data

    def _store(self, path: Path, data: bytes) -> None:
        try:
            status = path.stat()
            if status.st_size == len(data):
                if not 0 <= time.time() - status.st_mtime < _RENEWED:
                    os.utime(path)
                return  # any other size is what a power cut left: it is written again
        except FileNotFoundError:
            make_folder(path.parent)
        if self.paused:
            raise DiskFull(f"{path}: the disk is nearly full; no objects are stored")
        draft = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
        try:
            _write(draft, data)
            draft.rename(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        if self._syncer:
            self._syncer.soon(path, path.parent)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        os.fchmod(file.fileno(), FILE_MODE)
        give_to_owner(file.fileno(), path.parent)
        file.write(data)

"""Small files that are replaced as a whole: whoever reads one finds the old or the new, never
half of either."""

import os
from pathlib import Path

from probe.record.disk import FILE_MODE, explained, make_folder


def write_whole(path: Path, data: bytes) -> None:
    """Put this in place of what the file held; mode 0640. ResultsError where there is no room."""
    draft = path.with_name(f".{path.name}.new")
    try:
        make_folder(path.parent)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, FILE_MODE)
            file.write(data)
        draft.replace(path)
    except OSError as exc:
        raise explained(path, exc) from exc


def read_whole(path: Path, most: int) -> bytes | None:
    """All of it; None where there is no such file. ValueError for more than ``most`` bytes."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except FileNotFoundError:
        return None
    if len(data) > most:
        raise ValueError(f"{path}: larger than {most} bytes")
    return data

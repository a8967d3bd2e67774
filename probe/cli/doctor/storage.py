"""The results folder: whether it can be written, who may read it, and how long the disk lasts."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from probe.cli.doctor.finding import Finding, amount

_LEAST: Final = 50 * 1024**2  # bytes; with less free, nothing can be relied on
_SOON: Final = 30  # days
_SHOWN: Final = 3  # files that a finding names


def findings(folder: Path) -> Iterator[Finding]:
    """Looks at the folder, or at where it would be made."""
    standing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not standing.is_dir():
        yield Finding("results", "wrong", f"{standing} is a file, not a folder: name another")
        return
    if folder.exists() and not os.access(folder, os.R_OK | os.X_OK):
        text = f"{folder}: no permission to read it: use sudo, or join its group"
        yield Finding("results", "wrong", text)
        return
    yield _writable(folder, standing)
    files = [(path, path.lstat()) for path in _files(folder)]
    yield _disk(standing, files)
    yield from _readers(folder, files)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        # Another process may take away what it has sealed while we look.
        if path.exists() and not path.is_symlink():
            yield path


def _writable(folder: Path, standing: Path) -> Finding:
    """By this user, or, as on a server, by the one that the folder belongs to."""
    if not os.access(standing, os.W_OK | os.X_OK):
        owner = standing.stat().st_uid
        if folder.exists() and owner not in {0, os.geteuid()}:
            return Finding("results", "ok", f"{folder}, written by {_user(owner)}")
        return Finding("results", "wrong", f"{standing}: no permission to write there: use another")
    return Finding("results", "ok", f"{folder}{'' if folder.exists() else ' (will be made)'}")


def _disk(standing: Path, files: list[tuple[Path, os.stat_result]]) -> Finding:
    import shutil

    free = shutil.disk_usage(standing).free
    used = sum(info.st_size for _, info in files if stat.S_ISREG(info.st_mode))
    text = f"{amount(free)} free"
    if used:
        text += f"; results take {amount(used)}"
    grown = _growth(files)
    days = free / grown if grown else float("inf")
    if grown:
        text += f", {amount(grown)} a day"
    if free < _LEAST:
        return Finding("disk", "wrong", f"{text}: free some room")
    if free < 1024**3 or days < _SOON:
        return Finding("disk", "note", f"{text}: full in {days:.0f} days" if grown else text)
    return Finding("disk", "ok", text)


def retention(config: Path, folder: Path) -> Iterator[Finding]:
    """Whether the disk holds what the configuration lets the results grow to."""
    import shutil

    from probe.plan.config import read_config

    most = read_config(config).retention.max_size
    standing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if most is None:
        text = "results may grow without bound: give retention a max_size"
        yield Finding("retention", "note", text)
        return
    used = sum(path.lstat().st_size for path in _files(folder)) if folder.is_dir() else 0
    there = shutil.disk_usage(standing).free + used
    if there < most:
        text = f"results may grow to {amount(most)}, there is room for {amount(there)}: lower"
        yield Finding("retention", "note", f"{text} its max_size")
    else:
        yield Finding("retention", "ok", f"results grow to {amount(most)} at most")


def _growth(files: list[tuple[Path, os.stat_result]]) -> int:
    """Bytes a day, by what was written in the last week; 0 when that is not known yet."""
    import time

    now = time.time()
    ages = [(now - info.st_mtime, info.st_size) for path, info in files if path.is_file()]
    recent = [(age, size) for age, size in ages if age < 7 * 86400]
    span = max((age for age, _ in recent), default=0.0) / 86400
    return int(sum(size for _, size in recent) / span) if span > 1 else 0


def _readers(folder: Path, files: list[tuple[Path, os.stat_result]]) -> Iterator[Finding]:
    if not folder.exists():
        return
    top = folder.stat()
    inside = [(path, info) for path, info in files if path.name != "README.md"]
    open_ = [path for path, info in inside if info.st_mode & 0o007]
    if open_:
        yield Finding(
            "permissions",
            "wrong",
            f"everybody may read {_some(open_)}: chmod -R o= {folder}",
        )
    foreign = [path for path, info in inside if info.st_uid != top.st_uid]
    if foreign:
        owner = _user(top.st_uid)
        yield Finding(
            "owner",
            "wrong",
            f"{_some(foreign)} not {owner}'s, whose folder it is:"
            f" chown -R {owner}:{_group(top.st_gid)} {folder}",
        )
    if not open_ and not foreign and inside:
        yield Finding("permissions", "ok", f"{len(inside)} files and folders, closed to others")


def _some(paths: list[Path]) -> str:
    shown = ", ".join(path.name for path in paths[:_SHOWN])
    more = len(paths) - _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _group(gid: int) -> str:
    import grp

    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)

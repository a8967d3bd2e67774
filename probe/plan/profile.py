"""Profiles: files of a VPN client's own, read for the servers and the keys that stand in them.

A reader makes an ``Aim`` of each server. What is a key in the file goes into the check as it is,
and nowhere else: no option, URL or error holds it. Whoever handed out a profile may be hostile:
files are bounded, and what a client would run or include is never touched.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from probe.core.model import JSON
from probe.core.strictyaml import ConfigError
from probe.plan.target import Aim

TUNNEL: Final = "tunnel"  # the feature that the servers of a profile stand for together
LARGEST: Final = 1024 * 1024  # bytes

# A reader gets the text, the folder that the file is in, and options of the user's own. It raises
# ValueError; what it says begins with the line's number, where there is one.
Reader = Callable[[str, Path, Mapping[str, JSON]], tuple[Aim, ...]]
# Each is loaded when a profile is read: with their protocols they take longer than most checks.
READERS: Final = {".ovpn": "probe.plan.ovpn", ".conf": "probe.plan.wgquick"}


def is_profile(path: Path) -> bool:
    """Whether a file is called like a profile."""
    return path.suffix.lower() in READERS


def read_profile(path: Path, options: Mapping[str, JSON] | None = None) -> tuple[Aim, ...]:
    """One target for each server in it. ConfigError says where it cannot be used, and why.

    ``options`` are the user's, for all of them: they win over what the profile says.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as exc:
        raise ConfigError(f"{path}: {(exc.strerror or str(exc)).lower()}") from None
    if len(data) > LARGEST:
        raise ConfigError(f"{path}: larger than {LARGEST // 1024**2} MiB")
    if b"\0" in data:
        raise ConfigError(f"{path}: is no text file")
    text = data.decode("utf-8-sig", "replace")
    try:
        return _reader(path.suffix.lower())(text, path.parent, options or {})
    except ValueError as exc:
        where = ".".join(getattr(exc, "key", ()))
        raise ConfigError(f"{path}:{f' {where}:' if where else ''} {exc}") from None


def _reader(suffix: str) -> Reader:
    found: Reader = import_module(READERS[suffix]).read
    return found

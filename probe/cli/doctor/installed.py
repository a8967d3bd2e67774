"""The installed service: its unit, its user, and whether that user can do its work."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from probe.cli.doctor.finding import Finding

SYSTEMD: Final = Path("/run/systemd/system")
FOLDERS: Final = (Path("/etc/systemd/system"), Path("/usr/lib/systemd/system"))
WANTED: Final = Path("/etc/systemd/system/multi-user.target.wants")
UNIT: Final = "probe.service"


def findings(config: Path | None, results: Path) -> Iterator[Finding]:
    """Nothing where no unit is installed: not every machine is a server."""
    unit = next((folder / UNIT for folder in FOLDERS if (folder / UNIT).is_file()), None)
    if unit is None:
        return
    yield _service()
    text = unit.read_text(encoding="utf-8", errors="replace")
    user = _setting(text, "User")
    if user is not None:
        yield from _allowed(user, text, config, results)


def _setting(unit: str, name: str) -> str | None:
    found = re.findall(rf"(?m)^{name}=(.*)$", unit)
    return str(found[-1]).strip() if found else None


def _service() -> Finding:
    enabled = (WANTED / UNIT).is_symlink()
    if not SYSTEMD.is_dir():
        return Finding("service", "note", "installed, but systemd does not run here")
    state = _state()
    if state == "failed":
        text = "it has failed: journalctl --namespace=probe --lines=20"
        return Finding("service", "wrong", text)
    if not enabled:
        text = f"installed, {state}, not enabled: systemctl enable --now probe"
        return Finding("service", "note", text)
    if state not in {"active", "reloading", "activating"}:
        return Finding("service", "wrong", f"enabled, but {state}: systemctl start probe")
    return Finding("service", "ok", f"installed, enabled, {state}")


def _state() -> str:
    import subprocess

    try:
        done = subprocess.run(  # noqa: S603  (nothing of it comes from outside)
            ["systemctl", "is-active", UNIT],  # noqa: S607  (its place differs, PATH knows it)
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "in an unknown state"
    return done.stdout.strip() or "in an unknown state"


def _allowed(user: str, unit: str, config: Path | None, results: Path) -> Iterator[Finding]:
    import pwd

    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        text = f"the unit's user {user} does not exist: sh deploy/install.sh"
        yield Finding("user", "wrong", text)
        return
    gids = {entry.pw_gid}
    if results.is_dir() and not _may(results, entry.pw_uid, gids, 0o300):
        text = f"{user} cannot write to {results}: chown -R {user}:{user} {results}"
        yield Finding("user", "wrong", text)
    elif config and not all(
        _may(path, entry.pw_uid, gids, bits)
        for path, bits in ((config, 0o400), (config.absolute().parent, 0o100))
    ):
        text = f"{user} cannot read {config}: chown root:{user} and chmod 0640"
        yield Finding("user", "wrong", text)
    else:
        yield Finding("user", "ok", f"{user} can do its work")
    state = _setting(unit, "StateDirectory")
    home = Path("/var/lib", state) if state else None
    if home and config and not results.absolute().is_relative_to(home):
        text = f"the service can write below {home} only, not to {results}: results: {home}"
        yield Finding("results", "wrong", text)


def _may(path: Path, uid: int, gids: set[int], bits: int) -> bool:
    """Whether this user has rights, given as the owner's bits; by mode alone, as Unix has it."""
    found = path.stat()
    mode = stat.S_IMODE(found.st_mode)
    if found.st_uid == uid:
        return mode & bits == bits
    shift = 3 if found.st_gid in gids else 6
    return (mode << shift) & bits == bits

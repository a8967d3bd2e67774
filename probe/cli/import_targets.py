"""Targets from test lists, host lists, access keys, bridges and profiles, into a target file.

The file is a configuration with nothing but ``targets`` in it. Secrets go into files of mode 0600
beside it, and profiles are named and stay where they are.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from probe.cli.main import Usage

if TYPE_CHECKING:
    from probe.plan.lists import Found, Rejected

DEFAULT: Final = Path("targets.yaml")
LISTED: Final = 20  # rejected rows that are named one by one


def import_targets(
    sources: Sequence[str], out: Path, *, dedicated_key: bool, rejected: Path | None, quiet: bool
) -> int:
    """Import; 0 when something was read or nothing had to be, 2 when all was rejected."""
    held = _held(out)
    found = [_read(source, out, dedicated_key=dedicated_key) for source in sources]
    new, known = 0, {_name(target) for target in held}
    for part in found:
        for target in part.targets:
            if _name(target) not in known:
                known.add(_name(target))
                held.append(target)
                new += 1
    for part in found:
        for name, secret in part.secrets.items():
            _keep(out.parent / name, secret)
    if new:
        _write(out, held)
    count = sum(len(part.targets) for part in found)
    bad = [one for part in found for one in part.rejected]
    _tell(bad, rejected, quiet=quiet)
    if not quiet:
        rows = "1 row" if len(bad) == 1 else f"{len(bad)} rows"
        print(f"{out}: {new} new, {count - new} unchanged; {rows} rejected", file=sys.stderr)
    return 0 if count or not bad else 2


def _name(target: dict[str, Any]) -> str:
    return str(target.get("profile") or target.get("url"))


def _held(path: Path) -> list[dict[str, Any]]:
    """The targets that the file has already. Usage if it is something else as well."""
    from probe.core import strictyaml
    from probe.plan.config import read_config

    if not path.exists():
        return []
    read_config(path)  # what it holds is sound, or nothing is touched
    document = strictyaml.value(path.read_bytes(), str(path), 16 * 1024 * 1024)
    if set(document) != {"targets"}:
        raise Usage(f"{path} is a configuration with more than targets in it: give another -o")
    return list(document["targets"])


def _read(source: str, out: Path, *, dedicated_key: bool) -> "Found":
    from probe.cli.imports import read_source
    from probe.core.strictyaml import ConfigError
    from probe.plan.accesskey import is_access_key
    from probe.plan.lists import Found, Rejected, read_list
    from probe.plan.profile import is_profile, read_profile

    if is_access_key(source):
        return read_list(source)
    path = Path(source)
    if "://" in source or source == "-" or not is_profile(path):
        text = read_source(source).decode("utf-8", "replace")
        try:
            return read_list(text)
        except ValueError as exc:
            return Found(rejected=[Rejected(1, str(exc), "")])
    own = {"dedicated_key": True} if dedicated_key else {}
    try:
        read_profile(path, own)
    except ConfigError as exc:
        return Found(rejected=[Rejected(1, str(exc), "")])
    where = os.path.relpath(path.resolve(), out.resolve().parent)
    return Found(targets=[{"profile": where, **own}])


def _keep(path: Path, secret: str) -> None:
    """Write a secret for its owner alone; one that is there and the same is left alone."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file() and path.read_text("utf-8") == secret:
            return
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(secret)
        draft.replace(path)
    except OSError as exc:
        raise Usage(f"cannot write '{path}': {(exc.strerror or str(exc)).lower()}") from exc


def _write(path: Path, targets: list[dict[str, Any]]) -> None:
    import yaml

    from probe.cli.common import output

    path.parent.mkdir(parents=True, exist_ok=True)
    with output(path) as file:
        file.write(yaml.safe_dump({"targets": targets}, sort_keys=False, allow_unicode=True))


def _tell(bad: "Sequence[Rejected]", listed: Path | None, *, quiet: bool) -> None:
    from probe.cli.common import output
    from probe.show.terminal import safe

    if listed:
        with output(listed) as file:
            file.writelines(f"{one.row}\t{one.reason}\t{one.excerpt}\n" for one in bad)
    if quiet:
        return
    for one in bad[:LISTED]:
        print(safe(f"row {one.row}: {one.reason}"), file=sys.stderr)
    if len(bad) > LISTED:
        more = len(bad) - LISTED
        print(f"and {more} more; --rejected FILE lists all", file=sys.stderr)

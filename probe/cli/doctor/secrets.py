"""Files with secrets: the configuration, tokens, keys. Nobody but the probe has to read them."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from probe.cli.doctor.finding import Finding

# Options that name a file whose content anybody may know.
_PUBLIC: Final = {"ca_file"}
_SECRET: Final = {"client_key", "client_cert", "key", "profile"}
ENVIRONMENT: Final = "secrets.env"


def findings(config: Path) -> Iterator[Finding]:
    """Everything that the configuration names, and what lies beside it for the service."""
    named = dict.fromkeys(config.parent / text for text in _named(_read(config)))
    if (beside := config.parent / ENVIRONMENT).exists():
        named[beside] = None
    wrong = [*_wrong(config, holds=_holds_secret(config))]
    for path in named:
        wrong += _wrong(path, holds=True)
    yield from wrong
    if not wrong:
        count = f"the configuration and {len(named)} more" if named else "the configuration"
        yield Finding("secrets", "ok", f"{count}: closed to others")


def _wrong(path: Path, *, holds: bool) -> Iterator[Finding]:
    """``holds`` says that there is a secret in it, and not only what is measured."""
    try:
        found = path.stat()
    except PermissionError:
        return  # closed to us too
    except OSError as exc:
        reason = (exc.strerror or str(exc)).lower()
        yield Finding("secrets", "wrong", f"{path}: {reason}: make it, or name another")
        return
    if not stat.S_ISREG(found.st_mode):
        return
    if found.st_mode & 0o007:
        state = "wrong" if holds else "note"
        what = "" if holds else " what is measured"
        text = f"everybody here may read{what} {path}: chmod o= {path}"
        yield Finding("secrets", state, text)
    elif holds and found.st_mode & 0o070 and not _private_group(found.st_gid):
        text = f"a group of several may read {path}: chmod g= {path}"
        yield Finding("secrets", "wrong", text)


def _private_group(gid: int) -> bool:
    """A user's own group, with nobody else in it."""
    import grp
    import pwd

    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return False
    own = [user.pw_name for user in pwd.getpwall() if user.pw_gid == gid]
    return len({*own, *group.gr_mem}) <= 1


def _read(config: Path) -> Any:
    import yaml

    # The strict reader has accepted it: nothing here can be new to it.
    return yaml.load(config.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)


def _named(value: Any) -> Iterator[str]:
    """The files that hold secrets, wherever their keys stand."""
    if isinstance(value, dict):
        for key, item in value.items():
            name = str(key)
            secret = name in _SECRET or (name.endswith("_file") and name not in _PUBLIC)
            if secret and isinstance(item, str):
                yield item
            else:
                yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)


def _holds_secret(config: Path) -> bool:
    """Whether a password or a token stands in it, as in a URL."""
    from probe.core.masking import mask

    text = config.read_text(encoding="utf-8")
    return any(mask(word) != word for word in text.split())

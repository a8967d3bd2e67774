"""Targets out of what others write: test lists (CSV), lists of hosts, access keys of Outline.

Each row becomes a target as a configuration has it, or is rejected with the reason. A secret goes
into no target: it is handed back beside it, for a file that the target names. What comes in is
hostile: rows are bounded, and no reason repeats more of a row than its beginning, without secrets.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from probe.core.address import is_ip
from probe.core.masking import mask
from probe.core.model import JSON
from probe.plan.accesskey import is_access_key, read_access_key
from probe.plan.target import parse_target, secrets_of

MOST: Final = 50_000  # rows of one file
_LONGEST: Final = 4096  # characters of a row
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that is no target: its number from 1 on, why, and how it begins."""

    row: int
    reason: str
    excerpt: str


@dataclass(slots=True)
class Found:
    """The targets of one source; ``secrets`` are the texts of files, by their names."""

    targets: list[dict[str, JSON]] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)


def read_list(text: str) -> Found:
    """A test list with its header, or one URL, access key or host in each line."""
    found = Found()
    seen: set[str] = set()
    for number, row in _rows(text):
        if number > MOST:
            found.rejected.append(Rejected(number, f"no more than {MOST} rows are read", ""))
            break
        try:
            if len(row) > _LONGEST:
                raise ValueError(f"longer than {_LONGEST} characters")
            target, secret = _key(row) if is_access_key(row) else (_plain(row), None)
        except ValueError as exc:
            key = ".".join(getattr(exc, "key", ()))
            reason = f"{key}: {exc}" if key else str(exc)
            found.rejected.append(Rejected(number, reason[:200], _shown(row)))
            continue
        if str(target["url"]) not in seen:
            seen.add(str(target["url"]))
            found.targets.append(target)
            if secret is not None:
                found.secrets[str(target["password_file"])] = secret
    return found


def _rows(text: str) -> Iterator[tuple[int, str]]:
    """Each row's number and what in it is to become a target."""
    lines = text.lstrip("\ufeff").splitlines()
    head = next(csv.reader(lines[:1]), []) if lines else []
    if "url" in head and len(head) > 1:
        place = head.index("url")
        try:
            for number, row in enumerate(csv.reader(io.StringIO("\n".join(lines[1:]))), 2):
                if row:
                    yield number, row[place].strip() if len(row) > place else ""
        except csv.Error as exc:
            raise ValueError(f"is no CSV: {exc}") from None
        return
    for number, line in enumerate(lines, 1):
        # In a key the sign begins its name, in a URL its fragment: only after a blank a comment.
        bare = re.split(r"(?:^|\s)#", line, maxsplit=1)[0].strip()
        if bare:
            yield number, bare


def _plain(row: str) -> dict[str, JSON]:
    """A URL as it is; a host as a website; a host with a port as a connection."""
    if not row:
        raise ValueError("names nothing")
    url = row
    if "://" not in row:
        bare_ip = is_ip(row)
        shown = f"[{row}]" if bare_ip and ":" in row else row
        with_port = not bare_ip and re.fullmatch(r"(\[[0-9A-Fa-f:.]+\]|[^:/\s]+):\d+", row)
        url = f"tcp://{shown}" if with_port else f"https://{shown}/"
    if urlsplit(url).password or urlsplit(url).username:
        raise ValueError("holds a user or a password: put it into a file, and name that")
    # A fragment is never sent, and options in it are the reader's to give, not the list's.
    aim = parse_target(url.partition("#")[0])
    if secrets_of(aim.check):
        raise ValueError("names a file or a variable with a secret: that is for you to say")
    return {"url": aim.url}


def _key(row: str) -> tuple[dict[str, JSON], str]:
    """An access key: the server, and the password for a file of its own."""
    parts = urlsplit(read_access_key(row, "the access key"))
    host, port = parts.hostname or "", parts.port
    where = f"[{host}]" if ":" in host else host
    name = re.sub(r"[^a-z0-9.-]", "_", f"{host}-{port}") + ".key"
    target: dict[str, JSON] = {
        "url": f"shadowsocks://{where}:{port}",
        "method": unquote(parts.username or ""),
        "password_file": name,
        "private": True,
        "feature": "tunnel",
    }
    parse_target(str(target["url"]), {"method": target["method"]})
    return target, unquote(parts.password or "")


def _shown(row: str) -> str:
    """How a row begins, without what may be a secret in it."""
    if is_access_key(row):
        return "ss://…"
    return mask(row)[:_SHOWN]

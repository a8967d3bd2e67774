"""Targets out of what others write: test lists (CSV), lists of hosts, keys of Outline, bridges.

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
from urllib.parse import SplitResult, unquote, urlsplit

from probe.core.address import is_ip
from probe.core.masking import mask
from probe.core.model import JSON
from probe.plan.accesskey import is_access_key, read_access_key
from probe.plan.bridge import is_bridge_line, read_bridge_line
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
            target, secret = _read(row)
        except ValueError as exc:
            key = ".".join(getattr(exc, "key", ()))
            reason = f"{key}: {exc}" if key else str(exc)
            found.rejected.append(Rejected(number, reason[:200], _shown(row)))
            continue
        if str(target["url"]) not in seen:
            seen.add(str(target["url"]))
            found.targets.append(target)
            found.secrets.update(secret)
    return found


def _read(row: str) -> tuple[dict[str, JSON], dict[str, str]]:
    """A target, and the text of the file that it names, if it names one."""
    if is_access_key(row):
        return _key(row)
    if is_bridge_line(row):
        return _bridge(row)
    return _plain(row), {}


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
    if len(row.split()) > 1 and "://" not in row:
        raise ValueError("is more than one word, and no bridge line")
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


def _bridge(row: str) -> tuple[dict[str, JSON], dict[str, str]]:
    """A bridge line: where the bridge is, and the line for a file of its own."""
    aim = parse_target(read_bridge_line(row))
    name = _file(urlsplit(aim.url), "bridge")
    target: dict[str, JSON] = {
        "url": aim.url,
        "bridge_file": name,
        "private": True,
        "feature": "tunnel",
    }
    return target, {name: row}


def _key(row: str) -> tuple[dict[str, JSON], dict[str, str]]:
    """An access key: the server, and the password for a file of its own."""
    parts = urlsplit(read_access_key(row, "the access key"))
    host, port = parts.hostname or "", parts.port
    where = f"[{host}]" if ":" in host else host
    name = _file(parts, "key")
    target: dict[str, JSON] = {
        "url": f"shadowsocks://{where}:{port}",
        "method": unquote(parts.username or ""),
        "password_file": name,
        "private": True,
        "feature": "tunnel",
    }
    parse_target(str(target["url"]), {"method": target["method"]})
    return target, {name: unquote(parts.password or "")}


def _file(parts: SplitResult, kind: str) -> str:
    """What the file with a server's secret is called."""
    return re.sub(r"[^a-z0-9.-]", "_", f"{parts.hostname}-{parts.port}") + f".{kind}"


def _shown(row: str) -> str:
    """How a row begins, without what may be a secret in it."""
    if is_access_key(row):
        return "ss://…"
    if is_bridge_line(row):
        return "a bridge line"
    return mask(row.partition(" ")[0])[:_SHOWN]

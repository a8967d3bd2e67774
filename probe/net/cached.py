"""A cache of fetched documents: a server that says "not modified" need not send it again.

RFC 9110 section 13: a copy is asked for by its entity tag or its date. Where the server cannot be
reached, the copy is used, and said to be one.
"""

import contextlib
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from probe.net.web import Answer, WebError, ask

KEPT: Final = 50  # documents; the oldest go first


@dataclass(frozen=True, slots=True)
class Copy:
    """A document; ``stale`` if the server could not be asked, ``stored`` when it last could."""

    body: bytes
    stale: bool
    stored: str


class Cache:
    """Documents in a folder of one's own (mode 0700), two files each."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, which is made when something is first kept."""
        self._folder = folder

    def fetch(self, url: str, *, limit: int) -> Copy:
        """The document at an address, asked for only if it has changed.

        WebError if it cannot be fetched and there is no copy.
        """
        known = self._load(url)
        headers = {
            name: known[key]
            for name, key in (("If-None-Match", "etag"), ("If-Modified-Since", "modified"))
            if known and known.get(key)
        }
        try:
            answer = ask(url, limit=limit, headers=headers)
        except WebError:
            if known is None:
                raise
            return Copy(known["body"], stale=True, stored=known["date"])
        if answer.unchanged and known:
            return Copy(known["body"], stale=False, stored=known["date"])
        self._store(url, answer)
        return Copy(answer.body, stale=False, stored=answer.date)

    def _load(self, url: str) -> dict[str, Any] | None:
        body, about = self._paths(url)
        try:
            known = json.loads(about.read_text("utf-8"))
            data = body.read_bytes()
        except (OSError, ValueError):
            return None
        sound = isinstance(known, dict) and known.get("sha256") == hashlib.sha256(data).hexdigest()
        return {"date": "an unknown date", **known, "body": data} if sound else None

    def _store(self, url: str, answer: Answer) -> None:
        # A cache that cannot be written is no reason not to use what was fetched.
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            body, about = self._paths(url)
            known = {
                "etag": answer.etag,
                "modified": answer.modified,
                "date": answer.date,
                "sha256": hashlib.sha256(answer.body).hexdigest(),
            }
            _replace(body, answer.body)
            _replace(about, json.dumps(known).encode())
            self._shorten()

    def _paths(self, url: str) -> tuple[Path, Path]:
        # The address itself is kept nowhere: it may hold a token.
        name = hashlib.sha256(url.encode()).hexdigest()[:32]
        return self._folder / f"{name}.body", self._folder / f"{name}.json"

    def _shorten(self) -> None:
        held = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
        for about in held[:-KEPT]:
            about.unlink(missing_ok=True)
            about.with_suffix(".body").unlink(missing_ok=True)


def _replace(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(data)
    draft.chmod(0o600)
    draft.replace(path)

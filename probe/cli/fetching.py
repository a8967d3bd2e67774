"""Fetches what is imported, with a cache and a sign of life."""

import os
import sys
from pathlib import Path

from probe.net.cached import Cache, Copy
from probe.net.web import fetch


def fetched(url: str, *, limit: int, quiet: bool, cached: bool) -> bytes:
    """The document at an address; WebError if there is none, and no copy either."""
    from rich.console import Console

    from probe.core.masking import mask
    from probe.show.terminal import safe

    console = Console(stderr=True, quiet=quiet)
    with console.status(f"fetching {safe(mask(url))}"):
        if not cached:
            return fetch(url, limit=limit)
        copy: Copy = Cache(_folder()).fetch(url, limit=limit)
    if copy.stale and not quiet:
        print(f"cannot reach the server; this is a copy of {copy.stored}", file=sys.stderr)
    return copy.body


def _folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "probe")

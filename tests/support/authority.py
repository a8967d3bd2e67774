"""One certificate authority for all tests: making keys takes time, and what counts is the clock's
present, because OpenSSL checks certificates against the real one."""

import atexit
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import certifi
import pytest

from probe.demo.authority import Authority
from probe.net import chains, public

_FOLDER = TemporaryDirectory(prefix="probe-tests-")
atexit.register(_FOLDER.cleanup)


@cache
def authority() -> Authority:
    """The authority; its files go away with the test run."""
    return Authority(Path(_FOLDER.name), datetime.now(UTC))


def ca_file() -> str:
    """What a client has to trust."""
    return str(authority().ca_file)


def pem(name: str, kind: str = "valid") -> Path:
    """A file with the certificate and the key of such a context, for server programs."""
    serving(name, kind)
    return Path(_FOLDER.name) / f"{name}-{kind}.pem"


@contextmanager
def known_to_browsers() -> Iterator[None]:
    """Let certifi's list be this authority's file, as one that is newer than this machine's own
    store may have an authority that the store has not."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(certifi, "where", ca_file)
        for remembered in (chains._store, public.public_roots):
            remembered.cache_clear()
        try:
            yield
        finally:
            for remembered in (chains._store, public.public_roots):
                remembered.cache_clear()


@cache
def serving(name: str, kind: str = "valid") -> ssl.SSLContext:
    """A server's context with a certificate for this name."""
    return authority().context(name, kind)

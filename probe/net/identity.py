"""A certificate of our own and its key, shown to servers that ask for one.

OpenSSL reads both from files. They are given to it from memory all the same: what is in a profile
or in the environment stands in no file, and is not to stand in one afterwards.
"""

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from probe.core.strictyaml import ConfigError

_OPEN: Final = Path("/proc/self/fd")


@dataclass(frozen=True, slots=True)
class Identity:
    """``chain``, our certificate first, and its ``key``, without a password; in PEM form."""

    chain: str
    key: str = field(repr=False)

    def show_in(self, context: ssl.SSLContext) -> None:
        """Let a context show it. ConfigError if there is none, or the key is another one's."""
        with _readable(f"{self.key}\n{self.chain}\n".encode()) as path:
            try:
                # Without a password OpenSSL would ask for one at the terminal, if there is one.
                context.load_cert_chain(path, password="")
            except (ssl.SSLError, OSError):
                raise ConfigError(
                    "needs a certificate in PEM form and its own key, without a password"
                ) from None


@contextmanager
def _readable(data: bytes) -> Iterator[str]:
    """A path under which this can be read meanwhile: of memory, or else of a file for us alone."""
    if hasattr(os, "memfd_create") and _OPEN.is_dir():
        with os.fdopen(os.memfd_create("identity"), "wb") as file:
            file.write(data)
            file.flush()
            yield str(_OPEN / str(file.fileno()))
        return
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        yield file.name

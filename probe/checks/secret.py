"""Secrets of a target: they stand in a file or in the environment, and go nowhere but to the peer.

A check names them by options ``<what>_file`` and ``<what>_env``; the values are read when they are
needed, held no longer than that, and never put into a step, a text or an error.
"""

import os
from pathlib import Path
from typing import Final

LARGEST: Final = 64 * 1024  # bytes; the largest key file in use, tls-crypt-v2, has about 2 KB


class SecretError(ValueError):
    """A secret cannot be had. The text names the file or the variable, never what is in it."""

    def __init__(self, message: str, key: str) -> None:
        """``key`` is the option that is at fault."""
        super().__init__(message)
        self.key = (key,)


def read_secret(what: str, *, file: str | None = None, env: str | None = None) -> bytes | None:
    """The secret that ``<what>_file`` or ``<what>_env`` leads to; None where neither is given.

    A last newline is no part of it. Raises SecretError when it is not there, is empty, or cannot
    be one.
    """
    if file and env:
        raise SecretError(f"give {what}_file or {what}_env, not both", f"{what}_env")
    if file:
        return _named(_from_file(Path(file), f"{what}_file"), f"{what}_file", file)
    if env:
        value = os.environ.get(env)
        if value is None:
            raise SecretError(f"the environment has no {env}", f"{what}_env")
        return _named(value.encode(errors="surrogateescape"), f"{what}_env", env)
    return None


def _from_file(path: Path, key: str) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as exc:
        raise SecretError(f"{path}: {(exc.strerror or str(exc)).lower()}", key) from None
    if len(data) > LARGEST:
        raise SecretError(f"{path}: larger than {LARGEST} bytes, so it is no key", key)
    return data


def _named(data: bytes, key: str, where: str) -> bytes:
    secret = data.removesuffix(b"\n").removesuffix(b"\r")
    if not secret:
        raise SecretError(f"{where} is empty", key)
    return secret

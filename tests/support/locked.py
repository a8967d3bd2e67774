"""A check that has a secret, for what is true of all such checks."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from pydantic import SecretStr

from probe.checks import load
from probe.checks.kit import Kit
from probe.checks.secret import read_secret
from probe.checks.sending import Sending


@dataclass(frozen=True, slots=True, kw_only=True)
class LockedCheck:
    """``locked://user:password@host:port``, or the password in a file or the environment."""

    name: ClassVar[str] = "locked"
    default_port: ClassVar[int | None] = 7
    credentials: ClassVar[tuple[str, ...]] = ("username", "password")

    host: str
    port: int
    username: str | None = None
    password: SecretStr | None = None
    password_file: str | None = None
    password_env: str | None = None
    ca_file: str | None = None

    def require(self) -> None:
        read_secret("password", file=self.password_file, env=self.password_env)

    async def run(self, kit: Kit) -> None:
        raise NotImplementedError

    def sends(self) -> Iterable[Sending]:
        return ()


CHECKS = {**load(), "locked": LockedCheck}

"""Where controls are, and by what they know us: a secret is read when it is used, not kept here."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from probe.core.address import is_local
from probe.core.masking import mask
from probe.core.model import VANTAGE
from probe.core.strictyaml import ConfigError

TOKEN_ENV: Final = "PROBE_CONTROL_TOKEN"  # noqa: S105  (the name of the variable, not its value)
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,512}")  # what a header's value may hold, RFC 9110 5.5


class ControlSection(BaseModel):
    """A control elsewhere that is asked what it sees, as the configuration writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    id: str | None = None
    token_env: str | None = None
    token_file: str | None = None
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None

    @field_validator("url")
    @classmethod
    def _reachable(cls, text: str) -> str:
        shown = mask(text)
        try:
            parts = urlsplit(text)
            host, _ = parts.hostname, parts.port
        except ValueError:
            raise ValueError(f"'{shown}' is no URL: look at its host and its port") from None
        if parts.scheme not in {"http", "https"} or not host:
            raise ValueError(f"'{shown}' is no control: write https://host or https://host:8443")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError(f"'{shown}': a control's URL holds no user name, query or fragment")
        if parts.scheme == "http" and not is_local(host):
            raise ValueError(f"'{shown}': write https://, or the token could be read on the way")
        return text.rstrip("/")

    @field_validator("id")
    @classmethod
    def _plain(cls, value: str | None) -> str | None:
        if value is not None and (not _ID.fullmatch(value) or value == VANTAGE):
            raise ValueError(f"'{value}' is no control id: use letters, digits and . _ : -")
        return value

    @model_validator(mode="after")
    def _known_by_something(self) -> "ControlSection":
        if self.token_env and self.token_file:
            raise ValueError("give token_env or token_file, not both")
        if self.client_key and not self.client_cert:
            raise ValueError("client_key is of no use without client_cert")
        if not (self.token_env or self.token_file or self.client_cert):
            raise ValueError("say by what it knows you: token_env, token_file or client_cert")
        return self

    @property
    def name(self) -> str:
        """The id that its measurements are recorded under; by default its host."""
        return self.id or urlsplit(self.url).hostname or ""

    def place(self, base: Path) -> "ControlPlace":
        """With paths that start from the folder ``base``."""

        def path(text: str | None) -> str | None:
            return str(base / text) if text else None

        return ControlPlace(
            id=self.name,
            url=self.url,
            token_env=self.token_env,
            token_file=path(self.token_file),
            ca_file=path(self.ca_file),
            client_cert=path(self.client_cert),
            client_key=path(self.client_key),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlace:
    """One control: its id in results, its address, and where the secrets for it lie."""

    id: str
    url: str
    token_env: str | None = None
    token_file: str | None = None
    ca_file: str | None = None
    client_cert: str | None = None
    client_key: str | None = None

    @property
    def host(self) -> str:
        """The name or address that it is reached at."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port that it is reached at."""
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    def token(self) -> str | None:
        """The token, or None where a client certificate stands for it.

        Raises ConfigError, which names the variable or the file and never what is in it.
        """
        if self.token_env:
            source, text = (
                f"the environment variable {self.token_env}",
                os.environ.get(self.token_env, ""),
            )
            if not text:
                raise ConfigError(f"control {self.id}: {source} is not set; it holds the token")
        elif self.token_file:
            source = self.token_file
            try:
                text = Path(self.token_file).read_text(encoding="ascii")
            except OSError as exc:
                raise ConfigError(f"control {self.id}: {source}: {exc.strerror}") from None
            except UnicodeDecodeError:
                text = ""
        else:
            return None
        if not _TOKEN.fullmatch(text.strip()):
            raise ConfigError(f"control {self.id}: {source} holds no token: one word in ASCII")
        return text.strip()

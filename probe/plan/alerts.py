"""Who is told when a feature's outcome changes, and when: the addresses of notifications are
secrets, so the configuration only names the variable or the file that holds them."""

import os
import re
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from probe.core.strictyaml import ConfigError
from probe.core.units import Duration
from probe.plan.section import Strict

MOST_URLS: Final = 16
_LARGEST: Final = 64 * 1024  # bytes of the file; a larger one is a mistake
_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S", re.IGNORECASE)


def _time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError(f"'{text[:20]}' is no time of day: write it as in 08:00")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        raise ValueError(f"'{text[:80]}' is no time zone: write one as Asia/Shanghai") from None
    return text


class FlappingSection(Strict):
    """So many changes in this time are told as one thing, and then only in the digest."""

    changes: int = Field(default=4, ge=2, le=100, strict=True)
    within: Duration = 6 * 3600.0


class AlertsSection(Strict):
    """Off unless ``urls_file`` or ``urls_env`` is given.

    ``after`` is how many cycles a change must last; ``offline`` how long the vantage itself must
    have been cut off to be worth a word when it is back. Empty ``services`` and ``features``: all.
    """

    urls_file: str | None = None
    urls_env: str | None = None
    after: int = Field(default=3, ge=1, le=100, strict=True)
    services: list[str] = Field(default_factory=list)
    features: list[str] = Field(default_factory=list)
    digest: Annotated[str, AfterValidator(_time)] | None = None
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    flapping: FlappingSection = FlappingSection()
    offline: Duration = 1800.0

    @model_validator(mode="after")
    def _one_source(self) -> "AlertsSection":
        if self.urls_env and self.urls_file:
            raise ValueError("give urls_file or urls_env, not both")
        fields = type(self).model_fields
        if not self.urls_env and not self.urls_file:
            for name, value in self:
                if value != fields[name].get_default(call_default_factory=True):
                    raise ValueError("say where to: urls_file or urls_env")
        return self

    def place(self, base: Path) -> "AlertsPlace | None":
        """With the file's path from the folder ``base``; None where nobody is to be told."""
        if not self.urls_env and not self.urls_file:
            return None
        return AlertsPlace(
            urls_file=str(base / self.urls_file) if self.urls_file else None,
            urls_env=self.urls_env,
            after=self.after,
            services=frozenset(self.services),
            features=frozenset(self.features),
            digest=time.fromisoformat(self.digest) if self.digest else None,
            timezone=self.timezone,
            flapping_changes=self.flapping.changes,
            flapping_within=self.flapping.within,
            offline=self.offline,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsPlace:
    """What is told to whom; durations in seconds, ``digest`` a time of day in ``timezone``."""

    urls_file: str | None = None
    urls_env: str | None = None
    after: int = 3
    services: frozenset[str] = frozenset()
    features: frozenset[str] = frozenset()
    digest: time | None = None
    timezone: str = "UTC"
    flapping_changes: int = 4
    flapping_within: float = 6 * 3600.0
    offline: float = 1800.0

    def wants(self, service: str, feature: str) -> bool:
        """Whether somebody wants to hear of this feature."""
        return (not self.services or service in self.services) and (
            not self.features or feature in self.features
        )

    def urls(self) -> tuple[str, ...]:
        """The addresses: one in each line of the file, without empty lines and those that begin
        with #; in the variable, with blanks between them.

        Raises ConfigError, which names the variable or the file and never what is in it.
        """
        if self.urls_env:
            source = f"the environment variable {self.urls_env}"
            text = os.environ.get(self.urls_env, "")
            if not text:
                raise ConfigError(f"alerts: {source} is not set; it holds the addresses")
        else:
            source = self.urls_file or ""
            text = _read(Path(source))
        lines = text.split() if self.urls_env else [line.strip() for line in text.splitlines()]
        urls = tuple(dict.fromkeys(line for line in lines if line and not line.startswith("#")))
        for number, url in enumerate(urls, 1):
            if not _SCHEME.match(url):
                raise ConfigError(f"alerts: {source}: address {number} is none: it has no ://")
        if not urls or len(urls) > MOST_URLS:
            found = f"{len(urls)} addresses" if urls else "no address"
            raise ConfigError(f"alerts: {source} holds {found}; write 1 to {MOST_URLS}, one a line")
        return urls


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as exc:
        raise ConfigError(f"alerts: {path}: {exc.strerror}") from None
    if len(data) > _LARGEST:
        raise ConfigError(f"alerts: {path}: larger than {_LARGEST // 1024} KiB")
    return data.decode("utf-8", "replace")

"""Reads what is known of censors from the shipped files, ``configs/fingerprints/``.

``docs/fingerprints.md`` describes the files. They are read once a process.
"""

import ipaddress
import re
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from probe.core.shipped import shipped
from probe.core.strictyaml import read
from probe.judge.knowledge import ForgedAddress, Kind, Knowledge, PageFingerprint, Scope, Where


def _web_address(text: str) -> str:
    if not (re.fullmatch(r"https?://\S+", text) and urlsplit(text).hostname):
        raise ValueError("write a whole address that begins with https:// or http://")
    return text


_Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
_Source = Annotated[str, AfterValidator(_web_address)]
_Text = Annotated[str, Field(min_length=1)]
_Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Page(_Strict):
    id: _Id
    scope: Scope
    countries: tuple[_Country, ...] = ()
    where: Where
    header: str | None = None
    kind: Kind
    pattern: str
    source: _Source
    known_false_positives: tuple[_Text, ...] = ()
    added: date

    @model_validator(mode="after")
    def _usable(self) -> Self:
        self.fingerprint()
        return self

    def fingerprint(self) -> PageFingerprint:
        return PageFingerprint(**self.model_dump())


class _Forged(_Strict):
    address: ipaddress.IPv4Address | ipaddress.IPv6Address | None = None
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None = None
    countries: tuple[_Country, ...] = ()
    blockpage: bool = False
    source: _Source
    added: date

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.address is None) == (self.network is None):
            raise ValueError("write either 'address' or 'network'")
        return self

    def forged(self) -> ForgedAddress:
        return ForgedAddress(
            network=self.network or ipaddress.ip_network(str(self.address)),
            source=self.source,
            added=self.added,
            countries=self.countries,
            blockpage=self.blockpage,
        )


class _Pages(_Strict):
    fingerprints: tuple[_Page, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        _refuse_twice(row.id for row in self.fingerprints)
        return self


class _Addresses(_Strict):
    forged: tuple[_Forged, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        _refuse_twice(str(row.address or row.network) for row in self.forged)
        return self


def _refuse_twice(names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"'{name}' stands here twice")
        seen.add(name)


def read_pages(path: Path) -> tuple[PageFingerprint, ...]:
    """The page fingerprints in a file. ConfigError says what is wrong with it, and where."""
    rows = read(_Pages, path.read_bytes(), path.name).fingerprints
    return tuple(row.fingerprint() for row in rows)


def read_addresses(path: Path) -> tuple[ForgedAddress, ...]:
    """The forged addresses in a file. ConfigError likewise."""
    rows = read(_Addresses, path.read_bytes(), path.name).forged
    return tuple(row.forged() for row in rows)


@cache
def shipped_knowledge() -> Knowledge:
    """What comes with the program."""
    return Knowledge(
        pages=read_pages(shipped("fingerprints", "pages.yaml")),
        forged_addresses=read_addresses(shipped("fingerprints", "dns.yaml")),
    )

"""Known services: which hosts make up which feature, and how many of them must answer.

One YAML file per service. A group's ``urls`` may hold ranges and lists, ``e{1..16}`` and
``{443,5222}``; every group says what the hosts are and where that is known from.
"""

import datetime
import difflib
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from probe.core.shipped import shipped
from probe.core.strictyaml import ConfigError, read
from probe.judge.policy import Policy
from probe.plan.target import parse_target

_BRACES = re.compile(r"\{(?:(\d+)\.\.(\d+)|([^{}]+))\}")
MAX_URLS = 256


class Group(BaseModel):
    """Hosts of one kind. Keys besides the named ones are options of the check."""

    model_config = ConfigDict(extra="allow", frozen=True)

    urls: list[str] = Field(min_length=1)
    about: str = Field(min_length=1)
    source: str = Field(min_length=1)
    date: datetime.date

    @model_validator(mode="after")
    def _understood(self) -> "Group":
        for url in self.expanded():
            parse_target(url, self.options)
        return self

    @property
    def options(self) -> dict[str, Any]:
        """What the group says about how its hosts are measured."""
        return dict(self.model_extra or {})

    def expanded(self) -> list[str]:
        """The URLs, each range and list written out."""
        return [url for pattern in self.urls for url in expand(pattern)]


class Feature(BaseModel):
    """What a user would call one function of the service."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    policy: Policy
    targets: list[Group] = Field(min_length=1)

    @field_validator("policy", mode="before")
    @classmethod
    def _policy(cls, value: object) -> object:
        return Policy.parse(value) if isinstance(value, str) else value


class Closed(BaseModel):
    """That a provider is no more. It has no hosts: its names may be somebody else's by now."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    date: datetime.date
    about: str = Field(min_length=1)
    source: str = Field(min_length=1)


class Service(BaseModel):
    """One messaging service or VPN provider: its features, or that it has closed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    features: dict[str, Feature] = {}
    closed: Closed | None = None

    @model_validator(mode="after")
    def _features_or_closed(self) -> "Service":
        if bool(self.features) == bool(self.closed):
            raise ValueError("a service has features, or it is closed")
        return self

    @model_validator(mode="after")
    def _each_once(self) -> "Service":
        seen: set[str] = set()
        for feature in self.features.values():
            for group in feature.targets:
                for text in group.expanded():
                    url = parse_target(text, group.options).url
                    if url in seen:
                        raise ValueError(f"{url} stands here twice")
                    seen.add(url)
        return self


def expand(pattern: str) -> list[str]:
    """Write out ``{1..16}`` and ``{a,b}``, leftmost first.

    ValueError beyond MAX_URLS, and for a range that runs backwards.
    """
    urls = list(islice(_expand(pattern), MAX_URLS + 1))
    if len(urls) > MAX_URLS:
        raise ValueError(f"'{pattern}' stands for more than {MAX_URLS} targets")
    return urls


def _expand(pattern: str) -> Iterator[str]:
    match = _BRACES.search(pattern)
    if not match:
        yield pattern
        return
    first, last, listed = match.groups()
    if listed is None and int(first) > int(last):
        raise ValueError(f"'{pattern}': {match[0]} runs backwards")
    choices = listed.split(",") if listed else map(str, range(int(first), int(last) + 1))
    for choice in choices:
        yield from _expand(pattern[: match.start()] + choice + pattern[match.end() :])


def no_more(known: Service) -> str | None:
    """Why a service cannot be measured; None for one that can."""
    if known.closed is None:
        return None
    return (
        f"{known.title} closed on {known.closed.date.isoformat()}: there is nothing to measure, "
        "for what answers to its names today may be somebody else's"
    )


def which_there_are(name: str) -> str:
    """For whoever asked for a service that there is not: the one like it, or all of them."""
    like = difflib.get_close_matches(name, names(), 1)
    return f"did you mean '{like[0]}'?" if like else f"there are {', '.join(names())}"


def names() -> list[str]:
    """The ids of all shipped services, those that have closed among them."""
    return sorted(path.stem for path in shipped("services").glob("*.yaml"))


def titles(ids: Iterable[str]) -> dict[str, str]:
    """What people call each of these services, if it is one that ships."""
    return {name: service(name).title for name in set(ids) & set(names())}


def service(name: str) -> Service:
    """A shipped service by its id. KeyError if there is none."""
    if name not in names():
        raise KeyError(name)
    return read_service(shipped("services", f"{name}.yaml"))


def read_service(path: Path) -> Service:
    """Read one service file; its name must be the service's id."""
    found = read(Service, path.read_bytes(), path.name)
    if found.id != path.stem:
        raise ConfigError(f"{path.name}:1: id: must be '{path.stem}', as the file is called")
    return found

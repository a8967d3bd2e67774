"""Reported disruptions as files hold them: claims about reachability, each with its sources.

A report is not truth. Sources disagree on dates, so onset and end are intervals; a report may be
denied, or wrong. Announcements, denials and statements are claims too: ``expects`` says whether
they are borne out by failing or by working. ``docs/reports.md`` explains each field.
"""

import difflib
import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from probe.compare import civil
from probe.core import strictyaml
from probe.core.model import UNKNOWN_COUNTRY, Network
from probe.core.strictyaml import ConfigError

Kind = Literal[
    "blocked", "degraded", "outage", "provider_closed", "announcement", "denial", "statement"
]
Expects = Literal["fails", "ok"]
Status = Literal["reported", "confirmed", "denied", "disputed", "resolved"]
# Bytes of a report file: those of an imported dataset with all its rows are long.
LARGEST: Final = 32 * 1024 * 1024
CivilDay = date  # a model's key is itself called date

# A disruption told in whole days may begin and end within one, so onset and end may overlap.
_NOT_BEFORE: Final = {
    "onset_latest": ("onset_earliest",),
    "end_earliest": ("onset_earliest",),
    "end_latest": ("end_earliest", "onset_latest"),
}


def _id(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._:-]{0,99}", text):
        raise ValueError(
            "write up to 100 small letters, digits and . : _ -, the first a letter or digit"
        )
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"\S+", text):
        raise ValueError("a service or feature is one word, as the catalogue writes it")
    return text


_Id = Annotated[str, AfterValidator(_id)]
_Name = Annotated[str, AfterValidator(_name)]
_Text = Annotated[str, Field(min_length=1)]
_Asn = Annotated[int, Field(strict=True, ge=1, le=4294967295)]  # RFC 6793: four octets


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Source(_Strict):
    """Who said it, when, where, and what it says, in our own words."""

    publisher: _Text
    date: CivilDay
    url: str | None = None
    says: _Text

    @field_validator("date", mode="plain")
    @classmethod
    def _published(cls, value: object) -> CivilDay:
        return civil.day(value)

    @field_validator("url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is None or (re.fullmatch(r"https?://\S+", value) and urlsplit(value).hostname):
            return value
        raise ValueError("write a whole address that begins with https:// or http://")


class Report(_Strict):
    """One reported disruption, announcement, denial or statement. All times are UTC.

    An empty ``asns``, ``networks``, ``services`` or ``features`` means any. Intervals are
    half-open: ``onset_latest`` and ``end_latest`` are the first moments that no longer belong.
    """

    id: _Id
    title: _Text
    country: str
    asns: tuple[_Asn, ...] = ()
    networks: tuple[Network, ...] = ()
    services: tuple[_Name, ...] = ()
    features: tuple[_Name, ...] = ()
    kind: Kind
    expects: Expects
    # pydantic validates in this order: a time needs the zone, and each time those above it.
    timezone: str
    onset_earliest: datetime
    onset_latest: datetime
    end_earliest: datetime | None = None
    end_latest: datetime | None = Field(default=None, validate_default=True)
    ongoing: Annotated[bool, Field(strict=True)] = False
    status: Status
    sources: tuple[Source, ...]
    region: _Text | None = None  # part of the country; no vantage is known to lie in it
    row: _Text | None = None  # what it was imported from

    def window(self, until: datetime) -> tuple[datetime, datetime]:
        """From the earliest onset to the latest end, or to ``until`` where no end is known.

        Half-open. Both are the same instant where an open window has not begun by ``until``.
        """
        return self.onset_earliest, self.end_latest or max(until, self.onset_earliest)

    @field_validator("country")
    @classmethod
    def _alpha_2(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Z]{2}", value):
            raise ValueError("write the two capital letters of ISO 3166-1, as in CN")
        if value == UNKNOWN_COUNTRY:
            raise ValueError(f"{UNKNOWN_COUNTRY} means an unknown place; a report names its own")
        return value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in civil.zones():
            guess = difflib.get_close_matches(value, sorted(civil.zones()), 1)
            hint = f"did you mean '{guess[0]}'?" if guess else "write it as in Asia/Shanghai"
            raise ValueError(f"'{value}' is no IANA time zone; {hint}")
        return value

    @field_validator("onset_earliest", "onset_latest", "end_earliest", "end_latest", mode="plain")
    @classmethod
    def _instant(cls, value: object, info: ValidationInfo) -> datetime | None:
        key, above = str(info.field_name), info.data
        if key == "end_latest" and "end_earliest" in above:
            _both_or_neither(above["end_earliest"], value)
        if key.startswith("end_") and value is None:
            return None
        zone = ZoneInfo(above.get("timezone", "UTC"))
        at = civil.moment(value, zone, last=key.endswith("_latest"))
        _in_order(key, at, above, bare=civil.is_day(value))
        return at

    @field_validator("ongoing")
    @classmethod
    def _has_no_end(cls, value: bool, info: ValidationInfo) -> bool:
        if value and (info.data.get("end_earliest") or info.data.get("end_latest")):
            raise ValueError("excludes an end: leave out end_earliest and end_latest")
        return value

    @field_validator("sources")
    @classmethod
    def _at_least_one(cls, value: tuple[Source, ...]) -> tuple[Source, ...]:
        if not value:
            raise ValueError("a report needs at least one source")
        return value


class _TakenError(ValueError):
    key = ("id",)  # where strictyaml shall point


def parse(text: str | bytes, name: str) -> tuple[Report, ...]:
    """Read one report file. ``name`` is its name in messages.

    Raises ConfigError with one line per mistake: file, line, key, and what to change.
    """
    return _parse(text, name, {})


def parse_all(files: Iterable[tuple[str, str | bytes]]) -> tuple[Report, ...]:
    """Read several report files, each given as its name and text; an id stands in one only.

    Raises ConfigError with the mistakes of all files.
    """
    reports: list[Report] = []
    mistakes: list[str] = []
    taken: dict[str, str] = {}
    for name, text in files:
        try:
            reports += _parse(text, name, taken)
        except ConfigError as exc:
            mistakes += exc.lines
    if mistakes:
        raise ConfigError(*mistakes)
    return tuple(reports)


def _parse(text: str | bytes, name: str, taken: dict[str, str]) -> tuple[Report, ...]:
    """Read one file; ``taken`` maps each id to the file it stands in, and grows."""

    def claim(report: Report) -> Report:
        if report.id in taken:
            where = "in this file" if taken[report.id] == name else f"in {taken[report.id]}"
            raise _TakenError(f"'{report.id}' stands already {where}")
        taken[report.id] = name
        return report

    # A model of its own per file: only so does a duplicate get the line of its report.
    class Reports(_Strict):
        reports: tuple[Annotated[Report, AfterValidator(claim)], ...]

    return strictyaml.read(Reports, text, name, LARGEST).reports


def _both_or_neither(earliest: object, latest: object) -> None:
    if earliest is None and latest is not None:
        raise ValueError("needs end_earliest beside it")
    if earliest is not None and latest is None:
        raise ValueError("is missing beside end_earliest")


def _in_order(key: str, at: datetime, above: dict[str, datetime | None], *, bare: bool) -> None:
    own = key.replace("_latest", "_earliest")
    for earlier in _NOT_BEFORE.get(key, ()):
        limit = above.get(earlier)
        # A day ends where the next one begins, so the day before an earliest day just meets it.
        if limit and (at < limit or (at == limit and bare and earlier == own)):
            raise ValueError(f"lies before {earlier}")
    if key == "end_latest" and at == above.get("onset_earliest"):
        raise ValueError("is the same instant as onset_earliest: the window is empty")

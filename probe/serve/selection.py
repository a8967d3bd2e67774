"""What a request asks for, read from its address: anything else than these few forms is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

from probe.core.model import VANTAGE, Measurement, Outcome, Verdict
from probe.serve.track import NAME, Key

_TIME: Final = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::?(\d{2}))?)?")
_YEARS: Final = range(1971, 9000)


class Wrong(ValueError):  # noqa: N818  (what the address has to change)
    """The address asks for something that cannot be; the text says what."""


def moment_of(text: str) -> datetime:
    """A moment as addresses have it: 2017-07-18, 2017-07-18T04 or 2017-07-18T04:30, in UTC."""
    found = _TIME.fullmatch(text.strip().removesuffix("Z"))
    try:
        if not found:
            raise ValueError
        at = datetime.fromisoformat(found[1]).replace(
            hour=int(found[2] or 0), minute=int(found[3] or 0), tzinfo=UTC
        )
    except ValueError:
        raise Wrong(f"'{text[:40]}' is no time: write 2017-07-18 or 2017-07-18T04") from None
    if at.year not in _YEARS:
        raise Wrong(f"{at.year} is no year that could have been measured")
    return at


def hour_of(text: str) -> datetime:
    """A whole hour, 2017-07-18T04."""
    at = moment_of(text)
    return at - timedelta(minutes=at.minute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which records are meant; None and empty leave nothing out."""

    since: datetime | None = None
    until: datetime | None = None
    vantage: str | None = None
    service: str | None = None
    feature: str | None = None
    target: str | None = None
    outcome: str | None = None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> "Selection":
        """Read a query. Raises Wrong."""
        names = {
            name: query[name]
            for name in ("vantage", "service", "feature", "target", "outcome")
            if query.get(name)
        }
        if any(len(value) > NAME for value in names.values()):
            raise Wrong("that name is too long")
        if names.get("outcome", "ok") not in get_args(Outcome):
            raise Wrong(f"there is no outcome '{names['outcome'][:40]}'")
        times = {name: moment_of(query[name]) for name in ("since", "until") if query.get(name)}
        if len(times) == 2 and times["since"] >= times["until"]:
            raise Wrong("'from' must be earlier than 'until'")
        return cls(**names, **times)  # type: ignore[arg-type]  # mypy takes them for one kind

    def asked(self) -> dict[str, str | None]:
        """The names as a query."""
        return {
            "vantage": self.vantage,
            "service": self.service,
            "feature": self.feature,
            "target": self.target,
        }

    def holds_key(self, key: Key) -> bool:
        """Whether a row is meant."""
        return (
            self.vantage in {None, key.vantage}
            and self.service in {None, key.service}
            and self.feature in {None, key.feature}
            and self.target in {None, key.target}
        )

    def holds_verdict(self, verdict: Verdict) -> bool:
        """Whether a verdict is meant; where a target is named, the feature's is not."""
        key = Key(verdict.vantage.id, verdict.service, verdict.feature, verdict.target).cut()
        return self.holds_key(key) and self.outcome in {None, verdict.outcome}

    def holds_measurement(self, measurement: Measurement, outcome: Outcome | None) -> bool:
        """Whether a measurement is meant: one that was made here of a target."""
        target = measurement.target
        key = Key(measurement.vantage.id, target.service, target.feature, target.id)
        return (
            measurement.origin == VANTAGE
            and measurement.role == "target"
            and self.holds_key(key.cut())
            and self.outcome in {None, outcome}
        )

"""OONI's records, one by one, as measurements of ours.

Nothing in a record stops the reading of the next: what cannot be read is ``Malformed``.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from probe.core.model import Measurement
from probe.record.codec import BadLineError
from probe.record.ooni.archival import DECODER, Envelope
from probe.record.ooni.nettests import messenger, urlgetter, web_connectivity
from probe.record.ooni.places import MESSENGERS, Catalogue
from probe.record.ooni.record import Record, Unfit
from probe.record.ooni.steps import LONGEST, Describe

LINE_LIMIT: Final = 16 * 1024**2  # bytes
_ENTRIES: Final = 2000  # of one layer
_REASON: Final = 200  # characters
_NO_CATALOGUE: Final[Catalogue] = {}
_YEARS: Final = (2012, 2100)  # OONI began in 2012


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one record holds: the measurements of its targets, of the helper, and of both's health.

    ``ended`` is when the test was over; ``objects`` are certificates and pages by their SHA-256.
    """

    line: int
    test: str
    ended: datetime
    measurements: tuple[Measurement, ...]
    objects: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """A record that is not imported, and why."""

    line: int
    reason: str


def read_ooni(
    lines: Iterable[bytes],
    *,
    catalogue: Catalogue = _NO_CATALOGUE,
    describe: Describe | None = None,
) -> Iterator[Found | Malformed]:
    """Read JSON Lines, numbered from 1; empty lines are passed over.

    ``catalogue`` says whose a host is. ``describe`` gives the facts of a certificate. The same
    line gives the same measurements each time, down to their ids.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        if len(line) > LINE_LIMIT:
            size = LINE_LIMIT // 1024**2
            yield Malformed(line=number, reason=f"the record is longer than {size} MiB")
            continue
        try:
            yield _read(number, line, catalogue, describe)
        except (ValueError, OverflowError, RecursionError) as exc:
            # BadLineError, Unfit and msgspec's errors are ValueErrors, and so is a URL that is none
            reason = str(exc) or type(exc).__name__
            yield Malformed(line=number, reason=reason[:_REASON])


def _read(number: int, line: bytes, catalogue: Catalogue, describe: Describe | None) -> Found:
    envelope = DECODER.decode(line)
    _bounded(envelope)
    started = _instant(envelope.measurement_start_time)
    record = Record.of(envelope, started, hashlib.sha256(line.strip()).hexdigest(), describe)
    if envelope.test_name in MESSENGERS:
        messenger(record)
    elif envelope.test_name == "web_connectivity":
        web_connectivity(record, catalogue)
    elif envelope.test_name == "urlgetter":
        urlgetter(record, catalogue)
    else:
        raise Unfit(f"records of the test '{envelope.test_name[:60]}' are not imported")
    if not any(m.role == "target" for m in record.measurements):
        raise Unfit("nothing in it tells of a target")
    runtime = envelope.test_runtime or 0.0
    lasted = timedelta(seconds=runtime if 0 <= runtime <= LONGEST else 0.0)
    return Found(
        line=number,
        test=envelope.test_name,
        ended=started + lasted,
        measurements=tuple(record.measurements),
        objects=record.kept(),
    )


def _bounded(envelope: Envelope) -> None:
    keys = envelope.test_keys
    for layer in (keys.queries, keys.tcp_connect, keys.tls_handshakes, keys.requests):
        if len(layer or ()) > _ENTRIES:
            raise Unfit(f"a layer has more than {_ENTRIES} entries")
    if keys.tunnel or keys.socksproxy:
        raise Unfit("it was made through a tunnel, and says nothing about the line")


def _instant(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadLineError(f"'{text[:40]}' is no time") from None
    utc = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    if not _YEARS[0] <= utc.year < _YEARS[1]:
        raise BadLineError(f"'{text[:40]}' is no time at which OONI measured")
    return utc

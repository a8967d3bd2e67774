"""One record while its measurements are made: what all of them have in common."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from probe.core.address import is_ip
from probe.core.model import (
    UNKNOWN_COUNTRY,
    VANTAGE,
    Measurement,
    Role,
    Software,
    Target,
    Vantage,
)
from probe.core.scrub import Scrubber
from probe.record.codec import encode
from probe.record.foreign import decode_foreign
from probe.record.ooni.archival import Envelope
from probe.record.ooni.defects import defect
from probe.record.ooni.identity import identity
from probe.record.ooni.steps import Describe, Steps

_ASN: Final = re.compile(r"AS(\d{1,10})")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_TEXT: Final = 200  # characters of names
_LAST_ASN: Final = 2**32 - 1  # RFC 6793


class Unfit(ValueError):  # noqa: N818  (what the record is, not our error)
    """A record that is sound and yet cannot be imported; the text says why."""


@dataclass
class Record:
    """Makes measurements of one record; ``key`` tells it from all others."""

    envelope: Envelope
    started: datetime
    key: str
    vantage: Vantage
    describe: Describe | None
    measurements: list[Measurement] = field(default_factory=list)
    _objects: dict[str, bytes] = field(default_factory=dict)

    @classmethod
    def of(
        cls, envelope: Envelope, started: datetime, digest: str, describe: Describe | None
    ) -> Self:
        """Take what the envelope says. ``digest`` stands for the record where it has no name."""
        name = envelope.report_id or envelope.measurement_uid or digest
        parts = (name, envelope.test_name, envelope.input or "", envelope.measurement_start_time)
        return cls(envelope, started, "\0".join(parts), vantage_of(envelope), describe)

    def steps(self) -> Steps:
        """An empty list of steps. The prober's own address is taken out of every text."""
        scrubber = Scrubber()
        own = self.envelope.probe_ip or ""
        if is_ip(own):
            scrubber.hide(own)
        return Steps(scrubber, self.describe)

    def add(
        self,
        target: Target,
        check: str,
        steps: Steps,
        *,
        origin: str = VANTAGE,
        role: Role = "target",
    ) -> None:
        """Append a measurement. BadLineError if it is not sound."""
        at, envelope = self.started, self.envelope
        # Anchors are a round of their own.
        cycle = identity(at, self.key, "cycle", role if role == "anchor" else target.id)
        here = origin == VANTAGE
        measurement = Measurement(
            id=identity(at, self.key, origin, role, target.id),
            run=(envelope.report_id or "")[:_TEXT] or identity(at, self.key, "run"),
            cycle=cycle,
            started=at,
            vantage=self.vantage if here else Vantage(id=origin),
            target=target,
            check=check,
            origin=origin,
            role=role,
            steps=steps.done(),
            invalid=self._defect() if here and role == "target" else None,
            software=Software(
                name=(envelope.software_name or "ooniprobe")[:_TEXT],
                version=(envelope.software_version or "")[:_TEXT],
            ),
        )
        self.measurements.append(decode_foreign(encode(measurement)))
        self._objects.update(steps.objects)

    def kept(self) -> Mapping[str, bytes]:
        """Certificates and pages of all measurements."""
        return self._objects

    def _defect(self) -> str | None:
        envelope = self.envelope
        engine = (envelope.annotations or {}).get("engine_version")
        version = engine if isinstance(engine, str) else envelope.software_version or ""
        return defect(envelope.test_name, envelope.test_version or "", version, self.started)


def vantage_of(envelope: Envelope) -> Vantage:
    """A country and a network stand for a vantage: OONI tells no more of its probes."""
    country = envelope.probe_cc or UNKNOWN_COUNTRY
    if not _COUNTRY.fullmatch(country):
        raise Unfit(f"'{country[:20]}' is no country")
    match = _ASN.fullmatch(envelope.probe_asn or "AS0")
    if match is None or int(match[1]) > _LAST_ASN:
        raise Unfit(f"'{(envelope.probe_asn or '')[:20]}' is no autonomous system")
    asn = int(match[1]) or None
    name = f"ooni-{country.lower()}" + (f"-as{asn}" if asn else "")
    return Vantage(id=name, country=country, asn=asn)

"""Where the running probe tells how it is: numbers for Prometheus, and whether it is well."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated

from pydantic import AfterValidator

from probe.core.address import Endpoint, parse_endpoint
from probe.core.units import Duration
from probe.plan.section import Strict


def _endpoint(text: str) -> str:
    try:
        endpoint = parse_endpoint(text)
    except ValueError:
        endpoint = Endpoint("", 0)
    if not 0 < endpoint.port < 65536 or "%" in endpoint.ip:
        raise ValueError(f"'{text[:80]}' is no address and port: write 127.0.0.1:9469")
    return text


class MetricsSection(Strict):
    """Off unless ``listen`` is given; ``stale_after`` is how old the last cycle may be (None: three
    times the shortest ``every``, five minutes at least)."""

    listen: Annotated[str, AfterValidator(_endpoint)] | None = None
    stale_after: Duration | None = None

    def place(self) -> "MetricsPlace | None":
        """Where to listen; None where nobody is to be told anything."""
        if self.listen is None:
            return None
        return MetricsPlace(at=parse_endpoint(self.listen), stale_after=self.stale_after)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsPlace:
    """An address and port to listen on; ``stale_after`` in seconds."""

    at: Endpoint
    stale_after: float | None = None

    @property
    def public(self) -> bool:
        """Whether others than this machine can ask: there is neither encryption nor a password."""
        return not ip_address(self.at.ip).is_loopback

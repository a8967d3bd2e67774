"""A probe that asks one kind of gateway; it trusts the tests' authority unless told otherwise."""

from pathlib import Path
from typing import Any

from support.programs import HERE
from vpn.outcome import Probe
from vpn.tls_gateways import NAME

from probe.checks.kit import Timeouts
from probe.core.model import Step

SHORT = Timeouts(first_byte=1.0, tls=1.0)  # where silence is what is due


class Asking:
    def __init__(self, scheme: str, folder: Path, ca_file: str) -> None:
        self._scheme, self._ca_file = scheme, ca_file
        self._probe = Probe(folder / "objects")

    async def __call__(
        self, port: int, timeouts: Timeouts | None = None, **options: Any
    ) -> tuple[Step, ...]:
        """The steps of one measurement."""
        more: Any = {"timeouts": timeouts} if timeouts else {}
        given = {"sni": NAME, "ca_file": self._ca_file, **options}
        measurement = await self._probe(f"{self._scheme}://{HERE}:{port}", given, **more)
        assert measurement.invalid is None
        return measurement.steps


def ended(steps: tuple[Step, ...]) -> tuple[str, str | None]:
    """The last operation, and how it ended."""
    return steps[-1].op, steps[-1].failure

"""The probe as these tests use it: a target URL in, a measurement out, over real sockets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from probe.checks import Check
from probe.checks.kit import Timeouts
from probe.checks.resolver import SYSTEM, Resolver
from probe.core.model import JSON, Measurement, Target, Vantage
from probe.measure.measure import Instruments, measure
from probe.net import Network
from probe.net.clocks import RealClock
from probe.net.real import RealNetwork
from probe.net.trust import Trust
from probe.plan.jobs import Job
from probe.plan.target import parse_target
from probe.record.objects import Objects

# Deadlines that a loaded machine meets as well; a test in which one is the point shortens that one.
PATIENT: Final = Timeouts(late_answers=0.05)
TRUST: Final = Trust()


class Probe:
    """Measures targets, and keeps what they show as objects in a folder."""

    def __init__(self, folder: Path, ca_file: str | None = None) -> None:
        self.objects = Objects(folder)
        self._ca_file = ca_file

    async def __call__(
        self,
        url: str,
        options: Mapping[str, JSON] | None = None,
        *,
        net: Network | None = None,
        timeouts: Timeouts = PATIENT,
    ) -> Measurement:
        """Measure a target that is given by its URL and the options of its check."""
        aim = parse_target(url, options)
        resolvers = aim.common.get("resolver", (SYSTEM,))
        return await self.run(aim.check, net=net, timeouts=timeouts, resolvers=resolvers)

    async def run(
        self,
        check: Check,
        *,
        net: Network | None = None,
        timeouts: Timeouts = PATIENT,
        resolvers: tuple[Resolver, ...] = (SYSTEM,),
    ) -> Measurement:
        """Measure with a check that is made already."""
        clock = RealClock()
        job = Job(
            target=Target(id="target", service="test", feature="test", url="test://target"),
            check=check,
            resolvers=resolvers,
            timeout=20.0,
            timeouts=timeouts,
            every=600.0,
            local=True,
            private=False,
        )
        instruments = Instruments(
            run="run",
            vantage=Vantage(id="test"),
            net=net or RealNetwork(),
            clock=clock,
            trust=TRUST,
            keep=self.objects.put,
            ca_file=self._ca_file,
        )
        return await measure(job, instruments, cycle="cycle")


def failures(measurement: Measurement) -> list[tuple[str, str]]:
    """The failed steps: what was done, and the name of what happened."""
    return [(step.op, step.failure) for step in measurement.steps if step.failure is not None]

"""A check's tools on a scripted network and a virtual clock."""

import asyncio
import contextlib
import hashlib
from dataclasses import dataclass, field
from typing import Any

from support.authority import ca_file
from support.virtual import VirtualClock, run_virtual

from probe.checks import Check
from probe.checks.kit import Kit, Timeouts
from probe.checks.resolver import parse_resolver
from probe.core.model import Step
from probe.core.trace import Stopped, Trace
from probe.net import Network
from probe.net.trust import Trust

TRUST = Trust()  # contexts take time to make, and are the same in all tests
CLOCK = VirtualClock()


class Kept(dict[str, bytes]):
    """The objects that were kept, by their hashes."""

    def __call__(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        self[name] = data
        return name


@dataclass
class Done:
    """What a check left behind."""

    kit: Kit
    kept: Kept = field(default_factory=Kept)

    @property
    def steps(self) -> list[Step]:
        return self.kit.trace.steps

    def ops(self) -> list[tuple[str, int, str | None]]:
        """Operation, transaction and failure of every step."""
        return [(step.op, step.transaction, step.failure) for step in self.steps]

    def only(self, op: str) -> Step:
        """The one step of this operation."""
        (step,) = [step for step in self.steps if step.op == op]
        return step


def new_kit(
    net: Network,
    *resolvers: str,
    budget: float = 30.0,
    timeouts: dict[str, float] | None = None,
    **more: Any,
) -> Kit:
    """Tools for one measurement that starts now."""
    made = {
        "net": net,
        "trace": Trace(CLOCK.monotonic, budget=budget),
        "trust": TRUST,
        "keep": Kept(),
        "resolvers": tuple(parse_resolver(text) for text in resolvers or ("system",)),
        "timeouts": Timeouts(**timeouts or {}),
        "ca_file": ca_file(),
        "user_agent": "browser",
        "now": CLOCK.now,
    }
    return Kit(**{**made, **more})


def run_check(check: Check, net: Network, *resolvers: str, **more: Any) -> Done:
    """Run a check once, as ``measure`` does it, in virtual time."""

    async def main() -> Done:
        kit = new_kit(net, *resolvers, **more)
        with contextlib.suppress(Stopped):
            await check.run(kit)
        if kit.background:
            await asyncio.wait(kit.background)
        return Done(kit, kit.keep)

    return run_virtual(main())

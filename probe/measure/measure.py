"""One job becomes one measurement, always: whatever the network or we ourselves do."""

import asyncio
import base64
import binascii
import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from probe import __version__
from probe.checks.kit import MAX_ADDRESSES, Kit
from probe.core.failure import UNKNOWN
from probe.core.ids import uuid7
from probe.core.masking import secrets_in
from probe.core.model import JSON, Measurement, Role, Software, Step, Vantage
from probe.core.scrub import SCRUBBED, Scrubber
from probe.core.trace import Stopped, Trace
from probe.judge.covered import covered
from probe.judge.deciding import deciding
from probe.net import Network
from probe.net.clocks import Clock
from probe.net.trust import Trust
from probe.plan.jobs import Job

SOFTWARE: Final = Software(name="probe", version=__version__)
GRACE: Final = 5.0  # seconds beyond a job's timeout after which the check itself is at fault
RAW: Final = "raw"  # in a step's detail: a message as it came, in base64
_QUOTED: Final = 200  # characters of our own error that are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """What all measurements of one run share.

    ``keep`` stores an object and gives its SHA-256; ``read`` gives it back, None if it is gone.
    ``own_addresses`` are the vantage's, as they are learnt: results do not show them.
    """

    run: str
    vantage: Vantage
    net: Network
    clock: Clock
    trust: Trust
    keep: Callable[[bytes], str]
    read: Callable[[str], bytes | None] = lambda _: None
    ca_file: str | None = None
    user_agent: str = ""
    max_addresses: int = MAX_ADDRESSES
    own_addresses: set[str] = field(default_factory=set)


async def measure(
    job: Job,
    instruments: Instruments,
    *,
    cycle: str,
    trial: int = 1,
    role: Role = "target",
    followup_of: str | None = None,
    followup: str | None = None,
) -> Measurement:
    """Run one check of one target once.

    A follow-up says what it follows and of which kind it is (``judge.followups``).

    Cancelling raises Interrupted, which carries the measurement as far as it had come, with the
    steps that were under way marked ``interrupted``.
    """
    started = instruments.clock.now()
    scrubber = Scrubber(secrets=secrets_in(str(getattr(job.check, "path", ""))))
    for ip in instruments.own_addresses:
        scrubber.hide(ip)
    trace = Trace(instruments.clock.monotonic, budget=job.timeout, scrubber=scrubber)
    kit = Kit(
        net=instruments.net,
        trace=trace,
        trust=instruments.trust,
        keep=_keeper(instruments.keep, scrubber),
        resolvers=job.resolvers,
        timeouts=job.timeouts,
        ca_file=instruments.ca_file,
        user_agent=instruments.user_agent,
        max_addresses=instruments.max_addresses,
        now=instruments.clock.now,
    )

    def record(invalid: str | None) -> Measurement:
        measurement = Measurement(
            id=uuid7(started),
            run=instruments.run,
            cycle=cycle,
            started=started,
            vantage=instruments.vantage,
            target=job.target,
            check=job.check.name,
            trial=trial,
            role=role,
            followup_of=followup_of,
            followup=followup,
            steps=tuple(_without_own_addresses(step, trace.scrubber) for step in trace.steps),
            invalid=invalid,
            software=SOFTWARE,
        )
        return replace(measurement, covered=covered(deciding(measurement)))

    try:
        invalid = await _run(job, kit)
    except asyncio.CancelledError as cancelled:
        raise Interrupted(record(None)) from cancelled
    finally:
        for listener in kit.background:
            listener.cancel()
    return record(invalid)


def _keeper(keep: Callable[[bytes], str], scrubber: Scrubber) -> Callable[[bytes], str]:
    """Keeps no object that shows the vantage's own address: evidence is not edited, but withheld.

    Its hash is recorded all the same, so that equal ones are known as such.
    """

    def guarded(data: bytes) -> str:
        if scrubber.shows_own(data):
            return hashlib.sha256(data).hexdigest()
        return keep(data)

    return guarded


class Interrupted(asyncio.CancelledError):
    """The operator stopped the measurement; what had happened until then is in it."""

    def __init__(self, measurement: Measurement) -> None:
        """Carry the incomplete measurement to whoever records it."""
        super().__init__()
        self.measurement = measurement


async def _run(job: Job, kit: Kit) -> str | None:
    """Run the check; our own error as a text, or None."""
    try:
        async with asyncio.timeout(job.timeout + GRACE):
            with contextlib.suppress(Stopped):  # the failure stands in the trace
                await job.check.run(kit)
            if kit.background:
                await asyncio.wait(kit.background)
    except TimeoutError:
        return f"the check {job.check.name} did not keep its deadline"
    except Exception as exc:  # noqa: BLE001  (whatever it is, it is ours and not the target's)
        return kit.trace.scrubber.text(_tell(exc))
    return None


def _tell(exc: BaseException) -> str:
    """The first real error under a task group's envelopes."""
    while isinstance(exc, BaseExceptionGroup):
        exc = exc.exceptions[0]
    text = str(exc).splitlines()[0] if str(exc) else ""
    return f"{type(exc).__name__}: {text}"[:_QUOTED]


def _without_own_addresses(step: Step, scrubber: Scrubber) -> Step:
    """A last look at everything that is text: the vantage's own addresses are known by now."""
    failure = step.failure
    if failure is not None and failure.startswith(UNKNOWN):
        failure = scrubber.own(failure)
    detail = _scrub(step.detail, scrubber)
    if _shows_own(step.detail.get(RAW), scrubber):
        detail[RAW] = SCRUBBED
    return replace(step, failure=failure, detail=detail)


def _shows_own(raw: JSON, scrubber: Scrubber) -> bool:
    """Whether a message in base64 holds such an address, in its binary or in a name."""
    if not isinstance(raw, str):
        return False
    try:
        return scrubber.shows_own(base64.b64decode(raw, validate=True))
    except binascii.Error:
        return False


def _scrub(value: JSON, scrubber: Scrubber) -> JSON:
    if isinstance(value, str):
        return scrubber.own(value)
    if isinstance(value, Mapping):
        return {key: _scrub(item, scrubber) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_scrub(item, scrubber) for item in value]
    return value

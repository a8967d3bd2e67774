"""What is our own fault makes a measurement invalid, and never a failure of the target."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

import pytest
from loopback.probing import Probe, failures
from loopback.servers import Loopback

from probe.checks.kit import Kit
from probe.core.address import Endpoint
from probe.core.model import Measurement
from probe.judge.evidence import Evidence
from probe.judge.rules import TABLE
from probe.net.fake import FakeNetwork, os_error
from probe.plan.target import parse_target


def _rule(measurement: Measurement) -> str:
    evidence = Evidence(trials=(measurement,))
    return next(rule.id for rule in TABLE if rule.when(evidence))


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Inside, the kernel gives this process no further file descriptor."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("scheme", ["tcp", "tls", "http", "https"])
async def test_running_out_of_descriptors_is_not_the_targets_failure(
    loopback: Loopback, probe: Probe, scheme: str
) -> None:
    check = parse_target(f"{scheme}://127.0.0.1:{loopback.closed()}").check
    await probe.run(check)  # whatever is opened once is open by now
    with no_descriptor_left():
        measurement = await probe.run(check)
    assert measurement.invalid == f"OSError: [Errno {errno.EMFILE}] Too many open files"
    assert _rule(measurement) == "own-error"


@pytest.mark.parametrize("number", [errno.ENFILE, errno.ENOMEM, errno.ENOBUFS])
async def test_an_exhausted_machine_is_not_the_targets_failure(probe: Probe, number: int) -> None:
    net = FakeNetwork(udp={Endpoint("192.0.2.53", 53): os_error(number)})
    measurement = await probe("dns://site.example?resolver=udp://192.0.2.53", net=net)
    assert measurement.invalid is not None
    assert _rule(measurement) == "own-error"


@dataclass(frozen=True)
class Buggy:
    """A check with a bug, inside a step or outside of any."""

    inside: bool
    name: ClassVar[str] = "buggy"
    default_port: ClassVar[int | None] = None

    async def run(self, kit: Kit) -> None:
        if not self.inside:
            raise ValueError("a bug at 203.0.113.7")
        async with kit.trace.step("connect", kit.trace.transaction(), within=1.0):
            raise ValueError("a bug at 203.0.113.7")

    def sends(self) -> tuple[()]:
        return ()


@pytest.mark.parametrize("inside", [True, False])
async def test_a_bug_in_a_check_makes_the_measurement_invalid(probe: Probe, inside: bool) -> None:
    measurement = await probe.run(Buggy(inside))
    assert measurement.invalid == "ValueError: a bug at [scrubbed]"
    assert failures(measurement) == [("connect", "unknown_failure: ValueError")] * inside
    assert _rule(measurement) == "own-error"

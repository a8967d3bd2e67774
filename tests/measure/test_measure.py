"""probe.measure.measure: one job becomes one measurement, whatever happens."""

import asyncio
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from support.plans import planned, tools
from support.records import HERE
from support.servers import http, page, silent
from support.virtual import DAY, run_virtual

from probe.checks.kit import Kit
from probe.core.address import Endpoint
from probe.core.model import Measurement
from probe.measure.measure import GRACE, Interrupted, measure
from probe.net.fake import FakeNetwork
from probe.plan.jobs import Job
from probe.record.codec import decode_measurement, encode

PEER = Endpoint("192.0.2.1", 80)
OWN = "198.51.100.77"


@dataclass(frozen=True)
class Odd:
    """A check that does what a check must not do."""

    name: ClassVar[str] = "odd"
    default_port: ClassVar[int | None] = 1
    fault: str = ""

    async def run(self, kit: Kit) -> None:
        if self.fault == "hang":
            await asyncio.sleep(3600)
        if self.fault == "group":
            async with asyncio.TaskGroup() as group:
                group.create_task(self._fail())
        await self._fail()

    async def _fail(self) -> None:
        raise LookupError(f"no {OWN} here, nor 203.0.113.5\nsecond line")

    def sends(self):
        return ()


def job(url: str = "http://192.0.2.1/", **more: object) -> Job:
    return replace(planned(url).jobs[0], **more)


def odd(fault: str = "") -> Job:
    return job(check=Odd(fault), timeout=3.0)


def once(job_: Job, net: FakeNetwork, kept: dict[str, bytes] | None = None) -> Measurement:
    return run_virtual(measure(job_, tools(net, kept), cycle="c", trial=2, role="followup"))


def test_a_measurement_says_what_when_where_and_by_whom() -> None:
    made = once(job(), FakeNetwork(tcp={PEER: http(page())}))
    assert (made.run, made.cycle, made.trial, made.role) == ("run", "c", 2, "followup")
    assert (made.started, made.vantage, made.check, made.origin) == (DAY, HERE, "http", "vantage")
    assert (made.software.name, made.invalid, made.covered) == ("probe", None, "response")
    assert [step.op for step in made.steps] == [
        "connect",
        "http_request",
        "http_response",
        "transfer",
    ]
    assert decode_measurement(encode(made)) == made


def test_no_step_outlasts_the_whole_measurements_budget() -> None:
    made = once(job(timeout=4.0), FakeNetwork(tcp={PEER: silent}))
    last = made.steps[-1]
    assert (last.op, last.failure, last.t) == ("http_response", "generic_timeout_error", 4.0)
    assert (made.invalid, made.covered) == (None, "handshake")


def test_a_check_that_ignores_its_deadline_is_our_own_error() -> None:
    net = FakeNetwork()

    async def timed() -> tuple[Measurement, float]:
        made = await measure(odd("hang"), tools(net), cycle="c")
        return made, asyncio.get_running_loop().time()

    made, took = run_virtual(timed())
    assert made.invalid == "the check odd did not keep its deadline"
    assert took == 3.0 + GRACE


@pytest.mark.parametrize("fault", ["", "group"])
def test_an_exception_of_ours_makes_it_invalid_in_one_line_without_addresses(fault: str) -> None:
    made = once(odd(fault), FakeNetwork())
    assert made.invalid == "LookupError: no [scrubbed] here, nor [scrubbed]"
    assert made.steps == ()


def test_an_exception_in_a_step_is_no_failure_of_the_target() -> None:
    class Broken(FakeNetwork):
        async def connect(self, endpoint: Endpoint):
            raise KeyError("a bug")

    made = once(job(), Broken())
    assert made.invalid == "KeyError: 'a bug'"
    assert made.steps[0].failure == "unknown_failure: KeyError"


def test_the_own_address_is_never_written_however_a_server_repeats_it() -> None:
    headers = (
        f"X-Client: {OWN}",
        f"X-Forwarded-For: 203.0.113.9, {OWN}:40000",
        f"X-Mapped: ::ffff:{OWN}",
        f"Location: http://{OWN}/portal?ip={OWN}",
        f"Server: proxy/{OWN}",
    )
    answer = page(f"<p>you are {OWN}</p>".encode(), f"302 {OWN}", *headers)
    kept: dict[str, bytes] = {}
    made = once(job(), FakeNetwork(tcp={PEER: http(answer)}, local_ip=OWN), kept)
    assert made.steps[-1].failure is None
    (body,) = kept.values()
    assert body == b"<p>you are [scrubbed]</p>"
    assert OWN.encode() not in encode(made)
    assert b"192.0.2.1:80" in encode(made)
    assert b"203.0.113.9" not in encode(made)


@pytest.mark.parametrize("host", [OWN, f"[::ffff:{OWN}]", "me.example"])
def test_a_redirect_that_is_followed_does_not_lead_to_the_own_address(host: str) -> None:
    answer = page(b"", "302 Found", f"Location: http://{host}/portal")
    following = job("http://192.0.2.1/#follow=2")
    net = FakeNetwork(tcp={PEER: http(answer)}, local_ip=OWN, names={"me.example": (OWN,)})
    made = once(following, net)
    assert made.steps[-1].failure == "http_invalid_redirect_location_host"
    assert Endpoint(OWN, 80) not in net.dialled
    assert OWN.encode() not in encode(made)


def test_stopping_keeps_what_had_happened_until_then() -> None:
    async def stop() -> Measurement:
        net = FakeNetwork(tcp={PEER: silent})
        task = asyncio.create_task(measure(job(), tools(net), cycle="c"))
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(Interrupted) as interrupted:
            await task
        return interrupted.value.measurement

    made = run_virtual(stop())
    assert [(step.op, step.failure) for step in made.steps] == [
        ("connect", None),
        ("http_request", None),
        ("http_response", "interrupted"),
    ]
    assert made.invalid is None

"""probe.checks.harmless: what a port does with bytes that are no protocol's."""

import asyncio

import pytest
from support.kits import Done, new_kit, run_check
from support.servers import Serve, closing, resetting, silent
from support.virtual import run_virtual

from probe.checks.harmless import PAYLOAD, HarmlessCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork, FakePeer

AT = Endpoint("192.0.2.1", 443)
CHECK = HarmlessCheck(host=AT.ip, port=AT.port)


def against(serve: Serve, **more: float) -> Done:
    return run_check(CHECK, FakeNetwork(tcp={AT: serve}), **more)


def test_the_payload_is_sent_once_and_an_answer_is_counted() -> None:
    heard: list[bytes] = []

    async def answering(peer: FakePeer) -> None:
        heard.append(await peer.receive())
        peer.send(b"what?")
        heard.append(await peer.receive())

    done = against(answering)
    assert done.ops() == [("connect", 1, None), ("first_payload", 1, None)]
    detail = done.only("first_payload").detail
    assert (detail["answered"], detail["bytes"]) == (5, len(PAYLOAD))
    assert heard[0] == PAYLOAD


def test_the_payload_has_nothing_that_filters_look_for() -> None:
    assert PAYLOAD[0] != 0x16  # a TLS record
    assert not any(word in PAYLOAD for word in (b"HTTP", b"GET", b"Host", b"."))


def test_silence_is_no_failure_and_is_not_waited_for_long() -> None:
    done = against(silent)
    step = done.only("first_payload")
    assert (step.failure, step.detail["answered"]) == (None, None)
    assert step.t == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("serve", "failure"), [(resetting, "connection_reset"), (closing, "eof_error")]
)
def test_being_cut_off_is_the_failure(serve: Serve, failure: str) -> None:
    assert against(serve).ops()[-1] == ("first_payload", 1, failure)


def test_a_kernel_that_gave_up_is_no_silence() -> None:
    class Gone(FakeNetwork):
        async def connect(self, endpoint: Endpoint):
            stream = await super().connect(endpoint)

            async def receive(limit: int = 65536) -> bytes:
                raise TimeoutError(110, "Connection timed out")

            stream.receive = receive
            return stream

    done = run_check(CHECK, Gone(tcp={AT: silent}))
    assert done.ops()[-1] == ("first_payload", 1, "timed_out")


def test_a_closed_port_gets_no_payload() -> None:
    assert run_check(CHECK, FakeNetwork()).ops() == [("connect", 1, "connection_refused")]


def test_the_connection_is_closed_after_silence_too() -> None:
    closed: list[bytes] = []

    async def watching(peer: FakePeer) -> None:
        await peer.receive()
        closed.append(await peer.receive())

    async def main() -> None:
        await CHECK.run(new_kit(FakeNetwork(tcp={AT: watching})))
        await asyncio.sleep(0)

    run_virtual(main())
    assert closed == [b""]


def test_it_says_what_it_sends_and_that_is_no_name() -> None:
    (sending,) = CHECK.sends()
    assert (sending.host, sending.port) == (AT.ip, AT.port)
    assert "harmless" in str(sending)

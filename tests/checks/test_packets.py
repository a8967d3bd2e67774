"""probe.checks.packets: a question over UDP is built anew, and only its own answer counts."""

import asyncio
import contextlib
import errno
from itertools import count

from support.kits import new_kit
from support.virtual import run_virtual

from probe.checks.packets import answer_to, socket_to
from probe.core.address import Endpoint
from probe.core.trace import Stopped
from probe.net.fake import FakeNetwork, os_error

SERVER = Endpoint("192.0.2.7", 1194)


def asked(serve, within=10.0):
    """One exchange with this server: the step, and what the exchange gave."""
    numbers = count(1)
    given = []

    async def main():
        kit = new_kit(FakeNetwork(udp={SERVER: serve}))
        detail = {}
        with contextlib.suppress(Stopped):
            async with (
                kit.trace.step("question", 1, str(SERVER), within=within) as detail,
                socket_to(kit, SERVER) as sock,
            ):
                given.append(await answer_to(sock, detail, lambda: b"ask %d" % next(numbers), read))
        return kit.trace.steps[0]

    def read(data):
        return data.decode() if data.startswith(b"answer") else None

    return run_virtual(main()), given


async def answering(peer):
    peer.send(b"answer to " + await peer.receive())


async def silent(peer):
    while await peer.receive():
        pass


def test_the_first_packet_is_enough_where_it_is_answered():
    step, given = asked(answering)
    assert given == ["answer to ask 1"]
    assert step.failure is None
    assert step.detail == {"packets": 1, "strays": 0, "bytes_sent": 5, "bytes": 15}


def test_a_lost_packet_is_followed_by_a_new_one_not_by_itself():
    async def losing(peer):
        await peer.receive()
        await answering(peer)

    step, given = asked(losing)
    assert given == ["answer to ask 2"]
    assert step.detail["packets"] == 2
    assert step.t - step.t0 == 1.0


def test_silence_ends_at_the_deadline_after_three_packets():
    step, given = asked(silent)
    assert given == []
    assert step.failure == "generic_timeout_error"
    assert step.detail["packets"] == 3
    assert step.t == 10.0


def test_what_is_bound_to_nothing_is_counted_and_waited_past():
    async def noisy(peer):
        await peer.receive()
        peer.send(b"something else")
        peer.send(b"and more")
        await asyncio.sleep(0.5)
        peer.send(b"answer at last")

    step, given = asked(noisy)
    assert given == ["answer at last"]
    assert step.detail["strays"] == 2


def test_a_flood_of_strays_is_not_read_for_ever():
    async def flooding(peer):
        await peer.receive()
        for _ in range(1000):
            peer.send(b"noise")

    step, _ = asked(flooding)
    assert step.failure == "generic_timeout_error"
    assert step.detail["strays"] == 64


def test_a_closed_port_says_so():
    async def closed(peer):
        await peer.receive()
        peer.outbox.put_nowait(os_error(errno.ECONNREFUSED))

    step, _ = asked(closed)
    assert step.failure == "connection_refused"


def test_the_vantages_own_address_is_learnt():
    async def main():
        kit = new_kit(FakeNetwork(udp={SERVER: silent}))
        async with socket_to(kit, SERVER):
            return kit.trace.scrubber.owns("198.51.100.77")

    assert run_virtual(main())

"""probe.net.fake: raises what the operating system would raise, and does nothing else."""

import asyncio
import errno
import socket

import pytest
from support.virtual import run_virtual

from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork, FakePeer, os_error

AT = Endpoint("192.0.2.1", 443)


async def echo(peer: FakePeer) -> None:
    while data := await peer.receive():
        peer.send(data.upper())


def test_names_are_looked_up_in_the_script_and_literals_are_not() -> None:
    net = FakeNetwork(names={"a.example": ("192.0.2.1",)})
    assert run_virtual(net.lookup("a.example")) == ("192.0.2.1",)
    assert run_virtual(net.lookup("2001:db8::1")) == ("2001:db8::1",)
    with pytest.raises(socket.gaierror) as caught:
        run_virtual(net.lookup("b.example"))
    assert caught.value.errno == socket.EAI_NONAME


def test_what_no_script_allows_is_refused() -> None:
    net = FakeNetwork(tcp={AT: os_error(errno.EHOSTUNREACH)})
    for endpoint, number in ((AT, errno.EHOSTUNREACH), (AT._replace(port=1), errno.ECONNREFUSED)):
        with pytest.raises(OSError) as caught:
            run_virtual(net.connect(endpoint))
        assert caught.value.errno == number


def test_without_a_network_nothing_goes() -> None:
    net = FakeNetwork(names={"a.example": ("192.0.2.1",)}, tcp={AT: echo}, down=True)
    with pytest.raises(socket.gaierror) as unresolved:
        run_virtual(net.lookup("a.example"))
    assert unresolved.value.errno == socket.EAI_AGAIN
    with pytest.raises(OSError, match="unreachable") as unreachable:
        run_virtual(net.connect(AT))
    assert unreachable.value.errno == errno.ENETUNREACH


def test_a_stream_gives_what_the_script_sends_in_pieces_of_the_wanted_size() -> None:
    async def main() -> list[bytes]:
        stream = await FakeNetwork(tcp={AT: echo}).connect(AT)
        await stream.send(b"hello")
        pieces = [await stream.receive(3), await stream.receive(3)]
        stream.close()
        return pieces

    assert run_virtual(main()) == [b"HEL", b"LO"]


def test_a_reset_and_a_close_are_told_apart() -> None:
    async def reset_then_close(peer: FakePeer) -> None:
        peer.reset()
        peer.send(b"")

    async def main() -> bytes:
        stream = await FakeNetwork(udp={AT: reset_then_close}).datagrams(AT)
        with pytest.raises(ConnectionResetError):
            await stream.receive()
        return await stream.receive()

    assert run_virtual(main()) == b""


def test_silence_costs_a_deadline_and_no_time() -> None:
    async def never(peer: FakePeer) -> None:
        await peer.receive()

    async def main() -> float:
        stream = await FakeNetwork(tcp={AT: never}).connect(AT)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3600):
                await stream.receive()
        return asyncio.get_running_loop().time()

    assert run_virtual(main()) == 3600

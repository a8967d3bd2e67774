"""The echo on real sockets: to whom it answers, and that it never gives more than it got."""

import asyncio
import os
import socket
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime

import pytest

from probe.control.echo import Echo
from probe.control.rates import TOTAL, Rates
from probe.control.sessions import Sessions
from probe.core.address import Endpoint
from probe.net.clocks import FakeClock

HERE = "127.0.7.1"  # the echo
CLIENT = "127.0.7.2"
OTHER = "127.0.7.3"
SILENCE = 0.3  # seconds without an answer that count as silence on loopback


@pytest.fixture
def clock():
    return FakeClock(datetime(2017, 7, 18, tzinfo=UTC))


@pytest.fixture
def sessions(clock):
    return Sessions(clock, allow_private=True)


@pytest.fixture
async def echoing(clock, sessions):
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    started = []

    async def start(**options):
        echo = await Echo.start(Endpoint(HERE, 0), sessions, clock, **options)
        started.append(echo)
        return echo.endpoint

    yield start
    for echo in started:
        await echo.close()
    assert complaints == []


@asynccontextmanager
async def udp(ip=CLIENT, port=0):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.bind((ip, port))
        yield sock


@asynccontextmanager
async def tcp(to, ip=CLIENT, port=0):
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((ip, port))
        await asyncio.get_running_loop().sock_connect(sock, to)
        yield sock


async def heard(sock, within=30.0):
    async with asyncio.timeout(within):
        return await asyncio.get_running_loop().sock_recv(sock, 65536)


async def is_reset_without_a_byte(to, port=0):
    """Whether it is reset, be it already while it connects."""
    with pytest.raises(ConnectionResetError):
        async with tcp(to, port=port) as sock:
            await heard(sock)
    return True


async def answers(sock, within=SILENCE):
    """Every datagram that comes until it is silent."""
    found = []
    while True:
        try:
            found.append(await heard(sock, within))
        except TimeoutError:
            return found


async def test_a_datagram_comes_back_as_it_was(echoing, sessions):
    at = await echoing()
    sessions.open(CLIENT)
    async with udp() as sock:
        for data in (b"x", os.urandom(1500), b""):
            sock.sendto(data, at)
            assert await heard(sock) == data


async def test_nobody_is_answered_without_a_session_of_his_own(echoing, sessions):
    at = await echoing()
    async with udp() as client, udp(OTHER) as other:
        client.sendto(b"too early", at)
        assert await answers(client) == []
        sessions.open(CLIENT)
        other.sendto(b"not mine", at)
        client.sendto(b"mine", at)
        assert await heard(client) == b"mine"
        assert await answers(other) == []
        assert await answers(client) == []


async def test_a_third_party_gets_nothing_whoever_opened_a_session(echoing, sessions):
    """A forged source is all that the echo sees: here it really is the victim's."""
    at = await echoing()
    sessions.open(CLIENT)
    async with udp(OTHER) as victim:
        for _ in range(50):
            victim.sendto(b"x" * 1200, at)
        assert await answers(victim) == []


async def test_the_echo_shuts_again_when_the_session_ends(echoing, sessions, clock):
    at = await echoing()
    sessions.open(CLIENT)
    clock.advance(60)
    async with udp() as sock:
        sock.sendto(b"replayed", at)
        assert await answers(sock) == []
    assert await is_reset_without_a_byte(at)


async def test_a_datagram_that_is_too_long_is_dropped_not_cut(echoing, sessions):
    at = await echoing()
    sessions.open(CLIENT)
    async with udp() as sock:
        sock.sendto(bytes(1501), at)
        sock.sendto(bytes(65000), at)
        assert await answers(sock) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="kernel: ports below 1024 need root here")
async def test_ports_of_services_are_never_answered(echoing, sessions):
    at = await echoing()
    sessions.open(CLIENT)
    for port in (53, 1023):
        async with udp(port=port) as sock:
            sock.sendto(b"x", at)
            assert await answers(sock) == []
        assert await is_reset_without_a_byte(at, port=port)


async def test_two_echoes_do_not_answer_each_other_for_ever(echoing, sessions):
    at = await echoing()
    sessions.open(CLIENT)
    async with udp(port=at.port) as sock:
        sock.sendto(b"ping", at)
        assert await answers(sock) == []


async def test_an_address_gets_its_packets_in_a_second_and_no_more(echoing, sessions, clock):
    at = await echoing(packets_per_second=3)
    sessions.open(CLIENT)
    async with udp() as first, udp() as second:
        for _ in range(5):
            first.sendto(b"x", at)
            second.sendto(b"x", at)
        assert len(await answers(first) + await answers(second)) == 3
        clock.advance(1)
        for _ in range(5):
            first.sendto(b"x", at)
        assert len(await answers(first)) == 3


async def test_octets_are_counted_beside_packets(echoing, sessions):
    at = await echoing(packets_per_second=100, bytes_per_second=4500)
    sessions.open(CLIENT)
    async with udp() as sock:
        for _ in range(10):
            sock.sendto(bytes(1500), at)
        assert [len(data) for data in await answers(sock)] == [1500] * 3


def test_all_together_get_a_bounded_share_and_a_refusal_costs_nothing(clock):
    rates = Rates(clock, packets=2, octets=1000)
    granted = [rates.grant(f"192.0.2.{n}", packets=1) for n in range(4 * TOTAL)]
    assert granted == [True] * 2 * TOTAL + [False] * 2 * TOTAL
    clock.advance(1)
    assert not rates.grant("192.0.2.1", packets=1, octets=1001)
    assert [rates.grant("192.0.2.1", packets=1, octets=500) for _ in range(3)] == [1, 1, 0]


def test_the_rates_remember_a_bounded_number_of_addresses(clock):
    rates = Rates(clock, packets=1, octets=1)
    for n in range(5000):
        rates.grant(f"2001:db8::{n:x}", packets=1)
    assert len(rates._each) == 1024


async def test_a_connection_gets_back_what_it_sent_and_ends_when_it_does(echoing, sessions):
    at = await echoing()
    sessions.open(CLIENT)
    sent = os.urandom(64 * 1024)
    async with tcp(at) as sock:
        loop = asyncio.get_running_loop()
        sending = asyncio.create_task(loop.sock_sendall(sock, sent))
        got = b""
        while len(got) < len(sent):
            got += await heard(sock)
        await sending
        sock.shutdown(socket.SHUT_WR)
        assert await heard(sock) == b""
    assert got == sent


async def test_a_connection_without_a_session_is_reset_without_a_byte(echoing):
    at = await echoing()
    assert await is_reset_without_a_byte(at)


async def test_a_connection_that_outlasts_its_session_is_reset(echoing, sessions, clock):
    at = await echoing()
    sessions.open(CLIENT)
    async with tcp(at) as sock:
        sock.send(b"one")
        assert await heard(sock) == b"one"
        clock.advance(60)
        sock.send(b"two")
        with pytest.raises(ConnectionResetError):
            await heard(sock)


async def test_a_connection_gets_no_more_than_64_kib(echoing, sessions):
    at = await echoing(bytes_per_second=1 << 30)
    sessions.open(CLIENT)
    got = 0
    async with tcp(at) as sock:
        with pytest.raises(OSError):
            for _ in range(80):
                await asyncio.get_running_loop().sock_sendall(sock, bytes(1024))
                got += len(await heard(sock))
    assert got == 64 * 1024


async def test_a_connection_waits_for_its_share_and_loses_nothing(echoing, sessions, clock):
    at = await echoing(bytes_per_second=4096)
    sessions.open(CLIENT)
    sent = os.urandom(8192)
    async with tcp(at) as sock:
        await asyncio.get_running_loop().sock_sendall(sock, sent)
        got = b"".join(await answers(sock))
        assert got == sent[:4096]
        clock.advance(1)
        assert got + await heard(sock) == sent


async def test_a_client_that_says_nothing_or_does_not_read_is_cut_off(echoing, sessions):
    at = await echoing(patience=0.1)
    sessions.open(CLIENT)
    assert await is_reset_without_a_byte(at)


async def test_connections_from_one_address_are_bounded(echoing, sessions):
    at = await echoing(packets_per_second=1000)
    sessions.open(CLIENT)
    sessions.open(OTHER)
    async with AsyncExitStack() as held:
        socks = [await held.enter_async_context(tcp(at)) for _ in range(16)]
        with pytest.raises(ConnectionResetError):  # at once, or as soon as it is looked at
            await heard(await held.enter_async_context(tcp(at)))
        other = await held.enter_async_context(tcp(at, OTHER))
        for sock in (socks[0], other):
            sock.send(b"still there")
            assert await heard(sock) == b"still there"


async def test_closing_ends_connections_and_gives_the_port_back(clock, sessions):
    echo = await Echo.start(Endpoint(HERE, 0), sessions, clock)
    sessions.open(CLIENT)
    async with tcp(echo.endpoint) as sock:
        sock.send(b"x")
        assert await heard(sock) == b"x"
        await echo.close()
        with pytest.raises(ConnectionResetError):
            await heard(sock)
    again = await Echo.start(echo.endpoint, sessions, clock)
    with closing(socket.socket()) as rival, pytest.raises(OSError, match="in use"):
        rival.bind(again.endpoint)
    await again.close()


async def test_an_ipv6_socket_knows_ipv4_clients_by_their_ipv4_address(clock, sessions):
    echo = await Echo.start(Endpoint("::", 0), sessions, clock)
    sessions.open("127.0.0.1")
    async with udp("127.0.0.1") as sock:
        sock.sendto(b"mapped", ("127.0.0.1", echo.endpoint.port))
        assert await heard(sock) == b"mapped"
    await echo.close()

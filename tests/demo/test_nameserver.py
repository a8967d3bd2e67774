"""The nameserver's answers, over both transports, and what it makes of garbage."""

import asyncio
import socket
from contextlib import asynccontextmanager

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.demo.nameserver import Nameserver, Zone
from probe.demo.world import World

WORLD = World.model_validate(
    {
        "vantage": {"id": "here", "country": "XD", "asn": 64496, "network": "datacenter"},
        "nameserver": {
            "address": "127.0.0.53",
            "answers": {
                "gone.test": "nxdomain",
                "sick.test": "servfail",
                "grim.test": "refused",
                "bare.test": "empty",
            },
        },
        "hosts": [
            {"name": "four.test", "address": "127.5.0.4", "serves": "tcp"},
            {"name": "six.test", "address": "::1", "serves": "tcp"},
        ],
        "anchors": {"international": [], "domestic": []},
        "every": "2s",
        "timeouts": {},
        "targets": [],
    }
)
ZONE = Zone(WORLD)
QUERY = dns.message.make_query("four.test", "A", use_edns=0).to_wire()


def ask(name, kind="A", **options):
    query = dns.message.make_query(name, kind, **options)
    return query, dns.message.from_wire(ZONE.answer(query.to_wire()))


def spoilt(place, noise):
    return QUERY[:place] + noise + QUERY[place + len(noise) :]


def records(message):
    return [str(record) for rrset in message.answer for record in rrset]


@pytest.mark.parametrize(
    ("name", "kind", "rcode", "answer"),
    [
        ("four.test", "A", dns.rcode.NOERROR, ["127.5.0.4"]),
        ("FoUr.TeSt", "A", dns.rcode.NOERROR, ["127.5.0.4"]),
        ("four.test", "AAAA", dns.rcode.NOERROR, []),
        ("six.test", "AAAA", dns.rcode.NOERROR, ["::1"]),
        ("six.test", "A", dns.rcode.NOERROR, []),
        ("four.test", "MX", dns.rcode.NOERROR, []),
        ("gone.test", "A", dns.rcode.NXDOMAIN, []),
        ("sick.test", "A", dns.rcode.SERVFAIL, []),
        ("grim.test", "A", dns.rcode.REFUSED, []),
        ("bare.test", "A", dns.rcode.NOERROR, []),
        ("under.four.test", "A", dns.rcode.NXDOMAIN, []),
        ("example.com", "A", dns.rcode.NXDOMAIN, []),
        (".", "NS", dns.rcode.NXDOMAIN, []),
    ],
)
def test_each_name_has_its_answer(name, kind, rcode, answer):
    query, response = ask(name, kind)
    assert query.is_response(response)
    assert response.rcode() == rcode
    assert records(response) == answer
    assert response.flags & dns.flags.RA


def test_a_query_with_edns_gets_an_answer_with_edns():
    _, response = ask("four.test", use_edns=0, payload=1232)
    assert response.edns == 0


def test_another_class_is_refused_and_another_opcode_not_implemented():
    _, response = ask("four.test", rdclass="CH")
    assert response.rcode() == dns.rcode.REFUSED
    query = dns.message.make_query("four.test", "A")
    query.set_opcode(dns.opcode.NOTIFY)
    response = dns.message.from_wire(ZONE.answer(query.to_wire()))
    assert response.rcode() == dns.rcode.NOTIMP


def test_a_response_is_never_answered():
    query = dns.message.make_query("four.test", "A")
    assert ZONE.answer(dns.message.make_response(query).to_wire()) is None


def test_a_cut_query_gets_a_format_error_with_its_own_id():
    wire = dns.message.make_query("four.test", "A").to_wire()
    response = ZONE.answer(wire[:-3])
    assert response[:2] == wire[:2]
    assert dns.message.from_wire(response).rcode() == dns.rcode.FORMERR


@settings(deadline=None, max_examples=300)
@given(
    st.binary(max_size=80)
    | st.builds(spoilt, st.integers(0, len(QUERY)), st.binary(min_size=1, max_size=6))
)
def test_garbage_gets_a_response_with_its_id_or_none(wire):
    response = ZONE.answer(wire)
    if response is not None:
        assert response[:2] == wire[:2]
        assert response[2] & 0x80
        dns.message.from_wire(response)


@asynccontextmanager
async def serving():
    nameserver = Nameserver(ZONE, "127.0.0.53", 0)
    try:
        yield nameserver.endpoint
    finally:
        await nameserver.stop()


async def udp(endpoint, wire):
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(endpoint)
        await loop.sock_sendall(sock, wire)
        async with asyncio.timeout(30):
            return await loop.sock_recv(sock, 65535)


async def test_one_port_answers_over_udp_and_over_tcp():
    query = dns.message.make_query("four.test", "A")
    wire = query.to_wire()
    async with serving() as endpoint:
        assert records(dns.message.from_wire(await udp(endpoint, wire))) == ["127.5.0.4"]
        reader, writer = await asyncio.open_connection(*endpoint)
        # Two queries at once, the second in two pieces (RFC 7766 section 6.2.1.1).
        framed = len(wire).to_bytes(2) + wire
        writer.write(framed + framed[:5])
        for rest in (framed[5:], b""):
            length = int.from_bytes(await reader.readexactly(2))
            response = dns.message.from_wire(await reader.readexactly(length))
            assert records(response) == ["127.5.0.4"]
            writer.write(rest)
        writer.close()
        await writer.wait_closed()


async def test_garbage_over_either_transport_leaves_it_answering():
    wire = dns.message.make_query("four.test", "A").to_wire()
    async with serving() as endpoint:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for noise in (b"", b"\0", b"\xff" * 600, wire[:13], b"GET / HTTP/1.1\r\n\r\n"):
                sock.sendto(noise, endpoint)
        for noise in (b"\0\0", b"\xff\xff" + b"\0" * 70000, b"\0\x0c" + b"\xff" * 12, b"x"):
            _, writer = await asyncio.open_connection(*endpoint)
            writer.write(noise)
            writer.close()
            await writer.wait_closed()
        assert records(dns.message.from_wire(await udp(endpoint, wire))) == ["127.5.0.4"]


async def test_stopping_ends_open_connections_and_frees_the_port():
    async with serving() as endpoint:
        reader, writer = await asyncio.open_connection(*endpoint)
        writer.write(len(QUERY).to_bytes(2) + QUERY)
        await reader.readexactly(2 + len(ZONE.answer(QUERY)))
    async with asyncio.timeout(30):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*endpoint)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(endpoint)


async def test_a_fixed_port_that_is_taken_is_an_error():
    async with serving() as endpoint:
        with pytest.raises(OSError, match="in use"):
            Nameserver(ZONE, endpoint.ip, endpoint.port)

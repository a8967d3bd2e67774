"""probe.checks.openvpn on a scripted network: TLS inside the control channel, and its losses."""

import asyncio
import ssl
from typing import Any

import pytest
from support.authority import authority, ca_file
from support.authority import serving as certified
from support.openvpn import serving
from support.openvpn_checks import (
    MALFORMED,
    TIMEOUT,
    measured,
    server,
    tcp,
    udp,
    vpn,
)


def test_a_server_that_answers_the_reset_and_nothing_more_fails_in_the_handshake() -> None:
    done = measured(udp(), serving(server(unwilling=True)))
    assert done.ops() == [("openvpn_reset", 1, None), ("tls_handshake", 1, TIMEOUT)]
    assert done.only("tls_handshake").detail["packets"] == 4  # at 0, 1, 3 and 7 s


@pytest.mark.parametrize("lost", range(1, 7))
def test_each_packet_of_the_server_may_be_lost_once(lost: int) -> None:
    there = server()
    answering = serving(there, certified("vpn.example"))
    numbers = iter(range(1, 100))

    class Losing:
        def __init__(self, peer: Any) -> None:
            self.receive, self._peer = peer.receive, peer

        def send(self, packet: bytes) -> None:
            if next(numbers) != lost:
                self._peer.send(packet)

    async def serve(peer: Any) -> None:
        async def again() -> None:
            while True:  # what every server does: a timer of its own
                await asyncio.sleep(2.0)
                for packet in there.again():
                    peer.send(packet)

        timer = asyncio.create_task(again())
        await answering(Losing(peer))
        timer.cancel()

    done = measured(udp(ca_file=ca_file()), serve)
    assert done.ops() == [("openvpn_reset", 1, None), ("tls_handshake", 1, None)]


@pytest.mark.parametrize("make", [udp, tcp])
def test_a_server_of_an_older_tls_that_demands_a_certificate_is_known_by_its_signature(
    make: Any,
) -> None:
    context = authority().context("vpn.example", "valid")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    for trusted, failure in ((ca_file(), None), (None, None)):
        done = measured(make(ca_file=trusted), serving(server(), context, tcp=make is tcp))
        tls = done.only("tls_handshake")
        assert (tls.failure, tls.detail["tls_version"]) == (failure, None)
        assert tls.detail["cipher_suite"].startswith("ECDHE-")
        assert tls.detail["leaf"]["names"] == ["vpn.example"]


def test_over_tcp_a_packet_that_is_none_ends_the_handshake() -> None:
    sent: list[bytes] = []

    def breaking(packet: bytes) -> bytes:
        sent.append(packet)
        return packet if len(sent) == 1 else b"\x00"

    done = measured(tcp(), vpn(over_tcp=True, change=breaking))
    assert done.ops()[-1] == ("tls_handshake", 1, MALFORMED)


def test_over_udp_it_is_counted_and_passed_over() -> None:
    def doubled(peer: Any) -> Any:
        return vpn()(Doubling(peer))

    class Doubling:
        def __init__(self, peer: Any) -> None:
            self.receive, self._peer = peer.receive, peer
            self._first = True

        def send(self, packet: bytes) -> None:
            if not self._first:
                self._peer.send(b"junk")
            self._first = False
            self._peer.send(packet)

    step = measured(udp(), doubled).only("tls_handshake")
    assert step.failure is None
    assert step.detail["strays"] >= 1

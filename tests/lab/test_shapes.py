"""The filters of the laboratory know the probe's own first packets, and nothing innocent."""

import os
import socket

import pytest
from lab.shapes import shape_of

from probe.checks import Imitable
from probe.checks.echo import harmless
from probe.checks.sending import FirstPacket
from probe.plan.target import parse_target

WG = "wireguard://vpn.example?public_key=CQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


@pytest.mark.parametrize(
    ("url", "shape"),
    [
        ("openvpn+udp://vpn.example", "openvpn"),
        ("openvpn+tcp://vpn.example", "openvpn"),
        (WG, "wireguard"),
        ("ikev2://vpn.example", "ike"),
        ("ikev2://vpn.example:4500", "ike"),
    ],
)
def test_what_is_shown_to_the_echo_has_the_shape_that_filters_know(url: str, shape: str) -> None:
    check = parse_target(url).check
    assert isinstance(check, Imitable)
    for _ in range(20):
        packet = check.first_packet()
        assert shape_of(packet.payload, tcp=packet.transport == "tcp") == shape
        assert shape_of(harmless(packet).payload, tcp=packet.transport == "tcp") is None


@pytest.mark.parametrize(
    ("payload", "tcp"),
    [
        (b"GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n", True),
        (b"\x16\x03\x01\x02\x00" + os.urandom(512), True),
        (b"SSH-2.0-OpenSSH_9.2\r\n", True),
        (b"", True),
        (b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12), False),
        (socket.inet_aton("192.0.2.1"), False),
    ],
)
def test_what_is_none_of_them_passes(payload: bytes, tcp: bool) -> None:
    assert shape_of(payload, tcp=tcp) is None


def test_what_looks_like_nothing_is_encrypted() -> None:
    packet = FirstPacket("tcp", bytes(range(128, 256)) * 2)
    assert shape_of(packet.payload, tcp=True) == "encrypted"

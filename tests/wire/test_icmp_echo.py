"""probe.wire.icmp_echo: requests that a kernel answers (tests/vpn), and replies to them alone."""

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed

from probe.wire.icmp_echo import Echo, _checksum

FOUR = Echo(
    source=ipaddress.ip_address("10.99.0.2"),
    destination=ipaddress.ip_address("10.99.0.1"),
    identifier=b"\x12\x34",
)
SIX = Echo(
    source=ipaddress.ip_address("fd99::2"),
    destination=ipaddress.ip_address("fd99::1"),
    identifier=b"\x12\x34",
)
BOTH = pytest.mark.parametrize("echo", [FOUR, SIX], ids=["IPv4", "IPv6"])


def replied(packet: bytes) -> bytes:
    """What a host makes of a request: ends exchanged, the type changed, the checksum set right
    with it (RFC 1624)."""
    four = packet[0] >> 4 == 4
    start, size, at = (20, 4, 12) if four else (40, 16, 8)
    source, destination = packet[at : at + size], packet[at + size : at + 2 * size]
    message = bytearray(packet[start:])
    due = struct.unpack("!H", message[2:4])[0] + (0x0800 if four else -0x0100)
    due = (due & 0xFFFF) + (due >> 16) if due >= 0 else due - 1 & 0xFFFF
    message[0] = 0 if four else 129
    message[2:4] = struct.pack("!H", due)
    return packet[:at] + destination + source + bytes(message)


def test_the_checksum_is_that_of_the_rfc_s_example() -> None:
    assert _checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF ^ 0xDDF2  # RFC 1071, section 3
    assert _checksum(b"\x01") == 0xFEFF


def test_a_request_is_a_whole_ipv4_packet() -> None:
    packet = FOUR.request(7)
    assert packet[:4] == struct.pack("!BBH", 0x45, 0, len(packet))
    assert (packet[8], packet[9]) == (64, 1)
    assert (packet[12:16], packet[16:20]) == (bytes([10, 99, 0, 2]), bytes([10, 99, 0, 1]))
    assert packet[20:22] + packet[24:28] == b"\x08\x00\x12\x34\x00\x07"
    assert _checksum(packet[:20]) == _checksum(packet[20:]) == 0  # right checksums cancel out


def test_a_request_is_a_whole_ipv6_packet() -> None:
    packet = SIX.request(7)
    length = len(packet) - 40
    assert packet[:8] == struct.pack("!IHBB", 6 << 28, length, 58, 64)
    assert packet[40:42] + packet[44:48] == b"\x80\x00\x12\x34\x00\x07"
    pseudo = packet[8:40] + struct.pack("!II", length, 58)
    assert _checksum(pseudo + packet[40:]) == 0


@BOTH
@pytest.mark.parametrize("number", [1, 20, 0xFFFF])
def test_a_reply_says_which_request_it_answers(echo: Echo, number: int) -> None:
    packet = replied(echo.request(number))
    assert echo.reply(packet) == number
    assert echo.reply(packet + bytes(12)) == number  # padded


@BOTH
def test_nothing_else_is_a_reply(echo: Echo) -> None:
    packet = replied(echo.request(3))
    other = Echo(source=echo.source, destination=echo.destination, identifier=b"\xff\xff")
    away = Echo(source=echo.destination, destination=echo.source, identifier=echo.identifier)
    assert other.reply(packet) is None
    assert away.reply(packet) is None
    assert echo.reply(echo.request(3)) is None
    assert (SIX if echo is FOUR else FOUR).reply(packet) is None
    for end in range(len(packet)):
        assert echo.reply(packet[:end]) is None


def test_a_fragment_is_no_reply() -> None:
    packet = bytearray(replied(FOUR.request(3)))
    packet[6] = 0x20
    assert FOUR.reply(bytes(packet)) is None
    packet[6] = 0x40  # may not be fragmented, as most hosts say
    assert FOUR.reply(bytes(packet)) == 3


@fuzzed
@given(st.sampled_from([FOUR, SIX]), st.integers(0, 20_000), st.binary(max_size=100))
def test_changed_bits_and_anything_else_raise_nothing(echo: Echo, at: int, data: bytes) -> None:
    packet = bytearray(replied(echo.request(3)))
    at %= len(packet) * 8
    packet[at // 8] ^= 1 << at % 8
    start = 20 if echo is FOUR else 40
    found = echo.reply(bytes(packet))
    assert found is None or at // 8 < start  # in the header much may differ
    for anything in (data, bytes(packet[:start]) + data, bytes([echo.source.version << 4]) + data):
        assert echo.reply(anything) in {None, 3}

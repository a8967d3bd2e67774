"""probe.net.icmp: what Linux's error queue holds, byte by byte."""

import errno
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.net.icmp import IP_RECVERR, IPV6_RECVERR, IcmpError, parse_errors

V4 = (socket.IPPROTO_IP, IP_RECVERR)
V6 = (socket.IPPROTO_IPV6, IPV6_RECVERR)
LOCAL, ICMP, ICMP6 = 1, 2, 3


def extended(origin: int, icmp_type: int, code: int, number: int = errno.EHOSTUNREACH) -> bytes:
    """A sock_extended_err without what follows it."""
    return struct.pack("=IBBBBII", number, origin, icmp_type, code, 0, 0, 0)


def offender4(ip: str) -> bytes:
    """A sockaddr_in."""
    return struct.pack("=HH4s8x", socket.AF_INET, 0, socket.inet_aton(ip))


def offender6(ip: str) -> bytes:
    """A sockaddr_in6, with a flow label and a scope that are not part of the address."""
    address = socket.inet_pton(socket.AF_INET6, ip)
    return struct.pack("=HHI16sI", socket.AF_INET6, 0, 0x01020304, address, 7)


@pytest.mark.parametrize(
    ("icmp_type", "code", "name"),
    [
        (11, 0, "time_exceeded"),
        (3, 0, "net_unreachable"),
        (3, 1, "host_unreachable"),
        (3, 2, "protocol_unreachable"),
        (3, 3, "port_unreachable"),
        (3, 9, "prohibited"),
        (3, 10, "prohibited"),
        (3, 13, "prohibited"),
        (3, 4, "unreachable"),
        (4, 0, "type_4"),
    ],
)
def test_icmp_errors_have_names(icmp_type: int, code: int, name: str) -> None:
    data = extended(ICMP, icmp_type, code) + offender4("192.0.2.7")
    assert parse_errors([(*V4, data)]) == IcmpError(errno.EHOSTUNREACH, name, "192.0.2.7")


@pytest.mark.parametrize(
    ("icmp_type", "code", "name"),
    [
        (3, 0, "time_exceeded"),
        (1, 0, "net_unreachable"),
        (1, 1, "prohibited"),
        (1, 3, "host_unreachable"),
        (1, 4, "port_unreachable"),
        (1, 5, "prohibited"),
        (1, 6, "prohibited"),
        (1, 2, "unreachable"),
        (2, 0, "type_2"),
    ],
)
def test_icmpv6_errors_have_names_of_their_own_numbers(
    icmp_type: int, code: int, name: str
) -> None:
    data = extended(ICMP6, icmp_type, code, errno.EACCES) + offender6("2001:db8::7")
    assert parse_errors([(*V6, data)]) == IcmpError(errno.EACCES, name, "2001:db8::7")


def test_the_error_is_found_among_other_control_data() -> None:
    data = extended(ICMP, 11, 0) + offender4("192.0.2.7")
    timestamp = (socket.SOL_SOCKET, 35, bytes(16))
    found = parse_errors([timestamp, (*V4, data)])
    assert found is not None
    assert found.offender == "192.0.2.7"


def test_an_error_whose_sender_is_not_told_is_still_an_error() -> None:
    # The kernel writes AF_UNSPEC where it does not know who it was.
    for rest in (b"", bytes(16), offender4("192.0.2.7")[:6], offender6("2001:db8::7")):
        found = parse_errors([(*V4, extended(ICMP, 11, 0) + rest)])
        assert found == IcmpError(errno.EHOSTUNREACH, "time_exceeded", None)
    found = parse_errors([(*V6, extended(ICMP6, 3, 0) + offender4("192.0.2.7"))])
    assert found == IcmpError(errno.EHOSTUNREACH, "time_exceeded", None)


@pytest.mark.parametrize(
    "ancillary",
    [
        [],
        [(*V4, b"")],
        [(*V4, (extended(ICMP, 11, 0) + offender4("192.0.2.7"))[:15])],
        # An error of this machine's own, such as EMSGSIZE, is nobody's answer.
        [(*V4, extended(LOCAL, 0, 0, errno.EMSGSIZE) + offender4("192.0.2.7"))],
        # ICMP's numbers mean other things over IPv6.
        [(*V4, extended(ICMP6, 3, 0) + offender4("192.0.2.7"))],
        [(*V6, extended(ICMP, 11, 0) + offender6("2001:db8::7"))],
        [(socket.SOL_SOCKET, IP_RECVERR, extended(ICMP, 11, 0) + offender4("192.0.2.7"))],
    ],
)
def test_what_is_no_icmp_error_is_none(ancillary: list[tuple[int, int, bytes]]) -> None:
    assert parse_errors(ancillary) is None


@given(data=st.binary(max_size=64), kind=st.sampled_from([V4, V6]), origin=st.integers(0, 5))
def test_no_bytes_are_too_broken(data: bytes, kind: tuple[int, int], origin: int) -> None:
    parse_errors([(*kind, data)])
    parse_errors([(*kind, data[:4] + bytes([origin]) + data[5:])])

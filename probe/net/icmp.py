"""ICMP errors as Linux hands them to an unprivileged socket: its error queue (ip(7), IP_RECVERR).

With each error the kernel gives a ``sock_extended_err`` (linux/errqueue.h) and behind it the
address that the error came from. Nothing here does I/O.
"""

import socket
import struct
from typing import Final, NamedTuple

# linux/in.h and linux/in6.h; Python's socket module has no names for them before 3.14.
IP_RECVERR: Final = 11
IPV6_RECVERR: Final = 25

TIME_EXCEEDED: Final = "time_exceeded"
PORT_UNREACHABLE: Final = "port_unreachable"
OTHER_UNREACHABLE: Final = "unreachable"
UNKNOWN: Final = "unknown"  # the kernel told of an error, but not of which, nor whose

_EXTENDED_ERR: Final = struct.Struct("=IBBBBII")  # errno, origin, type, code, padding, info, data
_ORIGIN_ICMP, _ORIGIN_ICMP6 = 2, 3
# RFC 792, RFC 1812 section 5.2.7.1
_V4_TIME_EXCEEDED, _V4_UNREACHABLE = 11, 3
_V4_CODES: Final = {
    0: "net_unreachable",
    1: "host_unreachable",
    2: "protocol_unreachable",
    3: PORT_UNREACHABLE,
    9: "prohibited",
    10: "prohibited",
    13: "prohibited",
}
# RFC 4443 sections 3.1 and 3.3
_V6_TIME_EXCEEDED, _V6_UNREACHABLE = 3, 1
_V6_CODES: Final = {
    0: "net_unreachable",
    1: "prohibited",
    3: "host_unreachable",
    4: PORT_UNREACHABLE,
    5: "prohibited",
    6: "prohibited",
}


class IcmpError(NamedTuple):
    """One entry of the error queue: what the kernel makes of it, its name, and who sent it."""

    errno: int
    name: str
    offender: str | None


def parse_errors(ancillary: list[tuple[int, int, bytes]]) -> IcmpError | None:
    """The ICMP error in one message's control data; None if it holds none, or a broken one."""
    for level, kind, data in ancillary:
        if (level, kind) == (socket.IPPROTO_IP, IP_RECVERR):
            origin, width, at = _ORIGIN_ICMP, 4, 4
        elif (level, kind) == (socket.IPPROTO_IPV6, IPV6_RECVERR):
            origin, width, at = _ORIGIN_ICMP6, 16, 8
        else:
            continue
        if len(data) < _EXTENDED_ERR.size:
            continue
        errno, found, icmp_type, code, *_ = _EXTENDED_ERR.unpack_from(data)
        if found != origin:
            continue
        return IcmpError(errno, _name(origin, icmp_type, code), _offender(data, width, at))
    return None


def _name(origin: int, icmp_type: int, code: int) -> str:
    v4 = origin == _ORIGIN_ICMP
    if icmp_type == (_V4_TIME_EXCEEDED if v4 else _V6_TIME_EXCEEDED):
        return TIME_EXCEEDED
    if icmp_type == (_V4_UNREACHABLE if v4 else _V6_UNREACHABLE):
        return (_V4_CODES if v4 else _V6_CODES).get(code, OTHER_UNREACHABLE)
    return f"type_{icmp_type}"


def _offender(data: bytes, width: int, at: int) -> str | None:
    """The sockaddr behind the error: family, port, for IPv6 the flow, then the address."""
    sockaddr = data[_EXTENDED_ERR.size :]
    family = socket.AF_INET if width == 4 else socket.AF_INET6
    if len(sockaddr) < at + width or struct.unpack_from("=H", sockaddr)[0] != family:
        return None
    return socket.inet_ntop(family, sockaddr[at : at + width])

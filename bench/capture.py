"""What really went over the line: tcpdump's capture, read as TCP connections.

The file format is libpcap's classic one (draft-ietf-opsawg-pcap): a header of 24 bytes, then each
packet behind 16 bytes of its own. Loopback carries Ethernet frames; IPv4 is RFC 791, TCP RFC 9293.
"""

import contextlib
import re
import signal
import struct
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from servers import NotMeasuredError, find

_NANOSECONDS: Final = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}  # by magic: of one unit of time
_ETHERNET: Final = 1
_IPV4_TCP: Final = (0x0800, 6)
_SYN, _ACK = 0x02, 0x10
_HANDSHAKE: Final = 22  # TLS record type (RFC 8446 section 5.1)
_SETTLE: Final = 0.3  # seconds that the last packets may take from the kernel to the file


@dataclass(frozen=True, slots=True)
class Segment:
    """A TCP segment that carries data; ``at`` in seconds since 1970, by the kernel's clock."""

    at: float
    data: bytes


@dataclass(slots=True, kw_only=True)
class Connection:
    """One TCP connection as the line saw it."""

    syn: float
    syn_ack: float | None = None
    client: list[Segment] = field(default_factory=list)
    server: list[Segment] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """Seconds between packets: what the probe's stages ought to show."""

    connect: float
    tls: float
    first_byte: float


def wire(connection: Connection) -> Wire:
    """The stages of one https exchange over TLS 1.3 without session tickets.

    The client then sends three flights: ClientHello, Finished, request. ValueError for anything
    else, such as a retransmission.
    """
    client = connection.client
    if connection.syn_ack is None or len(client) < 3 or client[0].data[0] != _HANDSHAKE:
        raise ValueError("no TLS 1.3 exchange in this connection")
    hello, finished, request = client[:3]
    answered = [segment.at for segment in connection.server if segment.at > request.at]
    if not answered:
        raise ValueError("no response in this connection")
    return Wire(
        connect=connection.syn_ack - connection.syn,
        tls=finished.at - hello.at,
        first_byte=answered[0] - request.at,
    )


@contextlib.contextmanager
def capturing(port: int, path: Path) -> Iterator[None]:
    """Capture this TCP port's packets on loopback into ``path`` until the block ends.

    NotMeasuredError where capturing is not allowed, and where the kernel dropped packets.
    """
    command = [find("tcpdump"), "-i", "lo", "-w", "-", "-U", "--immediate-mode", "-B", "16384"]
    command += ["--time-stamp-precision=nano", "-s", "2048", f"tcp port {port}"]
    with (
        path.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=subprocess.PIPE, text=True) as tcpdump,
    ):
        assert tcpdump.stderr is not None
        said = ""
        while "listening on" not in said:
            line = tcpdump.stderr.readline()
            if not line:
                raise NotMeasuredError(f"tcpdump cannot capture: {said.strip().splitlines()[-1]}")
            said += line
        try:
            yield
            time.sleep(_SETTLE)
        finally:
            tcpdump.send_signal(signal.SIGINT)
            said = tcpdump.stderr.read()
    dropped = re.search(r"(\d+) packets dropped by kernel", said)
    if dropped and int(dropped[1]):
        raise NotMeasuredError(f"the capture lost {dropped[1]} packets")


def connections(path: Path, port: int) -> list[Connection]:
    """The connections to ``port`` in a capture, in the order of their SYNs."""
    found: list[Connection] = []
    current: dict[int, Connection] = {}  # by the client's port
    for at, frame in _frames(path.read_bytes()):
        parsed = _tcp(frame)
        if parsed is None:
            continue
        source, destination, flags, data = parsed
        inward = source == port
        client = destination if inward else source
        if flags & (_SYN | _ACK) == _SYN:
            current[client] = Connection(syn=at)
            found.append(current[client])
        elif client not in current:
            continue
        elif flags & _SYN:
            current[client].syn_ack = at
        elif data:
            segments = current[client].server if inward else current[client].client
            segments.append(Segment(at, data))
    return found


def _frames(capture: bytes) -> Iterator[tuple[float, bytes]]:
    order = "<" if int.from_bytes(capture[:4], "little") in _NANOSECONDS else ">"
    magic, *_, link = struct.unpack_from(f"{order}IHHiIII", capture)
    if magic not in _NANOSECONDS or link != _ETHERNET:
        raise NotMeasuredError("tcpdump wrote a capture of another kind")
    unit = _NANOSECONDS[magic]
    position = 24
    while position + 16 <= len(capture):
        seconds, fraction, length, _ = struct.unpack_from(f"{order}IIII", capture, position)
        position += 16
        yield seconds + fraction * unit / 1e9, capture[position : position + length]
        position += length


def _tcp(frame: bytes) -> tuple[int, int, int, bytes] | None:
    """Ports, flags and data of an Ethernet frame that holds IPv4 and TCP."""
    (ethertype,) = struct.unpack_from("!H", frame, 12)
    if (ethertype, frame[23]) != _IPV4_TCP:
        return None
    ip = 14
    segment = ip + (frame[ip] & 0x0F) * 4
    (total,) = struct.unpack_from("!H", frame, ip + 2)
    source, destination = struct.unpack_from("!HH", frame, segment)
    data = segment + (frame[segment + 12] >> 4) * 4
    return source, destination, frame[segment + 13], frame[data : ip + total]

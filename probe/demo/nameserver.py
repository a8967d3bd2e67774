"""The embedded internet's resolver, over UDP and TCP on one port (RFC 1035, RFC 7766).

It knows its world and nothing else: any other name does not exist. That is also what the probe's
own sanity question, a random name, needs to hear.
"""

import asyncio
import ipaddress
import socket
from typing import Final

import dns.exception
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from probe.core.address import Endpoint
from probe.demo.listener import Listener, bind, endpoint_of
from probe.demo.world import World

_TTL: Final = 5  # seconds
_PATIENCE: Final = 30.0  # seconds that a TCP connection may last
_HEADER: Final = 12  # bytes
_BIND_ATTEMPTS: Final = 20
_RCODES: Final = {
    "nxdomain": dns.rcode.NXDOMAIN,
    "servfail": dns.rcode.SERVFAIL,
    "refused": dns.rcode.REFUSED,
    "empty": dns.rcode.NOERROR,
}


class Zone:
    """What the nameserver answers, without any I/O."""

    def __init__(self, world: World) -> None:
        """Take the names and addresses out of the world."""
        self._addresses = {host.name: host.address for host in world.hosts}
        self._rcodes = {name: _RCODES[how] for name, how in world.nameserver.answers.items()}

    def answer(self, wire: bytes) -> bytes | None:
        """The response to one message; None where an answer would be out of place.

        Garbage gets FORMERR, as long as it has a header to take the id from; a message that is a
        response itself gets none, or two nameservers could talk to each other for ever.
        """
        if len(wire) < _HEADER or wire[2] & 0x80:
            return None
        try:
            query = dns.message.from_wire(wire)
            return self._respond(query).to_wire()
        except (dns.exception.DNSException, ValueError):
            return _format_error(wire)

    def _respond(self, query: dns.message.Message) -> dns.message.Message:
        response = dns.message.make_response(query, recursion_available=True)
        if query.opcode() != dns.opcode.QUERY:
            response.set_rcode(dns.rcode.NOTIMP)
            return response
        if len(query.question) != 1 or query.question[0].rdclass != dns.rdataclass.IN:
            response.set_rcode(dns.rcode.REFUSED)
            return response
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        address = self._addresses.get(name)
        if address is None:
            response.set_rcode(self._rcodes.get(name, dns.rcode.NXDOMAIN))
            return response
        kind = dns.rdatatype.A
        if ipaddress.ip_address(address).version == 6:
            kind = dns.rdatatype.AAAA
        if question.rdtype == kind:
            response.answer.append(dns.rrset.from_text(question.name, _TTL, "IN", kind, address))
        return response


def _format_error(wire: bytes) -> bytes:
    header = bytearray(_HEADER)
    header[:2] = wire[:2]
    header[2] = 0x80 | (wire[2] & 0x79)  # a response, with the query's opcode and RD
    header[3] = dns.rcode.FORMERR
    return bytes(header)


class Nameserver:
    """Answers for a zone on one address, with UDP and TCP on the same port."""

    def __init__(self, zone: Zone, address: str, port: int) -> None:
        """Bind; a port of 0 takes one that is free for both. OSError if there is none."""
        self._zone = zone
        self._stream, self._datagram = _bind_both(address, port)
        self.endpoint: Endpoint = endpoint_of(self._stream)
        self._listener = Listener(self._stream, self._serve)
        self._answering = asyncio.create_task(self._answer())

    async def stop(self) -> None:
        """Give the port back and end every connection."""
        self._answering.cancel()
        await asyncio.gather(self._listener.stop(), self._answering, return_exceptions=True)
        self._datagram.close()

    async def _answer(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                wire, client = await loop.sock_recvfrom(self._datagram, 65535)
                response = self._zone.answer(wire)
                if response is not None:
                    await loop.sock_sendto(self._datagram, response, client)
            except OSError:
                await asyncio.sleep(0)  # one client's trouble; let the others run

    async def _serve(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        received = b""
        async with asyncio.timeout(_PATIENCE):
            while chunk := await loop.sock_recv(sock, 65536):
                received += chunk
                while len(received) >= 2 and len(received) >= (end := 2 + _length(received)):
                    response = self._zone.answer(received[2:end])
                    received = received[end:]
                    if response is None:
                        return
                    await loop.sock_sendall(sock, len(response).to_bytes(2) + response)


def _length(received: bytes) -> int:
    """The two bytes that stand before each message over TCP (RFC 1035 section 4.2.2)."""
    return int.from_bytes(received[:2])


def _bind_both(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    for attempt in range(1, _BIND_ATTEMPTS + 1):
        stream = bind(address, port)
        try:
            return stream, bind(address, endpoint_of(stream).port, socket.SOCK_DGRAM)
        except OSError:
            stream.close()
            # A port free for TCP may be taken for UDP: any other will do.
            if port or attempt == _BIND_ATTEMPTS:
                raise
    raise AssertionError("the last attempt raises")

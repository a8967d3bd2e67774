"""What the censor does with DNS queries over UDP, and how a rule's names are matched."""

import itertools
import socket
import time
from collections.abc import Callable, Iterable
from functools import partial

import dns.message
from lab import rules as acts
from lab.forging import answer
from lab.packets import Packet, asked, question, udp
from lab.queueing import QueueLoop
from lab.rules import Rule, Where


def names_match(where: Where, name: str) -> bool:
    """Whether a name is one of the rule's: exact, below a ``*.suffix``, or any for ``*``."""
    return any(
        own in (name, "*") or (own.startswith("*.") and name.endswith(own[1:]))
        for own in where.names
    )


class DnsCensor:
    """Forges, swallows, proxies or doubles queries."""

    def __init__(self, loop: QueueLoop, send: Callable[[bytes], None]) -> None:
        self._loop = loop
        self._send = send
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._numbers = itertools.cycle(range(1 << 16))
        self._waiting: dict[bytes, Packet] = {}  # by the id of the proxy's own query
        loop.watch(self._socket.fileno(), self._answered)

    def passes(self, packet: Packet, rules: Iterable[Rule]) -> bool:
        """Act on a query; False if it is not to go on itself."""
        query = question(packet.payload)
        if query is None:
            return True
        name = asked(query)
        fitting = [rule for rule in rules if not rule.where.names or names_match(rule.where, name)]
        # What another rule swallows reaches no proxy: together they are a proxy that forges.
        fitting.sort(key=lambda rule: isinstance(rule.act, acts.DnsProxy))
        passes = True
        for rule in fitting:
            if passes or not isinstance(rule.act, acts.DnsProxy):
                passes = self._act(rule, query, packet) and passes
        return passes

    def _act(self, rule: Rule, query: dns.message.Message, packet: Packet) -> bool:
        match rule.act:
            case acts.DnsInject(answers=answers, suppress=suppress):
                now = time.monotonic()
                for forged in answers:
                    raw = answer(query, packet, forged)
                    if raw is not None:
                        self._loop.at(now + forged.after, partial(self._send, raw))
                return not suppress
            case acts.DnsDrop():
                return False
            case acts.DnsProxy(upstream=upstream):
                own = next(self._numbers).to_bytes(2)
                self._waiting[own] = packet
                self._socket.sendto(own + packet.payload[2:], (upstream, 53))
                return False
            case acts.DnsDuplicate():
                self._send(packet.raw)
        return True

    def _answered(self) -> None:
        payload, _ = self._socket.recvfrom(65535)
        packet = self._waiting.pop(payload[:2], None)
        if packet is not None:
            far, near = (packet.dst, packet.dport), (packet.src, packet.sport)
            self._send(udp(far, near, packet.payload[:2] + payload[2:], ttl=62))

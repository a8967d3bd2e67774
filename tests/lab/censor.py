"""The censor: a program on the router that sees every packet and acts on the rules it was told.

    python -m lab.censor

It reads all rules as one line of JSON from each line of standard input; new rules forget every
connection and every residual block. What it injects leaves by a raw socket, and so is not seen by
itself. A connection is judged by its address, then by the server name in the client's first data.
"""

import socket
import sys
import time
from collections.abc import Iterable
from functools import partial
from ipaddress import ip_address, ip_network

from lab import rules as acts
from lab.flows import READ, Flow, Key, Residuals
from lab.forging import FINGERPRINTS, PLAIN, Fingerprint, page, refusal, resets
from lab.names import DnsCensor, names_match
from lab.packets import ACK, ICMP, RST, SYN, TCP, UDP, Packet, parse, server_name, unreachable
from lab.places import CLIENTS, ROUTER
from lab.queueing import Held, QueueLoop
from lab.rules import Rule, Where, decode
from lab.shapes import shape_of

_PROTOCOLS = {TCP: "tcp", UDP: "udp", ICMP: "icmp"}


def concerns(where: Where, host: str, port: int, protocol: int) -> bool:
    """Whether a rule's address, port and protocol fit; its names are another question."""

    def among(networks: Iterable[str]) -> bool:
        return any(ip_address(host) in ip_network(network) for network in networks)

    return (
        where.protocol in (None, _PROTOCOLS.get(protocol))
        and (not where.ports or port in where.ports)
        and (not where.addresses or among(where.addresses))
        and not among(where.spared)
    )


class Censor:
    """The rules, and what they have to remember."""

    def __init__(self) -> None:
        self._loop = QueueLoop(self._decide, self._told)
        self._raw = {
            4: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
            6: socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW),
        }
        self._dns = DnsCensor(self._loop, self._send)
        self._told("[]")

    def run(self) -> None:
        """Until standard input closes."""
        self._loop.run()

    def _told(self, text: str) -> None:
        self._rules = decode(text)
        self._flows: dict[Key, Flow] = {}
        self._residuals = Residuals()
        self._known: dict[tuple[str, int, int], list[Rule]] = {}

    def _fitting(self, host: str, port: int, protocol: int) -> list[Rule]:
        key = (host, port, protocol)
        if key not in self._known:
            fit = [rule for rule in self._rules if concerns(rule.where, *key)]
            self._known[key] = fit
        return self._known[key]

    def _send(self, raw: bytes) -> None:
        if raw[0] >> 4 == 4:
            self._raw[4].sendto(raw, (socket.inet_ntoa(raw[16:20]), 0))
        else:
            self._raw[6].sendto(raw, (socket.inet_ntop(socket.AF_INET6, raw[24:40]), 0))

    def _later(self, delay: float, raw: bytes) -> None:
        self._loop.at(time.monotonic() + delay, partial(self._send, raw))

    def _decide(self, held: Held) -> None:
        packet = parse(held.raw)
        outward = packet is not None and packet.src.startswith(CLIENTS)
        if packet is None:
            passes = True
        elif packet.protocol == TCP:
            passes = self._connection(packet, outward, held)
        elif packet.protocol == UDP:
            passes = self._datagram(packet, outward)
        else:
            far = packet.dst if outward else packet.src
            passes = self._routed(packet, outward, self._fitting(far, 0, packet.protocol))
        if passes:
            held.go()
        elif passes is not None:
            held.drop()

    # --- addresses -------------------------------------------------------------------------------

    def _routed(self, packet: Packet, outward: bool, rules: Iterable[Rule]) -> bool:
        for rule in rules:
            match rule.act:
                case acts.NullRoute(direction=way):
                    if way in ("both", "out" if outward else "in"):
                        return False
                case acts.IcmpUnreachable(code=code) if outward and ":" not in packet.src:
                    self._send(unreachable(packet, code, ROUTER))
                    return False
        return True

    def _datagram(self, packet: Packet, outward: bool) -> bool:
        far, port = (packet.dst, packet.dport) if outward else (packet.src, packet.sport)
        rules = self._fitting(far, port, UDP)
        if outward and port == 53 and not self._dns.passes(packet, rules):
            return False
        if outward and not self._shapely(packet, rules):
            return False
        return self._routed(packet, outward, rules)

    def _shapely(self, packet: Packet, rules: Iterable[Rule]) -> bool:
        """False if a datagram looks like a protocol that is filtered, or one did so shortly before
        between the same client, address and port."""
        if packet.dport == 53:
            return True  # a query begins with any two octets
        now, triple = time.monotonic(), (packet.src, packet.dst, packet.dport)
        if self._residuals.active(*triple, now) is not None:
            return False
        filters = [rule.act for rule in rules if isinstance(rule.act, acts.ShapeFilter)]
        shape = shape_of(packet.payload, tcp=False) if filters else None
        for act in filters:
            if act.protocol == shape:
                self._residuals.begin(triple, act.residual, now)
                return False
        return True

    # --- connections -----------------------------------------------------------------------------

    def _flow(self, packet: Packet, outward: bool) -> Flow:
        client, server = (packet.src, packet.sport), (packet.dst, packet.dport)
        if not outward:
            client, server = server, client
        key = (*client, *server)
        opens = outward and packet.flags & (SYN | ACK) == SYN
        flow = self._flows.get(key)
        if flow is None or (opens and packet.after != flow.client_next):
            flow = self._flows[key] = Flow(client, server, self._fitting(*server, TCP))
            for rule in flow.rules:
                if not rule.where.names:
                    self._arm(flow, rule)
        flow.see(packet, outward)
        return flow

    @staticmethod
    def _arm(flow: Flow, rule: Rule) -> None:
        match rule.act:
            case acts.Freeze(after=after):
                flow.freezes.append(after)
            case acts.Throttle():
                flow.throttles.append(rule.act)

    def _connection(self, packet: Packet, outward: bool, held: Held) -> bool | None:
        """True: it goes on; False: it vanishes; None: it goes on later."""
        flow = self._flow(packet, outward)
        if (flow.deaf and outward) or (flow.mute and not outward):
            return False
        if outward and not self._allowed(packet, flow):
            return False
        if not self._routed(packet, outward, (r for r in flow.rules if not r.where.names)):
            return False
        if outward and packet.payload and not flow.named and not self._read(packet, flow):
            return False
        return self._paced(packet, outward, flow, held)

    def _allowed(self, packet: Packet, flow: Flow) -> bool:
        """False if the packet is answered or swallowed for its address's sake alone."""
        now = time.monotonic()
        residual = self._residuals.active(flow.client[0], *flow.server, now)
        if residual is not None and residual.by == "drop":
            return False
        resets_data = residual is not None
        for rule in flow.rules:
            if isinstance(rule.act, acts.RstToSyn) and packet.flags & (SYN | ACK) == SYN:
                self._send(refusal(packet))
                return False
            resets_data = resets_data or isinstance(rule.act, acts.RstAnyData)
        if resets_data and packet.payload:
            self._reset(flow, PLAIN, to_server=True)
            flow.deaf = True
            return False
        return True

    def _reset(self, flow: Flow, kind: Fingerprint, *, to_server: bool) -> None:
        for raw in resets(flow, kind, to_server):
            self._send(raw)

    def _read(self, packet: Packet, flow: Flow) -> bool:
        """Look for the server name; False if the packet that completes it vanishes."""
        if not flow.said and not self._formless(packet, flow):
            return False
        flow.said += packet.payload
        found = server_name(flow.said)
        flow.named = found is not None or len(flow.said) > READ
        if found is None:
            return True
        layer, name = found
        passes = True
        for rule in flow.rules:
            if rule.where.names and not names_match(rule.where, name):
                continue
            passes = self._triggered(rule, layer, packet, flow) and passes
        return passes

    def _formless(self, packet: Packet, flow: Flow) -> bool:
        """False if a connection's first data look like a protocol that is filtered."""
        filters = [rule.act for rule in flow.rules if isinstance(rule.act, acts.ShapeFilter)]
        shape = shape_of(packet.payload, tcp=True) if filters else None
        for act in filters:
            if act.protocol == shape:
                self._residuals.begin(flow.triple, act.residual, time.monotonic())
                flow.deaf = flow.mute = True
                if act.by == "reset":
                    self._reset(flow, PLAIN, to_server=True)
                return False
        return True

    def _triggered(self, rule: Rule, layer: str, packet: Packet, flow: Flow) -> bool:
        now = time.monotonic()
        match rule.act:
            case acts.NameReset() as act if act.layer == layer:
                if act.bare_only and packet.header > 20:
                    return True
                kind = FINGERPRINTS[act.fingerprint]
                to_server = kind.both if act.to is None else act.to == "both"
                reset = partial(self._reset, flow, kind, to_server=to_server)
                self._loop.at(now + act.delay, reset)
                self._residuals.begin(flow.triple, act.residual, now)
                flow.deaf = flow.deaf or act.hold
                return not act.hold
            case acts.NameDrop() as act if act.layer == layer:
                self._residuals.begin(flow.triple, act.residual, now)
                flow.deaf = True
                flow.mute = act.direction == "both"
                return False
            case acts.HttpPage() as act if layer == "http":
                return self._page(act, flow)
            case acts.Freeze() | acts.Throttle() if rule.where.names:
                self._arm(flow, rule)
        return True

    def _page(self, act: acts.HttpPage, flow: Flow) -> bool:
        self._later(act.delay, page(flow, act))
        if act.way == "race":
            return True
        flow.deaf = flow.mute = True
        ends = list(resets(flow, PLAIN, to_server=True))
        self._send(ends[1])
        if act.end == "reset":
            # After the page: its octets have moved the number that the client expects.
            sent = len(parse(page(flow, act)).payload)  # type: ignore[union-attr]
            flow.server_next += sent
            self._later(act.delay + 0.02, next(resets(flow, PLAIN, to_server=False)))
        return False

    def _paced(self, packet: Packet, outward: bool, flow: Flow, held: Held) -> bool | None:
        if any(flow.received > after for after in flow.freezes):
            flow.deaf = flow.mute = True
            return False
        size, now = len(packet.payload), time.monotonic()
        if not size or packet.flags & RST:
            return True
        for limit in flow.throttles:
            bucket = flow.bucket(limit, outward)
            if not limit.shape:
                if not bucket.take(size, now):
                    return False
            elif wait := bucket.owe(size, now):
                self._loop.at(now + wait, held.go)
                return None
        return True


if __name__ == "__main__":
    sys.exit(Censor().run())

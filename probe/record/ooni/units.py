"""Which entries of OONI's flat layers belong together.

New versions number the entries of one connection (``transaction_id``). Older ones, and the
messenger tests to this day, only append: what was tried one after another stands in the same order
in every layer. So entries are taken in their order, each once, and only where name, address and
port fit.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from urllib.parse import SplitResult, urlsplit

from probe.core.address import Endpoint, is_ip
from probe.record.ooni.archival import Connect, Handshake, Query, Request, TestKeys
from probe.record.ooni.steps import addresses, endpoint_text

Ports = Callable[[str], tuple[int, ...] | None]  # those that a test uses at a host; None: foreign
DEFAULTS = {"http": 80, "https": 443}


@dataclass
class Lane:
    """One connection, and the handshake and exchange on it."""

    connect: Connect
    handshake: Handshake | None = None
    request: Request | None = None


@dataclass
class Unit:
    """One thing that a test did: a lookup, then connections. ``port`` None: none was dialled.

    ``request`` is an exchange of which it is not known on which connection it was.
    """

    host: str
    port: int | None
    queries: list[Query] = field(default_factory=list)
    lanes: list[Lane] = field(default_factory=list)
    request: Request | None = None


class Pool:
    """The layers of one record; what has been taken is not given again."""

    def __init__(self, keys: TestKeys) -> None:
        """Start with everything."""
        self.queries = list(keys.queries or ())
        self._connects = [c for c in keys.tcp_connect or () if is_ip(c.ip) and 0 < c.port < 65536]
        self._handshakes = [h for h in keys.tls_handshakes or () if h.network != "udp"]
        # OONI lists the newest first: the first request of a chain is the last.
        self._requests = [r for r in reversed(keys.requests or ()) if r.network != "udp"]

    def lane(self, ips: list[str], ports: tuple[int, ...], host: str) -> Lane | None:
        """The next connection to one of these places, with its handshake."""
        for connect in self._connects:
            if connect.ip in ips and connect.port in ports:
                self._connects.remove(connect)
                lane = Lane(connect)
                if connect.status.success:
                    lane.handshake = self._handshake(connect, host)
                return lane
        return None

    def _handshake(self, connect: Connect, host: str) -> Handshake | None:
        at = str(Endpoint(connect.ip, connect.port))
        for handshake in self._handshakes:
            same = (handshake.transaction_id or 0) == (connect.transaction_id or 0)
            named = (handshake.server_name or host).lower() in {host, connect.ip}
            if same and named and endpoint_text(handshake.address) == at:
                self._handshakes.remove(handshake)
                return handshake
        return None

    def request(self, wanted: Callable[[Request, SplitResult], bool]) -> Request | None:
        """The oldest exchange that is wanted."""
        for request in self._requests:
            if wanted(request, url_of(request)):
                self._requests.remove(request)
                return request
        return None

    def hosts(self) -> list[str]:
        """The hosts of all exchanges that were not taken, each once."""
        return list(dict.fromkeys(host_of(url_of(request)) for request in self._requests))


def url_of(request: Request) -> SplitResult:
    """The URL of an exchange in its parts. ValueError if it is none."""
    parts = urlsplit(request.request.url)
    _ = parts.port
    return parts


def host_of(parts: SplitResult) -> str:
    """Its host, in small letters and without the root's dot."""
    return (parts.hostname or "").rstrip(".").lower()


def port_of(parts: SplitResult) -> int | None:
    """Its port, or that of its scheme."""
    return parts.port or DEFAULTS.get(parts.scheme)


def in_turn(pool: Pool, ports: Ports) -> Iterator[Unit]:
    """What a messenger's test did, in its order.

    A connection is tried at each address of a lookup until one answers.
    """
    for (host, _), group in groupby(pool.queries, lambda q: (_name(q), q.t)):
        allowed = ports(host)
        if allowed is None:
            continue
        unit = Unit(host, None, queries=list(group))
        ips = addresses(unit.queries)
        _dial(pool, unit, ips, allowed)
        _ask(pool, unit, allowed)
        yield unit
    named = {_name(query) for query in pool.queries}
    for host in pool.hosts():  # addresses, of which nothing is looked up
        allowed = ports(host)
        if allowed is None or host in named:
            continue
        for port in allowed:
            unit = Unit(host, None)
            _dial(pool, unit, [host], (port,))
            _ask(pool, unit, (port,))
            if unit.port:
                yield unit


def at_once(pool: Pool, host: str, port: int, more: list[str]) -> Unit:
    """What Web Connectivity did with the host of its URL: every address was tried.

    ``more`` are addresses that only the test helper found; new versions try those too.
    """
    unit = Unit(host, port, queries=[q for q in pool.queries if _name(q) == host])
    ips = [*addresses(unit.queries), *more, host]
    while lane := pool.lane(ips, (port,), host):
        number = lane.connect.transaction_id
        if number:
            lane.request = pool.request(
                lambda r, u, n=number: r.transaction_id == n and host_of(u) == host  # type: ignore[misc]
            )
        unit.lanes.append(lane)
    if not any(lane.request for lane in unit.lanes):
        unit.request = pool.request(lambda _, u: host_of(u) == host and port_of(u) == port)
    return unit


def _dial(pool: Pool, unit: Unit, ips: list[str], ports: tuple[int, ...]) -> None:
    while len(unit.lanes) < len(ips) and (lane := pool.lane(ips, ports, unit.host)):
        unit.lanes.append(lane)
        unit.port, ports = lane.connect.port, (lane.connect.port,)
        if lane.connect.status.success:
            return


def _ask(pool: Pool, unit: Unit, ports: tuple[int, ...]) -> None:
    allowed = (unit.port,) if unit.port else ports
    request = pool.request(lambda _, u: host_of(u) == unit.host and port_of(u) in allowed)
    if request is None:
        return
    unit.port = port_of(url_of(request))
    if unit.lanes and unit.lanes[-1].connect.status.success and not request.failure:
        unit.lanes[-1].request = request
    else:
        unit.request = request


def _name(query: Query) -> str:
    return query.hostname.rstrip(".").lower()

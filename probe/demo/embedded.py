"""The embedded internet, up and running: everything of a world on real sockets of this machine.

Without root: every port is a free one, and Linux answers on all of 127.0.0.0/8, so that each host
has an address of its own.
"""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import yaml

from probe.core.address import Endpoint
from probe.demo.authority import Authority
from probe.demo.nameserver import Nameserver, Zone
from probe.demo.servers import Server
from probe.demo.world import Target, World
from probe.net.clocks import Clock


class EmbeddedInternet:
    """An asynchronous context manager: inside it the world's hosts can be reached.

    ``resolver`` (udp://…), ``ca_file`` and ``endpoint`` say how; ``configuration`` says it to the
    probe.
    """

    def __init__(self, world: World, folder: Path, clock: Clock) -> None:
        """Take the world, a folder for certificates (made if need be), and what tells the time."""
        self._world = world
        self._folder = folder
        self._clock = clock
        self._endpoints: dict[str, Endpoint] = {}
        self._stack = AsyncExitStack()
        self._beginning = 0.0

    async def __aenter__(self) -> Self:
        """Start every host; the story begins. OSError if a port that the world fixes is taken."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        authority = Authority(self._folder, self._clock.now())
        self.ca_file: Path = authority.ca_file
        async with AsyncExitStack() as stack:
            place = self._world.nameserver
            nameserver = Nameserver(Zone(self._world), place.address, place.port)
            stack.push_async_callback(nameserver.stop)
            self.resolver: str = f"udp://{nameserver.endpoint}"
            for host in self._world.hosts:
                shown = {host.certificate, *(change.certificate for change in host.changes)}
                contexts = (
                    {kind: authority.context(host.name, kind) for kind in shown}
                    if host.serves == "https"
                    else {}
                )
                server = Server(host, contexts, self._elapsed)
                stack.push_async_callback(server.stop)
                self._endpoints[host.name] = server.endpoint
            self._stack = stack.pop_all()
        self.begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop everything and end every connection."""
        await self._stack.aclose()

    def begin(self) -> None:
        """Let the story begin now, so that the world's changes count from here."""
        self._beginning = self._clock.monotonic()

    def endpoint(self, name: str) -> Endpoint:
        """Where a host is; KeyError if there is none of that name."""
        return self._endpoints[name]

    def configuration(self, results: Path) -> str:
        """A configuration of the probe, as YAML, that measures this internet."""
        world = self._world
        return yaml.safe_dump(
            {
                "vantage": world.vantage.model_dump(),
                "resolvers": [self.resolver],
                "anchors": {
                    "international": [self._page(name) for name in world.anchors.international],
                    "domestic": [self._page(name) for name in world.anchors.domestic],
                },
                "schedule": {"every": world.every, "spread": "0s"},
                "timeouts": world.timeouts,
                "confirm": {"quarantine": world.quarantine},
                "tls": {"ca_file": str(self.ca_file)},
                "targets": [self._target(target) for target in world.targets],
                "results": str(results),
            },
            sort_keys=False,
            allow_unicode=True,
        )

    def _target(self, target: Target) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "id": target.id,
            "service": target.service,
            "feature": target.feature,
            "url": self._url(target),
        }
        if target.transfer is not None:
            entry["transfer"] = target.transfer
        if target.sni is not None:
            entry |= {"sni": target.sni, "verify": "off"}
        return entry

    def _url(self, target: Target) -> str:
        if target.scheme == "dns":
            return f"dns://{target.host}?type=A"
        endpoint = self._endpoints.get(target.host)
        port = f":{endpoint.port}" if endpoint else ""  # a name without a host has no port
        return f"{target.scheme}://{target.host}{port}{target.path}"

    def _page(self, name: str) -> str:
        return f"{self._world.host(name).serves}://{name}:{self._endpoints[name].port}/"

    def _elapsed(self) -> float:
        return self._clock.monotonic() - self._beginning

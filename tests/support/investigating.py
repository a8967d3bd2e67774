"""Follow-ups on a scripted network: a decoy, an echo, and failures to be looked into."""

import asyncio
import hashlib
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from support.authority import ca_file, serving
from support.control import anchor_there, there
from support.plans import planned, tools
from support.records import https, measured, resolve, step
from support.servers import Serve, page, tls
from support.virtual import DAY, VirtualClock, run_virtual

from probe.core.address import Endpoint
from probe.core.model import Measurement, Step
from probe.judge.evidence import Evidence
from probe.measure.followups import Followups
from probe.measure.places import Places
from probe.measure.quarantine import Quarantine
from probe.net.fake import FakeNetwork, FakePeer
from probe.plan.jobs import Job
from probe.plan.question import Session

NEUTRAL, NAME = "www.neutral.example", "shop.example"
TARGET = Endpoint("192.0.2.1", 443)
DECOY, SECOND = Endpoint("198.51.100.2", 443), Endpoint("198.51.100.3", 8443)
PAGE = "the decoy's own page"
WITHIN = 40.0
RESET, TIMEOUT = "connection_reset", "generic_timeout_error"


def leaf(name: str = "decoy.example") -> str:
    """The certificate that a host of this name shows; by default the decoy's, as the control
    tells it."""
    serving(name)
    pem = Path(ca_file()).with_name(f"{name}-valid.pem").read_text()
    certificate = pem[: pem.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)]
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(certificate)).hexdigest()


def by_name(other: Serve, named: Serve) -> Serve:
    """One server for connections that name the target in their first packet, another for all."""

    async def serve(peer: FakePeer) -> None:
        first = await peer.receive()
        await (named if NAME.encode() in first else other)(_Again(peer, first))

    return serve


class _Again(FakePeer):
    """A connection of which something was read already."""

    def __init__(self, peer: FakePeer, first: bytes) -> None:
        super().__init__(peer.inbox, peer.outbox)
        self._first = first

    async def receive(self) -> bytes:
        first, self._first = self._first, b""
        return first or await super().receive()


def honest(body: bytes = PAGE.encode()) -> Serve:
    return tls(serving("decoy.example"), page(body))


@dataclass
class World:
    """Follow-ups on a scripted network; ``decoys`` are those of one control's session."""

    tcp: dict[Endpoint, Serve] = field(default_factory=dict)
    udp: dict[Endpoint, Serve] = field(default_factory=dict)
    decoys: tuple[Endpoint, ...] = (DECOY,)
    echo: Endpoint | None = None
    recorded: list[Measurement] = field(default_factory=list)
    kept: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.net = FakeNetwork(tcp=self.tcp, udp=self.udp)
        self.quarantine = Quarantine(VirtualClock().monotonic)
        self.tools = Followups(
            tools(self.net, self.kept, ca_file=ca_file()),
            Places(self._sessions, self.quarantine),
            self.quarantine,
            self.recorded.append,
            NEUTRAL,
        )

    async def _sessions(self) -> list[tuple[str, Session]]:
        session = Session(
            decoys=self.decoys,
            echo=self.echo,
            leaf=leaf(),
            page=PAGE,
            bytes_token="t0ken",
            bytes_max=1 << 20,
            client="203.0.113.1",
            expires=600.0,
        )
        return [("fra-1", session)]

    def investigate(self, evidence: Evidence, within: float = WITHIN) -> list[str]:
        """The kinds of follow-ups that were made, in their order."""
        run_virtual(self._investigate(evidence, within))
        return self.kinds

    async def _investigate(self, evidence: Evidence, within: float) -> float:
        loop = asyncio.get_running_loop()
        self.quarantine.anomaly(evidence.trial)  # as the cycle does
        found = await self.tools.investigate(job(evidence), evidence, within)
        # What the deadline cut off is recorded too, and decides nothing.
        assert list(found) == [m for m in self.recorded if m in found]
        return loop.time()

    @property
    def kinds(self) -> list[str]:
        return [str(m.followup) for m in self.recorded]

    def failures(self) -> list[str | None]:
        """How each follow-up ended."""
        return [m.steps[-1].failure for m in self.recorded]

    def names(self, key: str = "server_name") -> list[str]:
        """Which name each follow-up sent."""
        return [s.detail[key] for m in self.recorded for s in m.steps if key in s.detail]


def job(evidence: Evidence) -> Job:
    return planned(evidence.trial.target.url).jobs[0]


def failed(steps: Iterable[Step], check: str = "https", **more: Any) -> Evidence:
    url = f"{check}://{NAME}/" if check in {"http", "https"} else f"{check}://{NAME}"
    return Evidence(trials=(measured(check, tuple(steps), url=url),), **more)


def hello(failure: str) -> Evidence:
    return failed(https("tls_handshake", failure))


def valid_control(*ips: str) -> dict[str, Any]:
    """A control that counts, whose resolvers gave these addresses."""
    data = [{"type": "A", "data": ip} for ip in ips]
    steps = (resolve(answers=data), *https()[1:])
    return {
        "controls": (there(DAY, origin="fra-1", steps=steps),),
        "control_anchors": (anchor_there(DAY, origin="fra-1", role="anchor"),),
    }


def stalled(done: int = 17000) -> Evidence:
    body = replace(step("transfer", 2, TIMEOUT, bytes=done, last_byte=1.0), t=20.0)
    return failed([*https("http_response")[:5], body])

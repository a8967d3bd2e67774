"""Plays a story for one vantage: real checks, cycles and verdicts on a scripted network.

What is simulated is the network and the time. Everything else is the program as it runs elsewhere:
its checks send what they always send, a failure leads to the control, to follow-ups and repeats,
the judge gives verdicts by its rules, and the journal stores them.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Any, Final
from urllib.parse import urlsplit

from probe.core.address import Endpoint
from probe.core.model import Measurement, Verdict
from probe.demo.authority import Authority
from probe.demo.elsewhere import Elsewhere
from probe.demo.filter import Path
from probe.demo.jumping import JumpingClock, run_jumping
from probe.demo.scripted import script, tls
from probe.demo.story import Host, Place, Story
from probe.measure.cycle import run_cycle
from probe.measure.means import Means, Recorders, means_for
from probe.measure.measure import Instruments
from probe.measure.rounds import FeatureRounds
from probe.net.trust import Trust
from probe.plan.config import Config
from probe.plan.jobs import Plan, Planner
from probe.record.durable import Syncer
from probe.record.journal import Journal

RUN: Final = "replay-july-2017"  # the run that every measurement of the replay names
_DECOY: Final = "decoy.example"
_TRUST: Final = Trust()  # kept for the next vantage: to read all authorities takes its time


def certificates(story: Story, folder: FilePath) -> None:
    """Make what the servers show, valid in the story's time, in a folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority = Authority(folder, story.ends, since=story.begins)
    for name in (_DECOY, *(host.name for host in story.hosts if host.serves == "https")):
        authority.context(name, "valid")


def replay(
    story: Story,
    place: Place,
    folder: FilePath,
    results: FilePath,
    told: Callable[[float], None] = lambda _: None,
) -> None:
    """Play the story for one vantage, with ``certificates`` in ``folder``.

    ``told`` hears now and then which share of the story is over. Raises ResultsError.
    """
    # The story can be played again: nothing in it is worth waiting for the disk.
    with Journal(results, Syncer(fsync=lambda _: None)) as journal:
        run_jumping(_Vantage(story, place, folder, journal).run(told))


class _Vantage:
    def __init__(self, story: Story, place: Place, folder: FilePath, journal: Journal) -> None:
        self._story, self._place, self._journal = story, place, journal
        self._clock = JumpingClock(story.begins)
        self._kept: dict[str, bytes] = {}
        self._contexts = {
            path.name.removesuffix("-valid.pem"): _context(path)
            for path in sorted(folder.glob("*-valid.pem"))
        }
        self._leaves = {name: _leaf(folder / f"{name}-valid.pem") for name in self._contexts}
        self._plan = self._planned()
        self._tools = self._instruments(place, self._plan)

    async def run(self, told: Callable[[float], None]) -> None:
        means = self._means()
        rounds = FeatureRounds(self._plan.features, self._journal.verdict, self._clock.now)
        begins, ends = self._story.begins, self._story.ends
        number = self._story.vantages.index(self._place)

        for moment in self._story.rounds(number):
            await asyncio.sleep((moment - self._clock.now()).total_seconds())
            for job in self._plan.jobs:
                if not means.quarantined(job):
                    _, verdict = await run_cycle(job, means)
                    rounds.add(verdict)
            told((moment - begins) / (ends - begins))
        told(1.0)

    def _planned(self) -> Plan:
        given: dict[str, Any] = {
            "vantage": {"id": self._place.id},
            "resolvers": ["system"],
            "anchors": {**self._story.anchors.model_dump(), "portal": []},
            "targets": [self._pinned(target) for target in self._story.targets],
        }
        planner = Planner(Config.model_validate(given), FilePath(), self._place.vantage)
        planner.add_config()
        return planner.plan()

    def _pinned(self, target: dict[str, Any]) -> dict[str, Any]:
        """The target with its host's certificate: the real clock has no part in a pin, as it would
        have in the TLS library's idea of validity."""
        leaf = self._leaves.get(urlsplit(target["url"]).hostname or "")
        return {**target, "pin": leaf} if leaf else target

    def _instruments(self, place: Place, plan: Plan) -> Instruments:
        story, path = self._story, Path(self._story, place, self._clock)
        servers = {host: script(host, self._contexts, path.distance) for host in story.hosts}
        decoy = Host(name=_DECOY, address=story.decoy, serves="https")
        servers[decoy] = tls(self._contexts[_DECOY], b"", path.distance)
        path.serve(servers)
        return Instruments(
            run=RUN,
            vantage=place.vantage,
            net=path,
            clock=self._clock,
            trust=_TRUST,
            keep=self._keep,
            read=self._kept.get,
            user_agent=plan.user_agent,
        )

    def _means(self) -> Means:
        story, tools = self._story, self._tools
        means = means_for(
            self._plan,
            tools,
            Recorders(measurement=self._measured, verdict=self._judged),
            at_once=False,
        )
        control = Elsewhere(
            self._instruments(story.control, self._plan),
            self._plan.anchors,
            self._measured,
            decoy=Endpoint(story.decoy, 443),
            leaf=self._leaves[_DECOY],
            client=Path.local_ip,
        )
        means.controls, means.controlled = control, True
        if means.followups is not None:
            means.followups.places.sessions = control.session
        return means

    def _measured(self, measurement: Measurement) -> None:
        self._journal.measurement(measurement)

    def _judged(self, verdict: Verdict) -> None:
        self._journal.verdict(verdict)

    def _keep(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        if name not in self._kept:
            self._kept[name] = data
            self._journal.objects.put(data)
        return name


def _context(path: FilePath) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    context.num_tickets = 0  # nobody comes back to resume a session
    context.load_cert_chain(path)
    return context


def _leaf(path: FilePath) -> str:
    end = "-----END CERTIFICATE-----"
    pem = path.read_text("ascii").partition(end)[0] + end
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()

"""A long history of verdicts, as vantages store it: what ``probe compare`` reads.

Four vantages measure WhatsApp's 41 targets, one of ExpressVPN's and eight own endpoints, every ten
minutes. Each measurement has the verdict on its target; each round of a feature has one on the
feature, given by the judge's own rules. 2 % fail by themselves, WhatsApp's media are blocked from
18 July 2017 on for two days, and each vantage is offline for a while. The measurements themselves
are not written: a comparison opens none.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from os import cpu_count
from pathlib import Path
from typing import Final

from probe.core.model import Control, Outcome, Trials, Vantage, Verdict
from probe.judge.feature import judge_feature
from probe.judge.rules import RULES
from probe.plan.config import Config
from probe.plan.jobs import Feature, Plan, Planner
from probe.record.codec import encode
from probe.record.journal import VERDICTS

MIDDLE: Final = datetime(2017, 7, 10, tzinfo=UTC)  # so that July 2017 is among the days
EVERY: Final = timedelta(minutes=10)
ROUNDS: Final = 144  # a day
BLOCKED: Final = (datetime(2017, 7, 18, tzinfo=UTC), datetime(2017, 7, 20, tzinfo=UTC))
VANTAGES: Final = (
    Vantage(id="sh-ct-1", country="CN", asn=4134, network="residential"),
    Vantage(id="bj-cu-1", country="CN", asn=4837, network="residential"),
    Vantage(id="gz-cm-1", country="CN", asn=9808, network="mobile"),
    Vantage(id="sh-line-1", country="CN", asn=4134, network="leased_line"),
)
_NOISE: Final = 0.02
_OFFLINE: Final = 10  # on one day in so many, from 03:00 until 05:00, a vantage is
_OWN: Final = 8


@dataclass(frozen=True, slots=True)
class Lines:
    """One verdict's line with gaps: for its id, time, cycle and the ids of its evidence."""

    text: bytes
    evidence: int

    @classmethod
    def of(cls, verdict: Verdict) -> "Lines":
        """Encode it once; where ``%`` marks stand, each cycle has its own."""
        evidence = tuple("%b" for _ in verdict.evidence)
        marked = replace(verdict, id="%b", cycle="%b", evidence=evidence)
        text = encode(marked).replace(b'"at":"2017-07-10T00:00:00.000000Z"', b'"at":"%b"')
        return cls(text, len(evidence))

    def line(self, at: bytes, ids: Iterator[bytes], evidence: Sequence[bytes]) -> bytes:
        """The line of one cycle; evidence beyond what is given (controls, anchors) is new."""
        own = [*evidence[: self.evidence]]
        own += [next(ids) for _ in range(self.evidence - len(own))]
        return self.text % (next(ids), at, next(ids), *own)


def generate(root: Path, count: int) -> tuple[int, int]:
    """Write the verdicts on ``count`` measurements; how many there are of targets, of features."""
    (root / VERDICTS).mkdir(parents=True)
    per_day = len(VANTAGES) * ROUNDS * len(_plan(VANTAGES[0]).jobs)
    days = -(-count // per_day)
    first = MIDDLE - timedelta(days=days // 2)
    left = [(root, first + timedelta(days=day), count - day * per_day) for day in range(days)]
    with ProcessPoolExecutor(cpu_count()) as pool:
        written = list(pool.map(_write_day, left, chunksize=4))
    return sum(one for one, _ in written), sum(two for _, two in written)


def _plan(vantage: Vantage) -> Plan:
    """What such a vantage's configuration asks for."""
    targets = [
        {"id": f"office-{number}", "service": f"office-vpn-{number}", "feature": "tunnel"}
        | {"url": f"tls://vpn{number}.office.example"}
        for number in range(_OWN)
    ]
    config = Config.model_validate(
        {
            "vantage": {"id": vantage.id, "country": vantage.country, "network": vantage.network},
            "services": ["whatsapp", "expressvpn"],
            "targets": targets,
        }
    )
    planner = Planner(config, Path(), vantage)
    planner.add_config()
    return planner.plan()


def _write_day(given: tuple[Path, datetime, int]) -> tuple[int, int]:
    root, day, left = given
    vantages = [_known(vantage) for vantage in VANTAGES]
    for vantage in vantages:
        vantage.numbers.seed(f"{day:%Y-%m-%d} {vantage}")
    targets = features = 0
    with (root / VERDICTS / f"{day:%Y-%m-%d}.jsonl").open("wb") as file:
        for cycle in range(ROUNDS):
            for vantage in vantages:
                for line, of_target in vantage.round(day + cycle * EVERY):
                    if of_target and targets == left:
                        return targets, features
                    targets += of_target
                    features += not of_target
                    file.write(line)
    return targets, features


class _Vantage:
    """Gives a vantage's verdicts round by round; a line is encoded once for each way it can go."""

    def __init__(self, vantage: Vantage) -> None:
        self.numbers = random.Random()
        self._vantage = vantage
        self._plan = _plan(vantage)
        self._ids = self._fresh()
        self._of_target: dict[tuple[str, Outcome], tuple[Verdict, Lines]] = {}
        self._of_feature: dict[tuple[str, str, tuple[Outcome, ...]], Lines] = {}
        self._urls = {job.target.id: job.target.url for job in self._plan.jobs}

    def round(self, start: datetime) -> Iterator[tuple[bytes, bool]]:
        """Each line, and whether it is on a target; as targets are reached, features behind."""
        step = EVERY / len(self._urls)
        at = start
        for feature in self._plan.features:
            outcomes: list[Outcome] = []
            trials = []
            for target in feature.targets:
                at += step
                outcome = self._outcome(feature, at)
                trial = next(self._ids)
                _, lines = self._target(feature, target, outcome)
                yield lines.line(_told(at), self._ids, (trial,)), True
                outcomes.append(outcome)
                trials.append(trial)
            ways = tuple(outcomes)
            yield self._feature(feature, ways).line(_told(at), self._ids, trials), False

    def _outcome(self, feature: Feature, at: datetime) -> Outcome:
        if at.day % _OFFLINE == len(self._vantage.id) % _OFFLINE and 3 <= at.hour < 5:
            return "offline"
        blocked = self._vantage.network != "leased_line" and BLOCKED[0] <= at < BLOCKED[1]
        if blocked and (feature.service, feature.feature) == ("whatsapp", "media"):
            return "blocked"
        return "unreachable" if self.numbers.random() < _NOISE else "ok"

    def _target(self, feature: Feature, target: str, outcome: Outcome) -> tuple[Verdict, Lines]:
        key = target, outcome
        if key not in self._of_target:
            found = self._verdict(feature, target, outcome)
            self._of_target[key] = found, Lines.of(found)
        return self._of_target[key]

    def _feature(self, feature: Feature, ways: tuple[Outcome, ...]) -> Lines:
        key = feature.service, feature.feature, ways
        if key not in self._of_feature:
            members = [
                replace(self._target(feature, target, outcome)[0], evidence=(target,))
                for target, outcome in zip(feature.targets, ways, strict=True)
            ]
            found = judge_feature(feature.policy, members, MIDDLE)
            self._of_feature[key] = Lines.of(found)
        return self._of_feature[key]

    def _verdict(self, feature: Feature, target: str, outcome: Outcome) -> Verdict:
        """As the judge gives it: what fails names its trials, controls and anchors."""
        failed = outcome != "ok"
        blocked = outcome == "blocked"
        return Verdict(
            id="",
            at=MIDDLE,
            cycle="",
            vantage=self._vantage,
            target=target,
            service=feature.service,
            feature=feature.feature,
            url=self._urls[target],
            outcome=outcome,
            mechanism={"blocked": "tls.reset.sni", "unreachable": "tcp.timeout"}.get(outcome),
            locus={"blocked": "network", "offline": "vantage"}.get(outcome, "unknown")  # type: ignore[arg-type]
            if failed
            else None,
            rule={"blocked": "decoy-name-reset", "ok": "complete"}.get(outcome, outcome),
            rules=RULES,
            covered="handshake" if failed else "response",
            control=Control(ids=("control-1", "control-2"), outcome="ok") if blocked else Control(),
            evidence=("",) * (9 if blocked else 4 if failed else 1),
            note="repeats within the quarantine are one observation" if blocked else None,
            trials=Trials(failed=3 if blocked else 1, needed=3) if failed else None,
        )

    def _fresh(self) -> Iterator[bytes]:
        """Identifiers in the form of UUIDv7."""
        draw = self.numbers.getrandbits
        while True:
            yield b"015d4c6f-%04x-7%03x-9%03x-%012x" % (draw(16), draw(12), draw(12), draw(48))


@cache
def _known(vantage: Vantage) -> _Vantage:
    return _Vantage(vantage)


def _told(at: datetime) -> bytes:
    return f"{at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z".encode()


if __name__ == "__main__":
    print(*generate(Path(sys.argv[1]), int(sys.argv[2])))

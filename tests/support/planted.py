"""Datasets whose truth is known, because it was put in: series of verdicts, and reports of them."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from support.reported import reported

from probe.compare.collect import collect
from probe.compare.reports import Report
from probe.core.model import Control, Network, Outcome, Vantage, Verdict

START: Final = datetime(2017, 6, 1, tzinfo=UTC)
DAYS: Final = 40
EVERY: Final = timedelta(minutes=10)
KINDS: Final[tuple[Network, ...]] = ("residential", "mobile", "residential", "mobile")
ASNS: Final = (4134, 4837, 9808, 56040)


@dataclass
class Block:
    """Part of the truth: from ``onset`` until ``end`` a share of the cycles fails."""

    onset: datetime
    end: datetime
    share: float = 1.0
    outcome: Outcome = "blocked"
    asns: tuple[int, ...] = ASNS


@dataclass
class Truth:
    """One dataset: what is true in it, and how it is disturbed."""

    blocks: list[Block] = field(default_factory=list)
    noise: float = 0.02
    burst: float = 0.0  # chance that a failure is followed by another
    evening: float = 0.0  # more failures from 12 until 16 o'clock, UTC
    gaps: list[tuple[datetime, datetime]] = field(default_factory=list)
    networks: int = 4
    kinds: tuple[Network, ...] = KINDS
    every: timedelta = EVERY
    days: int = DAYS


def verdicts(truth: Truth, seed: int) -> Iterator[Verdict]:
    """What the networks' vantages say about WhatsApp's media, in order of time."""
    rng = random.Random(seed)
    for network in range(truth.networks):
        vantage = Vantage(
            id=f"v{network}", country="CN", asn=ASNS[network], network=truth.kinds[network]
        )
        failed = False
        at = START + timedelta(seconds=rng.uniform(0, 600))
        while at < START + timedelta(days=truth.days):
            outcome, failed = _outcome(truth, vantage, at, failed, rng)
            if not any(start <= at < end for start, end in truth.gaps):
                yield _verdict(vantage, at, outcome)
            elif rng.random() < 0.5:
                yield _verdict(vantage, at, "offline")
            at += truth.every


def _outcome(
    truth: Truth, vantage: Vantage, at: datetime, failed: bool, rng: random.Random
) -> tuple[Outcome, bool]:
    for block in truth.blocks:
        if block.onset <= at < block.end and vantage.asn in block.asns:
            if rng.random() < block.share:
                return block.outcome, False
            break
    evening = truth.evening if 12 <= at.hour < 16 else 0.0
    chance = truth.burst if failed and truth.burst else truth.noise + evening
    failed = rng.random() < chance
    return ("unreachable" if failed else "ok"), failed


def _verdict(vantage: Vantage, at: datetime, outcome: Outcome) -> Verdict:
    return Verdict(
        id=f"{vantage.id}-{at.timestamp():.0f}",
        at=at,
        cycle="c",
        vantage=vantage,
        target=None,
        service="whatsapp",
        feature="media",
        url=None,
        outcome=outcome,
        mechanism="tls.reset.sni" if outcome == "blocked" else None,
        locus=None,
        rule="r",
        rules=1,
        covered="transfer",
        control=Control(),
        evidence=(),
    )


def series(truth: Truth, seed: int) -> Any:
    """The same as series."""
    return collect(verdicts(truth, seed))


def claimed(onset: datetime, end: datetime, **changes: Any) -> Report:
    """A report, in whole UTC days, of what lasted from the one until the other."""
    return reported(
        **{
            "timezone": "UTC",
            "onset_earliest": f"{onset:%Y-%m-%d}",
            "onset_latest": f"{onset:%Y-%m-%d}",
            "end_earliest": f"{end:%Y-%m-%d}",
            "end_latest": f"{end:%Y-%m-%d}",
            **changes,
        }
    )

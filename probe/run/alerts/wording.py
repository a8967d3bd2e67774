"""Changes in words, for people who may read nothing but the first line.

What is said stands in the verdict, and never promises more than the verdict's ``covered`` allows.
"""

from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from probe.core.model import Covered, Verdict
from probe.core.scrub import Scrubber
from probe.run.alerts.follow import Change

LONGEST: Final = 3500  # characters of a message: some services refuse more than 4,096
_NOTE: Final = 400
_OK: Final[dict[Covered, str]] = {
    "lookup": "its name is answered; nothing further was tried",
    "handshake": "a connection comes about; no answer was asked for",
    "response": "it answers; a longer transfer was not tried",
    "transfer": "it answers, and data passes",
}


def headline(name: str, change: Change) -> str:
    """The change in a few words."""
    if change.kind == "flapping":
        return f"{name}: keeps changing"
    if change.kind == "steady":
        return f"{name}: no longer changes, {called(change)}"
    if change.outcome == "ok":
        return f"{name}: ok again"
    return f"{name}: {called(change)}"


def called(change: Change) -> str:
    """The outcome with its mechanism, where all failures agree on it."""
    node = change.verdict.mechanism
    return f"{change.outcome} ({node})" if node and not change.mixed else change.outcome


def lines(change: Change, zone: ZoneInfo, within: float) -> list[str]:
    """What lies behind it: since when, the evidence, and where to read more."""
    told = [_history(change, zone)]
    if change.mixed:
        told.append("it failed in different ways; said is what all of them have in common")
    told.append(evidence(change.verdict))
    if change.kind == "flapping":
        told.append(
            f"it changed too often: until it stays the same for {span(within)}, "
            "changes stand in the digest only"
        )
    told.append(f"more: probe explain {change.verdict.id}")
    return told


def evidence(verdict: Verdict) -> str:
    """The newest verdict in one line."""
    node = f" ({verdict.mechanism})" if verdict.mechanism else ""
    parts = [f"newest verdict: {verdict.outcome}{node}"]
    if verdict.outcome == "ok":
        parts.append(_OK[verdict.covered])
    else:
        parts.append(f"looked as far as {verdict.covered}")
    if verdict.members:
        count = verdict.members.ok + verdict.members.failed
        parts.append(f"{verdict.members.ok} of {count} targets ok (needed: {verdict.policy})")
    if verdict.control.outcome:
        parts.append(f"the control: {verdict.control.outcome}")
    elif verdict.outcome != "ok":
        parts.append("no control")
    if verdict.note:
        parts.append(plain(verdict.note)[:_NOTE])
    return "; ".join(parts)


def _history(change: Change, zone: ZoneInfo) -> str:
    now = moment(change.verdict.at, zone)
    if change.kind == "steady":
        return f"{change.outcome} since {moment(change.since, zone)}; now {now}"
    count = f"{change.count} cycles" if change.count > 1 else "one cycle"
    seen = f"first seen {moment(change.since, zone)}, in {count} until {now}"
    if change.before is None:
        return f"{seen}; nothing was known before"
    if change.was_since is None:
        return f"{seen}; before that {change.before}"
    lasted = span((change.since - change.was_since).total_seconds())
    return f"{seen}; before that {change.before} for {lasted}"


def moment(at: datetime, zone: ZoneInfo) -> str:
    """A time of day as somebody there writes it."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M} {zone.key}"


def span(seconds: float) -> str:
    """A duration in its two largest units."""
    minutes = round(max(seconds, 0.0) / 60)
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"


def plain(text: str) -> str:
    """On one line, printable, and without addresses."""
    return Scrubber().text("".join(c if c.isprintable() else " " for c in text))


def whole(headlines: list[str], bodies: list[list[str]], dropped: int) -> str:
    """A message's text: what fits, and how much did not."""
    blocks = ["\n".join([head, *body]) for head, body in zip(headlines, bodies, strict=True)]
    if dropped:
        blocks.insert(0, f"{dropped} older messages were dropped: too many waited")
    kept: list[str] = []
    for block in blocks:
        if sum(map(len, kept)) + 2 * len(kept) + len(block) > LONGEST - 100:
            break
        kept.append(block)
    if not kept:
        return blocks[0][: LONGEST - 1] + "…"
    if len(kept) < len(blocks):
        kept.append(f"and {len(blocks) - len(kept)} more")
    return "\n\n".join(kept)

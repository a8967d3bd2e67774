"""A probe as whoever watches it sees it, without running one."""

from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from support.plans import planned
from support.virtual import VirtualClock

from probe.plan.jobs import Plan
from probe.run.metrics.seen import Seen
from probe.run.metrics.table import Room, Sources

PIGEON = [
    {"id": "a", "service": "pigeon", "feature": "text", "url": "tcp://192.0.2.1:1"},
    {"id": "b", "service": "pigeon", "feature": "text", "url": "tcp://192.0.2.1:2"},
]


def pigeon(*, targets: Any = PIGEON, **more: Any) -> Plan:
    """Two targets of one feature, or others."""
    return planned(targets=targets, **more)


def sources(plan: Plan | None = None, clock: VirtualClock | None = None, **more: Any) -> Sources:
    """Nothing seen yet, and a disk with room."""
    seen = Seen(plan or pigeon(), clock or VirtualClock())
    given = {"room": lambda: Room(free=7, size=9, waiting=0, dropped=0), **more}
    return Sources(seen=seen, **given)


def samples(text: str) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    """The samples of a page of metrics by name and labels; the library's own parser reads it."""
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            of_name = found.setdefault(sample.name, {})
            labels = frozenset(sample.labels.items())
            assert labels not in of_name, sample
            of_name[labels] = sample.value
    return found


def labels(**given: str) -> frozenset[tuple[str, str]]:
    """Labels as ``samples`` has them."""
    return frozenset(given.items())

"""For alerts: somebody who is told, and does what a test says."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.plans import planned
from support.virtual import VirtualClock

from probe.core.model import Event
from probe.plan.jobs import Plan
from probe.run.alerts.notifier import Delivery
from probe.run.alerts.watcher import Alerts

URLS = "PROBE_TEST_ALERTS"
PIGEON = [
    {"id": "a", "service": "pigeon", "feature": "text", "url": "tcp://192.0.2.1:1"},
    {"id": "alone", "url": "tcp://192.0.2.1:2"},
]


class Scripted:
    """Takes messages; ``fails`` are addresses that refuse, ``hangs`` those that never answer."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.fails: set[str] = set()
        self.hangs: set[str] = set()
        self.told: list[tuple[str, str, str]] = []
        self.tried: list[tuple[float, str]] = []

    async def send(self, url: str, title: str, body: str) -> Delivery:
        self.tried.append((self.clock.monotonic(), url))
        if url in self.hangs:
            await asyncio.sleep(60)
            return Delivery(False, reason="no answer")
        if url in self.fails:
            return Delivery(False, "Scripted", "refused")
        self.told.append((url, title, body))
        return Delivery(True, "Scripted")

    @property
    def titles(self) -> list[str]:
        return [title for _, title, _ in self.told]


@contextmanager
def addressed(*urls: str) -> Iterator[None]:
    """An environment that holds these addresses."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(URLS, "\n".join(urls))
        yield


def watched(*, alerts: Any = None, targets: Any = PIGEON, **more: Any) -> Plan:
    """A plan with alerts."""
    return planned(targets=targets, alerts={"urls_env": URLS, **(alerts or {})}, **more)


def alerting(
    root: Path,
    clock: VirtualClock,
    notifier: Scripted,
    plan: Plan | None = None,
    events: list[Event] | None = None,
) -> Alerts:
    """Alerts that nobody feeds yet."""
    kept = [] if events is None else events
    return Alerts(plan or watched(), clock, root, notifier, kept.append)

"""Every metric: its name, what it says, its labels, and where its values come from.

Named after the conventions of Prometheus' own probe exporters, so that dashboards and rules for
those find what they look for. ``docs/watching.md`` has the same list in words.
"""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from probe import __version__
from probe.judge.rules import RULES
from probe.judge.vantage import VantageState
from probe.run.metrics.phases import Phases
from probe.run.metrics.seen import Newest, Seen

Rows = Iterable[tuple[tuple[str, ...], float]]  # the values of further labels, and the number
Kind = Literal["gauge", "counter"]

TARGET: Final = ("target", "service", "feature")
FEATURE: Final = ("service", "feature")
# What says nothing about its target counts neither for it nor against it.
_SILENT: Final = frozenset({"offline", "inconclusive", "invalid"})


class Room(NamedTuple):
    """What the results folder has: bytes free and in all (None: not known), lines that wait for
    room, and lines that were lost."""

    free: int | None
    size: int | None
    waiting: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where the numbers of the service itself come from.

    ``notifications`` gives how many had which end since the start; None where nobody is told.
    """

    seen: Seen
    room: Callable[[], Room]
    notifications: Callable[[], dict[str, int]] | None = None


@dataclass(frozen=True, slots=True)
class Each:
    """A metric of each target, or of each feature."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    rows: Callable[[Newest], Rows]


@dataclass(frozen=True, slots=True)
class Whole:
    """A metric of the whole service."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...]
    rows: Callable[[Sources], Rows]


def _one(value: float | None) -> Rows:
    return () if value is None else (((), value),)


def _stage(get: Callable[[Phases], float | None]) -> Callable[[Newest], Rows]:
    return lambda newest: _one(get(newest.phases)) if newest.phases else ()


def _success(newest: Newest) -> Rows:
    outcome = newest.verdict.outcome if newest.verdict else None
    return () if outcome is None or outcome in _SILENT else _one(float(outcome == "ok"))


def _outcome(newest: Newest) -> Rows:
    if newest.verdict is None:
        return ()
    return (((newest.verdict.outcome, newest.verdict.mechanism or ""), 1.0),)


def _members(newest: Newest) -> Rows:
    members = newest.verdict.members if newest.verdict else None
    return () if members is None else ((("ok",), members.ok), (("failed",), members.failed))


def _http(newest: Newest) -> Rows:
    return _counted(newest.phases.http.items()) if newest.phases else ()


def _counted(counts: Iterable[tuple[str, float]]) -> Rows:
    return (((key,), count) for key, count in counts)


OF_TARGETS: Final = (
    Each("probe_success", "gauge",
         "1 if the newest verdict is ok, 0 if it is a failure; absent where nothing is concluded",
         (), _success),
    Each("probe_outcome", "gauge", "The newest verdict: 1, in the series that is labelled with it",
         ("outcome", "mechanism"), _outcome),
    Each("probe_duration_seconds", "gauge", "How long the newest measurement took",
         (), _stage(lambda phases: phases.duration)),
    Each("probe_dns_lookup_time_seconds", "gauge", "How long its name lookup took",
         (), _stage(lambda phases: phases.lookup)),
    Each("probe_tcp_connect_time_seconds", "gauge", "How long its TCP connection took",
         (), _stage(lambda phases: phases.connect)),
    Each("probe_tls_handshake_time_seconds", "gauge", "How long its TLS handshake took",
         (), _stage(lambda phases: phases.handshake)),
    Each("probe_http_duration_seconds", "gauge", "How long each phase of its HTTP request took",
         ("phase",), _http),
    Each("probe_http_status_code", "gauge", "The status of its HTTP response",
         (), _stage(lambda phases: phases.status)),
    Each("probe_last_success_timestamp_seconds", "gauge", "When the newest verdict ok was given",
         (), lambda newest: _one(newest.success)),
    Each("probe_last_cycle_timestamp_seconds", "gauge", "When the newest cycle was over",
         (), lambda newest: _one(newest.ended)),
    Each("probe_cycle_lag_seconds", "gauge", "How late the newest cycle began",
         (), lambda newest: _one(newest.lag)),
    Each("probe_verdicts", "counter", "Verdicts given", ("outcome",),
         lambda newest: _counted(newest.verdicts.items())),
    Each("probe_failures", "counter", "Measurements that failed, by the failure that decided",
         ("failure",), lambda newest: _counted(newest.failures.items())),
    Each("probe_slots_missed", "counter", "Turns that passed without a cycle",
         (), lambda newest: _one(newest.missed)),
    Each("probe_slots_skipped", "counter",
         "Turns left out: the last cycle was under way, or its address in quarantine",
         (), lambda newest: _one(newest.skipped)),
)  # fmt: skip

OF_FEATURES: Final = (
    Each("probe_feature_success", "gauge",
         "1 if the newest verdict is ok, 0 if it is a failure; absent where nothing is concluded",
         (), _success),
    Each("probe_feature_outcome", "gauge",
         "The newest verdict: 1, in the series that is labelled with it",
         ("outcome", "mechanism"), _outcome),
    Each("probe_feature_members", "gauge", "How many targets of the feature were ok, and were not",
         ("state",), _members),
    Each("probe_feature_last_success_timestamp_seconds", "gauge",
         "When the newest verdict ok was given", (), lambda newest: _one(newest.success)),
    Each("probe_feature_verdicts", "counter", "Verdicts given", ("outcome",),
         lambda newest: _counted(newest.verdicts.items())),
)  # fmt: skip


def _vantage(sources: Sources) -> Rows:
    vantage = sources.seen.plan.vantage
    return (((vantage.id, vantage.country, str(vantage.asn or ""), vantage.network or ""), 1.0),)


def _state(sources: Sources) -> Rows:
    return (((state.value,), float(state is sources.seen.state)) for state in VantageState)


def _notifications(sources: Sources) -> Rows:
    return _counted(sources.notifications().items()) if sources.notifications else ()


OF_THE_SERVICE: Final = (
    Whole("probe_build_info", "gauge", "1; which program this is",
          ("version", "python_version", "rules"),
          lambda _: (((__version__, platform.python_version(), str(RULES)), 1.0),)),
    Whole("probe_vantage_info", "gauge", "1; from where it measures",
          ("vantage", "country", "asn", "network"), _vantage),
    Whole("probe_vantage_state", "gauge", "1 for the state that the vantage's own network is in",
          ("state",), _state),
    Whole("probe_targets", "gauge", "Targets in the configuration", (),
          lambda sources: _one(len(sources.seen.targets))),
    Whole("probe_cycles_under_way", "gauge", "Cycles that have begun and are not over", (),
          lambda sources: _one(sources.seen.under_way.total())),
    Whole("probe_cycles_waiting", "gauge", "Cycles that are due and wait for room", (),
          lambda sources: _one(sources.seen.waiting.total())),
    Whole("probe_measurements", "counter", "Measurements made", ("role", "origin"),
          lambda sources: sources.seen.measurements.items()),
    Whole("probe_events", "counter", "Events, as they stand in events.jsonl", ("event",),
          lambda sources: _counted(sources.seen.events.items())),
    Whole("probe_results_free_bytes", "gauge", "Room left on the disk of the results", (),
          lambda sources: _one(sources.room().free)),
    Whole("probe_results_size_bytes", "gauge", "Size of the disk of the results", (),
          lambda sources: _one(sources.room().size)),
    Whole("probe_journal_waiting_lines", "gauge", "Results that wait in memory for room", (),
          lambda sources: _one(sources.room().waiting)),
    Whole("probe_journal_dropped_lines", "counter", "Results lost because too many waited", (),
          lambda sources: _one(sources.room().dropped)),
    Whole("probe_notifications", "counter", "Notifications, by what came of them", ("result",),
          _notifications),
)  # fmt: skip
# A histogram: how late cycles began, in seconds, of all targets together.
LAG: Final = "probe_cycle_start_lag_seconds"

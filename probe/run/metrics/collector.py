"""Makes of what was seen the families that Prometheus' client library writes out."""

import time
from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate, islice
from typing import Any, Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from probe.run.metrics.seen import LAGS, Newest
from probe.run.metrics.table import (
    FEATURE,
    LAG,
    OF_FEATURES,
    OF_TARGETS,
    OF_THE_SERVICE,
    TARGET,
    Each,
    Rows,
    Sources,
    Whole,
)

PART: Final = 25  # targets or features whose samples are made without a break


class ProbeCollector(Collector):
    """All metrics of the table, as they stand when they are asked for."""

    def __init__(self, sources: Sources) -> None:
        """It keeps nothing itself."""
        self._sources = sources
        self._process = Process(registry=CollectorRegistry())

    def collect(self) -> Iterator[Metric]:
        """Each family as a whole."""
        families: dict[str, Metric] = {}
        for part in self.parts():
            families.setdefault(part.name, part)
            if families[part.name] is not part:
                families[part.name].samples += part.samples
        yield from families.values()

    def parts(self) -> Iterator[Metric]:
        """The same, a family of many targets in several parts, each quickly made.

        Between two of them a reload may come: what a family has begun with it ends with.
        """
        seen = self._sources.seen
        for row in OF_TARGETS:
            yield from _parts(row, TARGET, seen.names.targets, seen.targets)
        for row in OF_FEATURES:
            own = {key: name[1:] for key, name in seen.names.features.items()}
            yield from _parts(row, FEATURE, own, seen.features)
        for whole in OF_THE_SERVICE:
            family = _family(whole)
            _add(family, whole.labels, (), whole.rows(self._sources))
            yield family
        yield self._lag()
        yield from self._process.collect()

    def _lag(self) -> Metric:
        seen = self._sources.seen
        bounds = [*map(str, LAGS), "+Inf"]
        family = HistogramMetricFamily(LAG, "How late cycles began")
        family.add_metric([], list(zip(bounds, accumulate(seen.lags), strict=True)), seen.lag_sum)
        return family


class Process(ProcessCollector):
    """Memory, files and processor time of this process, also where a sandbox shows no file in
    /proc but those of processes, as the project's systemd unit does."""

    def _boot_time(self) -> float:
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)


def _parts(
    row: Each, labels: tuple[str, ...], names: Mapping[Any, Any], newest: Mapping[Any, Newest]
) -> Iterator[Metric]:
    named = iter([(names[key], each) for key, each in newest.items()])
    while True:
        family = _family(row)
        some = list(islice(named, PART))
        for own, each in some:
            _add(family, (*labels, *row.labels), own, row.rows(each))
        yield family
        if len(some) < PART:
            return


def _family(row: Each | Whole) -> Metric:
    return Metric(row.name, row.help, row.kind)


def _add(family: Metric, labels: Iterable[str], own: tuple[str, ...], rows: Rows) -> None:
    name = f"{family.name}_total" if family.type == "counter" else family.name
    for further, value in rows:
        family.add_sample(name, dict(zip(labels, (*own, *further), strict=True)), float(value))

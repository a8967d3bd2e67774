"""What a running probe must still know after its end, however it ended: ``state.jsonl``.

A line is appended for each thing that becomes true, before anything is sent because of it, so
``kill -9`` forgets nothing that was done. From time to time the file is written anew without what
is over. It can always be deleted: what is lost is then measured once too often, or confirmed once
more. Lines that cannot be read count for nothing.
"""

import contextlib
import json
import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from probe.core.model import JSON, Measurement
from probe.core.times import parse_instant, rfc3339
from probe.record.codec import BadLineError, decode_measurement, encode
from probe.record.disk import open_to_append
from probe.record.scan import LINE_LIMIT

NAME: Final = "state.jsonl"
_KEPT: Final = 4096  # anomalies that are remembered
_GROWTH: Final = 4 * 1024**2  # bytes by which the file may grow before it is written anew

_log = logging.getLogger("probe.run")


@dataclass
class Remembered:
    """What was true when it was last written.

    ``turns`` is each target's last turn that was begun or passed over, ``trials`` its failed
    trials that wait to be confirmed; ``anomalies`` are measurements that something cut off, and
    when; ``anchors`` is the last round; ``addresses`` where each target was found; ``alive`` a
    moment at which the probe still ran.
    """

    turns: dict[str, datetime] = field(default_factory=dict)
    trials: dict[str, tuple[Measurement, ...]] = field(default_factory=dict)
    anomalies: list[tuple[datetime, Measurement]] = field(default_factory=list)
    anchors: tuple[Measurement, ...] = ()
    addresses: dict[str, tuple[str, ...]] = field(default_factory=dict)
    alive: datetime | None = None

    def take(self, line: dict[str, JSON]) -> None:
        """Take what a line says. Raises ValueError (or its like) where it says nothing."""
        match line:
            case {"turn": str(at), "target": str(name)}:
                self.turns[name] = parse_instant(at)
            case {"trials": list(found), "target": str(name)}:
                self.trials[name] = tuple(_measurement(value) for value in found)
            case {"addresses": list(ips), "target": str(name)}:
                self.addresses[name] = tuple(str(ip) for ip in ips)
            case {"anomaly": dict(value), "at": str(at)}:
                self.anomalies.append((parse_instant(at), _measurement(value)))
                del self.anomalies[:-_KEPT]
            case {"anchors": list(found)}:
                self.anchors = tuple(_measurement(value) for value in found)
            case {"alive": str(at)}:
                self.alive = parse_instant(at)
            case _:
                raise ValueError("it says nothing known")

    def forget(self, targets: Iterable[str], before: datetime) -> None:
        """Drop what concerns other targets, and anomalies before a moment."""
        known = set(targets)
        for table in (self.turns, self.trials, self.addresses):
            for name in table.keys() - known:
                del table[name]
        self.anomalies = [(at, m) for at, m in self.anomalies if at >= before]

    def lines(self) -> Iterator[dict[str, JSON]]:
        """All of it, as ``take`` reads it."""
        for name, turn in self.turns.items():
            yield _turn(name, turn)
        for name, trials in self.trials.items():
            if trials:
                yield _trials(name, trials)
        for name, addresses in self.addresses.items():
            yield _addresses(name, addresses)
        for at, measurement in self.anomalies:
            yield _anomaly(at, measurement)
        if self.anchors:
            yield _anchors(self.anchors)
        if self.alive:
            yield {"alive": rfc3339(self.alive)}


class Ledger:
    """Remembers, and writes it down at once. Without a folder it lasts as long as the process.

    A disk that takes no line stops nothing: it is told once, and memory goes on.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Read what is there, as far as it can be read. Only one process may have it open."""
        self.remembered = Remembered()
        self._path = folder / NAME if folder else None
        self._file: int | None = None
        self._grown = 0
        self._told = False
        if self._path:
            self._read(self._path)

    def turn(self, target: str, at: datetime) -> None:
        """A target's turn is taken; ``at`` is when it was due."""
        self._add(_turn(target, at))

    def trials(self, target: str, found: tuple[Measurement, ...]) -> None:
        """Failed trials of a target that wait to be confirmed."""
        if found != self.remembered.trials.get(target, ()):
            self._add(_trials(target, found))

    def addresses(self, target: str, ips: tuple[str, ...]) -> None:
        """Where a target was found."""
        if ips != self.remembered.addresses.get(target, ()):
            self._add(_addresses(target, ips))

    def anomaly(self, at: datetime, measurement: Measurement) -> None:
        """Something was cut off: its addresses rest from now on."""
        self._add(_anomaly(at, measurement))

    def anchors(self, found: tuple[Measurement, ...]) -> None:
        """A round of the vantage's anchors."""
        self._add(_anchors(found))

    def alive(self, at: datetime) -> None:
        """The probe runs at this moment."""
        self._add({"alive": rfc3339(at)})

    def shorten(self, targets: Iterable[str], before: datetime) -> None:
        """Forget other targets and older anomalies, and write the rest as a new file."""
        self.remembered.forget(targets, before)
        if self._path is None:
            return
        draft = self._path.with_name(f".{NAME}.{os.getpid()}")
        lines = list(self.remembered.lines())
        self.close()
        try:
            with open(open_to_append(draft)[0], "wb") as file:  # noqa: PTH123  (a descriptor)
                file.writelines(_line(line) for line in lines)
            draft.replace(self._path)
        except OSError as exc:
            draft.unlink(missing_ok=True)
            self._trouble(exc)
        self._grown = 0

    @property
    def long(self) -> bool:
        """Whether it is time to shorten it."""
        return self._grown > _GROWTH

    def close(self) -> None:
        """Close the file; what is added later opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _add(self, line: dict[str, JSON]) -> None:
        self.remembered.take(line)
        if self._path is None:
            return
        try:
            if self._file is None:
                self._file, _ = open_to_append(self._path)
            data = _line(line)
            self._grown += len(data)
            if os.write(self._file, data) < len(data):
                os.write(self._file, b"\n")  # what has no room is a line that says nothing
        except OSError as exc:
            self._trouble(exc)
        else:
            self._told = False

    def _read(self, path: Path) -> None:
        unreadable = 0
        try:
            with path.open("rb") as file:
                while line := file.readline(LINE_LIMIT):
                    try:
                        self.remembered.take(json.loads(line))
                    except (ValueError, TypeError, OverflowError, RecursionError):
                        unreadable += 1
        except FileNotFoundError:
            return
        except OSError as exc:
            _log.warning("%s: %s; going on without it", path, exc.strerror)
        if unreadable:
            _log.warning("%s: %d lines say nothing and are left out", path, unreadable)
            with contextlib.suppress(OSError), path.open("ab") as file:
                file.write(b"\n")  # the last one may have no end

    def _trouble(self, exc: OSError) -> None:
        if not self._told:
            self._told = True
            _log.error("%s: %s; after a restart it is not known", self._path, exc.strerror)


def age(then: datetime, now: datetime, most: timedelta) -> float | None:
    """Seconds since a moment, None if more than ``most`` has passed or the clock was set back."""
    passed = now - then
    return passed.total_seconds() if timedelta() <= passed <= most else None


def _measurement(value: JSON) -> Measurement:
    try:
        return decode_measurement(json.dumps(value).encode())
    except BadLineError as exc:
        raise ValueError(str(exc)) from None


def _line(value: dict[str, JSON]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _turn(target: str, at: datetime) -> dict[str, JSON]:
    return {"turn": rfc3339(at), "target": target}


def _trials(target: str, found: Iterable[Measurement]) -> dict[str, JSON]:
    return {"trials": [_as_json(m) for m in found], "target": target}


def _addresses(target: str, ips: tuple[str, ...]) -> dict[str, JSON]:
    return {"addresses": list(ips), "target": target}


def _anomaly(at: datetime, measurement: Measurement) -> dict[str, JSON]:
    return {"anomaly": _as_json(measurement), "at": rfc3339(at)}


def _anchors(found: Iterable[Measurement]) -> dict[str, JSON]:
    return {"anchors": [_as_json(m) for m in found]}


def _as_json(measurement: Measurement) -> JSON:
    return json.loads(encode(measurement))

"""probe.record.scan: one history out of files in any state."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.journals import verdict

from probe.core.model import Event, Measurement, Software, Target, Vantage
from probe.record import parts, scan
from probe.record.codec import decode_measurement, encode
from probe.record.parts import MEASUREMENTS, days
from probe.record.scan import ScanReport, day_records, events, measurements, verdicts
from probe.record.seal import seal, sealing_alone

NOON = datetime(2017, 7, 18, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def measurement(name: str, at: datetime = NOON) -> Measurement:
    return Measurement(
        id=name,
        run="r",
        cycle="c",
        started=at,
        vantage=Vantage(id="local"),
        target=Target(id="t", service="s", feature="f", url="tcp://192.0.2.1:1"),
        check="tcp",
        software=Software(name="probe", version="0"),
    )


def store(root: Path, *found: Measurement) -> None:
    for m in found:
        with (root / f"{m.started.date()}.jsonl").open("ab") as file:
            file.write(encode(m))


def ids(root: Path, since: datetime | None = None, until: datetime | None = None) -> list[str]:
    return [m.id for m in measurements(root, since, until)]


def test_days_come_in_order_and_lines_as_they_were_written(tmp_path: Path) -> None:
    store(
        tmp_path,
        measurement("third", NOON + DAY),
        measurement("second", NOON),
        measurement("late", NOON - timedelta(hours=1)),
        measurement("first", NOON - DAY),
    )
    assert ids(tmp_path) == ["first", "second", "late", "third"]


def test_the_interval_is_half_open_to_the_microsecond(tmp_path: Path) -> None:
    tick = timedelta(microseconds=1)
    store(tmp_path, *(measurement(str(n), NOON + n * tick) for n in range(-2, 3)))
    assert ids(tmp_path, NOON - tick, NOON + tick) == ["-1", "0"]
    assert ids(tmp_path, since=NOON + tick) == ["1", "2"]
    assert ids(tmp_path, until=NOON) == ["-2", "-1"]


def test_of_a_sealed_day_only_the_interval_is_read(tmp_path: Path) -> None:
    tick = timedelta(microseconds=1)
    early = NOON - timedelta(hours=12)
    store(tmp_path, *(measurement(str(n), NOON + n * tick) for n in range(-2, 3)))
    store(tmp_path, measurement("early", early))
    with sealing_alone(tmp_path):
        seal(tmp_path, NOON + 9 * DAY)
    told: list[str] = []

    def decode(line: bytes) -> Measurement:
        found = decode_measurement(line)
        told.append(found.id)
        return found

    day, report = f"{NOON:%Y-%m-%d}", ScanReport()
    for since, until, wanted in (
        (NOON - tick, NOON + tick, ["-1", "0"]),
        (NOON + tick, None, ["1", "2"]),
        (None, NOON - tick, ["-2", "early"]),
        (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC), None),
    ):
        told.clear()
        list(day_records(tmp_path, MEASUREMENTS, day, decode, report, since=since, until=until))
        assert told == (wanted or ["-2", "-1", "0", "1", "2", "early"])
        assert ids(tmp_path, since, until) == told


def test_files_outside_of_the_interval_are_not_opened(tmp_path: Path) -> None:
    store(tmp_path, *(measurement(str(n), NOON + n * DAY) for n in range(5)))
    assert days(tmp_path, MEASUREMENTS, NOON + DAY, NOON + 3 * DAY) == [
        "2017-07-19",
        "2017-07-20",
        "2017-07-21",
    ]
    midnight = datetime(2017, 7, 20, tzinfo=UTC)
    assert days(tmp_path, MEASUREMENTS, until=midnight) == [
        "2017-07-18",
        "2017-07-19",
    ]


def test_only_day_files_are_read(tmp_path: Path) -> None:
    store(tmp_path, measurement("m"))
    for name in ("events.jsonl", "2017-99-99.jsonl", "abcd-ef-gh.jsonl", "2017-07-18.jsonl.bak"):
        (tmp_path / name).write_bytes(encode(measurement("no")))
    assert ids(tmp_path) == ["m"]


def test_the_ends_of_the_calendar_are_no_trouble(tmp_path: Path) -> None:
    ends = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    store(tmp_path, measurement("first", ends[0]), measurement("last", ends[1]))
    assert ids(tmp_path) == ["first", "last"]
    assert ids(tmp_path, *ends) == ["first"]


def test_bad_lines_are_counted_with_their_place_and_skipped(tmp_path: Path) -> None:
    good = encode(measurement("good"))
    path = tmp_path / "2017-07-18.jsonl"
    garbage = [
        b"not json\n",
        b"\n",
        b"\xff\xfe\n",
        good[:-9] + b"\n",
        b"[" * 10**6 + b"\n",
        b"{}\n",
    ]
    path.write_bytes(good + b"".join(garbage) + good)
    report = ScanReport()
    assert [m.id for m in measurements(tmp_path, report=report)] == ["good", "good"]
    assert (report.bad, report.unfinished) == (len(garbage), 0)
    assert [str(example) for example in report.examples] == [f"{path}:{n}" for n in range(2, 8)]


def test_examples_are_few_however_much_is_bad(tmp_path: Path) -> None:
    (tmp_path / "2017-07-18.jsonl").write_bytes(b"x\n" * 1000)
    report = ScanReport()
    assert list(measurements(tmp_path, report=report)) == []
    assert report.bad == 1000
    assert len(report.examples) == scan.EXAMPLES


@pytest.mark.parametrize("cut", [1, 20])
def test_an_unfinished_last_line_is_counted_apart(tmp_path: Path, cut: int) -> None:
    good = encode(measurement("good"))
    (tmp_path / "2017-07-18.jsonl").write_bytes(good + good[:-cut])
    report = ScanReport()
    assert [m.id for m in measurements(tmp_path, report=report)] == ["good"]
    assert (report.bad, report.unfinished) == (0, 1)
    assert report.examples[0].line == 2


@pytest.mark.parametrize("extra", [0, 1, 2, 5000])
def test_a_line_beyond_the_limit_is_skipped_without_being_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: int
) -> None:
    good = encode(measurement("good"))
    monkeypatch.setattr(scan, "LINE_LIMIT", len(good))
    monkeypatch.setattr(scan, "_BUFFER", 1000)
    monkeypatch.setattr(parts, "_BUFFER", 1000)
    longer = good[:-1] + b" " * extra + b"\n"
    (tmp_path / "2017-07-18.jsonl").write_bytes(longer + good)
    report = ScanReport()
    found = [m.id for m in measurements(tmp_path, report=report)]
    assert found == ["good"] * (1 if extra else 2)
    assert (report.bad, report.unfinished) == (1 if extra else 0, 0)
    assert ids(tmp_path) == found


def test_a_last_line_beyond_the_limit_may_be_unfinished_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "LINE_LIMIT", 100)
    (tmp_path / "2017-07-18.jsonl").write_bytes(b"x" * 5000)
    report = ScanReport()
    assert list(measurements(tmp_path, report=report)) == []
    assert (report.bad, report.unfinished) == (0, 1)


def test_a_missing_folder_holds_nothing(tmp_path: Path) -> None:
    missing = tmp_path / "none"
    assert list(measurements(missing)) == []
    assert list(verdicts(missing)) == []
    assert list(events(missing)) == []


def test_verdicts_and_events_are_read_by_their_own_time(tmp_path: Path) -> None:
    (tmp_path / "verdicts").mkdir()
    for n in range(3):
        given = verdict(f"v{n}", NOON + n * DAY)
        (tmp_path / "verdicts" / f"{given.at.date()}.jsonl").write_bytes(encode(given))
    happened = [Event(at=NOON + n * DAY, event=f"e{n}", vantage="local") for n in range(3)]
    (tmp_path / "events.jsonl").write_bytes(b"".join(map(encode, happened)) + b"?\n")
    report = ScanReport()
    assert [v.id for v in verdicts(tmp_path, NOON + DAY, None, report)] == ["v1", "v2"]
    assert [e.event for e in events(tmp_path, None, NOON + DAY, report)] == ["e0"]
    assert report.bad == 1

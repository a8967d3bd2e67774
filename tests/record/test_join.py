"""probe.record.join: every measurement meets the last verdict on its cycle."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from probe.core.model import Control, Measurement, Outcome, Software, Target, Vantage, Verdict
from probe.record import join
from probe.record.codec import encode
from probe.record.join import Judged, judged
from probe.record.scan import ScanReport

NOON = datetime(2017, 7, 18, 12, tzinfo=UTC)
DAY = timedelta(days=1)

MEASUREMENT = Measurement(
    id="m",
    run="r",
    cycle="c",
    started=NOON,
    vantage=Vantage(id="local"),
    target=Target(id="t", service="s", feature="f", url="tcp://192.0.2.1:1"),
    check="tcp",
    software=Software(name="probe", version="0"),
)
VERDICT = Verdict(
    id="v",
    at=NOON,
    cycle="c",
    vantage=Vantage(id="local"),
    target="t",
    service="s",
    feature="f",
    url=None,
    outcome="ok",
    mechanism=None,
    locus=None,
    rule="complete",
    rules=1,
    covered="handshake",
    control=Control(),
    evidence=(),
)


def measured(root: Path, cycle: str, at: datetime = NOON) -> None:
    record = replace(MEASUREMENT, id=f"m-{cycle}", cycle=cycle, started=at)
    with (root / f"{at.date()}.jsonl").open("ab") as file:
        file.write(encode(record))


def concluded(
    root: Path, cycle: str, outcome: Outcome, at: datetime = NOON, target: str | None = "t"
) -> None:
    record = replace(VERDICT, cycle=cycle, outcome=outcome, at=at, target=target)
    (root / "verdicts").mkdir(exist_ok=True)
    with (root / "verdicts" / f"{at.date()}.jsonl").open("ab") as file:
        file.write(encode(record))


def outcomes(root: Path) -> dict[str, str | None]:
    return {m.cycle: verdict and verdict.outcome for m, verdict in judged(root)}


def test_a_cycle_brings_a_measurement_and_its_verdict_together(tmp_path: Path) -> None:
    measured(tmp_path, "a")
    measured(tmp_path, "b")
    measured(tmp_path, "none")
    concluded(tmp_path, "b", "unreachable")
    concluded(tmp_path, "a", "ok")
    assert outcomes(tmp_path) == {"a": "ok", "b": "unreachable", "none": None}


def test_the_verdict_written_last_counts_in_one_file_and_across_two(tmp_path: Path) -> None:
    measured(tmp_path, "a")
    measured(tmp_path, "b")
    concluded(tmp_path, "a", "down", NOON + DAY)
    concluded(tmp_path, "a", "unreachable")
    concluded(tmp_path, "b", "unreachable")
    concluded(tmp_path, "b", "ok")
    assert outcomes(tmp_path) == {"a": "down", "b": "ok"}


def test_a_feature_verdict_is_no_measurements_verdict(tmp_path: Path) -> None:
    measured(tmp_path, "a")
    concluded(tmp_path, "a", "ok")
    concluded(tmp_path, "a", "unreachable", target=None)
    assert outcomes(tmp_path) == {"a": "ok"}


def test_a_verdict_given_after_midnight_is_found(tmp_path: Path) -> None:
    late = NOON.replace(hour=23, minute=59)
    measured(tmp_path, "a", late)
    concluded(tmp_path, "a", "ok", late + timedelta(minutes=2))
    assert outcomes(tmp_path) == {"a": "ok"}


def test_only_the_verdicts_of_two_days_are_held_at_once(tmp_path: Path) -> None:
    for n in range(6):
        measured(tmp_path, f"c{n}", NOON + n * DAY)
        concluded(tmp_path, f"c{n}", "ok", NOON + n * DAY)
    measured(tmp_path, "c0", NOON + 5 * DAY)
    found = [verdict is not None for _, verdict in judged(tmp_path)]
    assert found == [True] * 6 + [False]


def test_each_verdict_file_is_read_once(tmp_path: Path) -> None:
    for n in range(4):
        measured(tmp_path, f"c{n}", NOON + n * DAY)
    concluded(tmp_path, "c0", "ok", NOON + DAY)
    with (tmp_path / "verdicts" / "2017-07-19.jsonl").open("ab") as file:
        file.write(
            b"rubbish\n" + encode(VERDICT).replace(b'"ok"', b'"fine"') + b"[" * 10**5 + b"\n"
        )
    report = ScanReport()
    assert len(list(judged(tmp_path, report=report))) == 4
    assert report.bad == 3


def test_the_interval_selects_measurements_not_verdicts(tmp_path: Path) -> None:
    measured(tmp_path, "a", NOON)
    measured(tmp_path, "b", NOON + timedelta(hours=1))
    concluded(tmp_path, "a", "ok", NOON + timedelta(hours=2))
    rows = list(judged(tmp_path, NOON, NOON + timedelta(hours=1)))
    assert [(m.cycle, verdict and verdict.outcome) for m, verdict in rows] == [("a", "ok")]


def test_what_is_shown_beside_a_measurement_is_complete_and_shared(tmp_path: Path) -> None:
    verdict = replace(
        VERDICT,
        outcome="blocked",
        mechanism="tls.reset.sni",
        locus="network",
        rule="sni-reset",
        control=Control(ids=("k",), outcome="ok"),
    )
    (tmp_path / "verdicts").mkdir()
    lines = b"".join(encode(replace(verdict, cycle=str(n))) for n in range(3))
    (tmp_path / "verdicts" / "2017-07-18.jsonl").write_bytes(lines)
    for n in range(3):
        measured(tmp_path, str(n))
    found = [verdict for _, verdict in judged(tmp_path)]
    assert found[0] == Judged("blocked", "tls.reset.sni", "network", "sni-reset", "ok")
    assert found[0] == Judged.of(verdict)
    assert found[0] is found[1] is found[2]


def test_keys_are_small() -> None:
    import sys

    key = join._key("0190b5a0-0000-7000-8000-000000000000")
    assert sys.getsizeof(key) == 48

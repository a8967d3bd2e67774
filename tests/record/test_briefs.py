"""probe.record.briefs: of each verdict only what a comparison needs, and the same as all of it."""

from datetime import timedelta
from pathlib import Path

from support.history import sealed
from support.reported import START, cycles

from probe.core.model import Vantage, Verdict
from probe.record.brief import Brief
from probe.record.briefs import briefs, verdict_bytes, verdict_days
from probe.record.codec import encode
from probe.record.scan import ScanReport, verdicts

DAY = timedelta(days=1)


def stored(root: Path, extra: bytes = b"") -> Path:
    folder = root / "verdicts"
    folder.mkdir()
    other = Vantage(id="lab-2", country="IR", network="mobile")
    lines = [*cycles("..xb?o", START), *cycles("b.", START, vantage=other, target="t1")]
    path = folder / f"{START:%Y-%m-%d}.jsonl"
    path.write_bytes(b"".join(map(encode, lines)) + extra)
    return path


def said(one: Brief | Verdict) -> tuple[object, ...]:
    names = ("at", "vantage", "target", "service", "feature", "outcome", "mechanism")
    return tuple(getattr(one, name) for name in names)


def test_a_brief_says_the_same_as_the_verdict(tmp_path: Path) -> None:
    path = stored(tmp_path)
    whole = list(verdicts(tmp_path))
    brief = list(briefs(tmp_path, path.stem))
    assert list(map(said, brief)) == list(map(said, whole))
    assert len({id(one.vantage) for one in brief}) == 2


def test_only_verdicts_of_the_time_asked_for_are_given(tmp_path: Path) -> None:
    path = stored(tmp_path)
    minute = timedelta(minutes=10)
    assert len(list(briefs(tmp_path, path.stem, START + minute, START + 2 * minute))) == 2
    assert verdict_days(tmp_path, START + DAY, None) == []
    assert verdict_days(tmp_path, None, START + DAY) == [path.stem]


def test_a_line_that_is_no_verdict_is_counted_and_skipped(tmp_path: Path) -> None:
    good = encode(next(iter(cycles("."))))
    bad = [
        b"{}\n",
        b"[" * 5000 + b"\n",
        good.replace(b'"ok"', b'"fine"'),
        good.replace(b'"country":"CN"', b'"country":7'),
        good.replace(b'"vantage":{', b'"vantage":[],"x":{'),
        good.replace(b"Z", b"+08:00", 1),
        b"\xff\n",
    ]
    path = stored(tmp_path, b"".join(bad))
    report = ScanReport()
    assert len(list(briefs(tmp_path, path.stem, report=report))) == 8
    assert report.bad == len(bad)


def test_packed_they_say_the_same(tmp_path: Path) -> None:
    path = stored(tmp_path)
    minute = timedelta(minutes=10)
    bounds = [(None, None), (START + minute, START + 2 * minute)]
    lines = [list(map(said, briefs(tmp_path, path.stem, *of))) for of in bounds]
    assert list(map(len, lines)) == [8, 2]
    assert verdict_bytes(tmp_path, path.stem) == path.stat().st_size
    sealed(tmp_path)
    assert not path.exists()
    assert [list(map(said, briefs(tmp_path, path.stem, *of))) for of in bounds] == lines
    (part,) = tmp_path.rglob("*.parquet")
    assert verdict_bytes(tmp_path, path.stem) == 10 * part.stat().st_size


def test_a_day_without_verdicts_has_none(tmp_path: Path) -> None:
    assert list(briefs(tmp_path, "2017-07-18")) == []
    assert verdict_bytes(tmp_path, "2017-07-18") == 0

"""probe.record.columns: what this version does not know is kept, and what it knows has a column."""

import json
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from support.history import DAY, append, cycle, judged, sealed, seen

from probe.record.codec import encode
from probe.record.parts import DIARY, JUDGED, KINDS, MEASUREMENTS
from probe.record.sealed import lines

TRIAL = cycle(DAY)[0]
VERDICT = judged(TRIAL)


def changed(record: Any, **fields: Any) -> bytes:
    """The record's line with other fields; ``a__b`` is the field b of a."""
    value = json.loads(encode(record))
    for name, given in fields.items():
        outer, _, inner = name.partition("__")
        if inner:
            value[outer][inner] = given
        else:
            value[outer] = given
    return json.dumps(value, ensure_ascii=False).encode() + b"\n"


def back(root: Path, kind: Any, day: str = "2017-07-18") -> list[bytes]:
    return list(lines(kind.part_file(root, day, 1), kind.columns.text))


MEASURED = [
    changed(TRIAL, weather="rain", numbers=[1e300, 2**70, None]),
    changed(TRIAL, vantage__city="nobody knows"),
    changed(TRIAL, target__port=443),
    changed(TRIAL, software__build={"at": "2017-07-18"}),
    changed(TRIAL, trial=2**80),
    changed(TRIAL, vantage__asn=-(2**70)),
    changed(TRIAL, steps=[{"op": "x", "transaction": 2**90, "t0": 0, "t": 1e9, "odd": {"a": []}}]),
    changed(TRIAL, started="2017-07-18T00:00:00Z"),
    changed(TRIAL, invalid='\\ " \u2028 \0 \x7f \U0001f600 \r\n'),
    changed(TRIAL, covered="transfer", invalid=None),
]
GIVEN = [
    changed(VERDICT, mood="glad"),
    changed(VERDICT, control__place="Mars"),
    changed(VERDICT, trials=None, members=None, policy=None, partial=None),
    changed(VERDICT, trials={"failed": 1, "needed": 3}, members={"ok": 0, "failed": 2, "left": 1}),
    changed(VERDICT, rules=2**64, evidence=["a\0b", ""], note="\0"),
]
EVENT = b'{"at":"2017-07-18T00:00:00.000000Z","event":"e","vantage":"v"}\n'
ODD_EVENT = (
    b'{"x": {"at": 1e300, "y": [12345678901234567890123]}, "event":"e", "\\u0000\\"": "\\u2028",'
    b' "at":"2017-07-18T00:00:00.000000Z","vantage":"v"}\n'
)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        *((MEASUREMENTS, line) for line in MEASURED),
        *((JUDGED, line) for line in GIVEN),
    ],
)
def test_a_line_of_another_version_comes_back_with_all_that_it_says(
    tmp_path: Path, kind: Any, line: bytes
) -> None:
    path = kind.open_file(tmp_path, "2017-07-18")
    append(path, encode(TRIAL if kind is MEASUREMENTS else VERDICT), line)
    before = seen(tmp_path)
    assert sealed(tmp_path).trouble == []
    assert seen(tmp_path) == before
    again, was = (_plain(one) for one in (back(tmp_path, kind)[1], line))
    for name in ("started", "at"):  # one instant has several spellings
        again.pop(name, None)
        was.pop(name, None)
    assert was.items() <= again.items()


def _plain(line: bytes) -> Any:
    return msgspec.json.decode(line)


@pytest.mark.parametrize("line", [EVENT, ODD_EVENT])
def test_an_event_keeps_its_detail_to_the_letter(tmp_path: Path, line: bytes) -> None:
    append(tmp_path / "events.jsonl", line)
    sealed(tmp_path)
    assert _plain(back(tmp_path, DIARY)[0]) == _plain(line)


def test_an_ordinary_line_needs_no_copy_of_itself(tmp_path: Path) -> None:
    append(tmp_path / "2017-07-18.jsonl", encode(TRIAL), changed(TRIAL, weather="rain"))
    append(tmp_path / "verdicts/2017-07-18.jsonl", encode(VERDICT), changed(VERDICT, mood="glad"))
    sealed(tmp_path)
    for kind in (MEASUREMENTS, JUDGED):
        part = kind.part_file(tmp_path, "2017-07-18", 1)
        found = duckdb.sql(f"SELECT line IS NULL FROM '{part}'").fetchall()
        assert found == [(True,), (False,)]


def test_columns_have_the_types_that_are_promised(tmp_path: Path) -> None:
    append(tmp_path / "2017-07-18.jsonl", encode(TRIAL))
    append(tmp_path / "verdicts/2017-07-18.jsonl", encode(VERDICT))
    append(tmp_path / "events.jsonl", EVENT)
    sealed(tmp_path)
    long = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}
    for kind in KINDS:
        part = kind.part_file(tmp_path, "2017-07-18", 1)
        found = duckdb.sql(
            f"DESCRIBE SELECT * FROM read_parquet('{part}', hive_partitioning = false)"
        ).fetchall()
        assert {row[0]: row[1] for row in found} == {
            name: long.get(type_, type_) for name, type_ in kind.columns.types.items()
        }
        told = duckdb.sql(
            f"SELECT decode(value) FROM parquet_kv_metadata('{part}')"
            " WHERE decode(key) = 'probe_format'"
        ).fetchall()
        assert told == [("1",)]


def test_a_person_reads_it_with_duckdb_alone(tmp_path: Path) -> None:
    append(tmp_path / "2017-07-18.jsonl", encode(TRIAL))
    sealed(tmp_path)
    found = duckdb.sql(
        'SELECT day::VARCHAR, vantage, country, target, "check", epoch(started)::BIGINT,'
        " len(from_json(steps, '[\"JSON\"]')), objects"
        f" FROM '{tmp_path}/sealed/measurements/*/*.parquet'"
    ).fetchall()
    assert found == [
        ("2017-07-18", "sh-1", "CN", "shop", "https", 1500336000, 6, ["ab" * 32]),
    ]

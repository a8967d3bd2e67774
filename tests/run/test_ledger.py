"""probe.run.ledger: what is written down is known again, and what is over is forgotten."""

import stat
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import https, measured
from support.virtual import DAY

from probe.run import ledger as module
from probe.run.ledger import NAME, Ledger

HOUR = timedelta(hours=1)


def filled(folder):
    ledger = Ledger(folder)
    one = measured("https", https())
    two = replace(one, id="two")
    ledger.turn("a", DAY)
    ledger.turn("a", DAY + HOUR)
    ledger.turn("gone", DAY)
    ledger.trials("a", (one, two))
    ledger.trials("b", (one,))
    ledger.trials("b", ())
    ledger.addresses("a", ("192.0.2.1", "2001:db8::1"))
    ledger.anomaly(DAY, one)
    ledger.anomaly(DAY + HOUR, two)
    ledger.anchors((one,))
    ledger.alive(DAY + HOUR)
    return ledger


def test_what_is_written_is_known_by_the_next_at_once(tmp_path):
    assert Ledger(tmp_path).remembered == module.Remembered()
    first = filled(tmp_path)
    known = Ledger(tmp_path).remembered  # the first was never closed
    assert known == first.remembered
    assert known.turns["a"] == DAY + HOUR
    assert known.trials["b"] == ()
    mode = stat.S_IMODE((tmp_path / NAME).stat().st_mode)
    assert mode == 0o640


def test_what_is_over_is_forgotten_and_the_file_stays_small(tmp_path):
    ledger = filled(tmp_path)
    ledger.shorten(["a", "b"], before=DAY + timedelta(seconds=1))
    known = Ledger(tmp_path).remembered
    assert set(known.turns) == {"a"}
    assert [at for at, _ in known.anomalies] == [DAY + HOUR]
    ledger.turn("a", DAY + 2 * HOUR)
    assert Ledger(tmp_path).remembered.turns["a"] == DAY + 2 * HOUR
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_it_asks_to_be_shortened_when_it_has_grown(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_GROWTH", 1000)
    ledger = Ledger(tmp_path)
    for _ in range(50):
        assert not ledger.long or (tmp_path / NAME).stat().st_size > 1000
        ledger.turn("a", DAY)
    assert ledger.long
    ledger.shorten(["a"], DAY)
    assert not ledger.long


def test_what_does_not_change_is_not_written_again(tmp_path):
    ledger = filled(tmp_path)
    size = (tmp_path / NAME).stat().st_size
    ledger.addresses("a", ("192.0.2.1", "2001:db8::1"))
    ledger.trials("b", ())
    assert (tmp_path / NAME).stat().st_size == size


def test_without_room_it_remembers_all_the_same(tmp_path, caplog):
    folder = tmp_path / NAME
    folder.mkdir()  # no line can be written
    ledger = filled(tmp_path)
    ledger.shorten(["a"], DAY)
    assert ledger.remembered.turns == {"a": DAY + HOUR}
    assert len([r for r in caplog.records if r.levelname == "ERROR"]) == 1


@given(st.binary(max_size=300), st.integers(0, 2000))
def test_whatever_stands_in_the_file_it_can_be_read(tmp_path_factory, junk, cut):
    folder = tmp_path_factory.mktemp("ledger")
    filled(folder).close()
    path = folder / NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:cut] + junk + whole[cut:])
    ledger = Ledger(folder)
    ledger.turn("after", DAY)
    assert Ledger(folder).remembered.turns["after"] == DAY
    path.unlink()


@pytest.mark.parametrize("hostile", ['{"turn": "2020-13-01T00:00:00Z", "target": "a"}', "[" * 9000])
def test_hostile_lines_are_left_out(tmp_path, hostile):
    (tmp_path / NAME).write_text(hostile + "\n")
    assert Ledger(tmp_path).remembered == module.Remembered()

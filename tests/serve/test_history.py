"""Days in memory keep up with their files: growing, torn, replaced, sealed away, deleted."""

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from support.history import sealed
from support.local_page import HERE, days, verdicts, write
from support.virtual import DAY

from probe.core.model import Event
from probe.record.journal import Journal
from probe.serve.history import DAYS, History
from probe.serve.track import Key

FEATURE = Key("sh-1", "shop", "web", None)
TODAY = DAY.date()


@pytest.fixture
def history(tmp_path: Path) -> Iterator[History]:
    with History(tmp_path, fresh=0.0) as opened:
        yield opened


def seen(history: History, day: date = TODAY, key: Key = FEATURE) -> list[str] | None:
    assert history.want([day], wait=20)
    with history.lock:
        held = history.held(day)
        if held is None:
            return None
        track = held.tracks.get(key)
        return [track.at(place).outcome for place in range(len(track.times))] if track else []


def test_what_is_appended_is_read_on(tmp_path: Path, history: History) -> None:
    assert seen(history) == []
    write(tmp_path, verdicts("..b", DAY))
    assert seen(history) == ["ok", "ok", "blocked"]
    write(tmp_path, verdicts("b.", DAY + timedelta(hours=1)))
    assert seen(history) == ["ok", "ok", "blocked", "blocked", "ok"]


def test_half_a_line_counts_when_it_is_whole(tmp_path: Path, history: History) -> None:
    write(tmp_path, verdicts(".b", DAY))
    (path,) = (tmp_path / "verdicts").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    assert seen(history) == ["ok"]
    path.write_bytes(whole)
    assert seen(history) == ["ok", "blocked"]


def test_a_verdict_that_was_given_again_replaces_the_first(
    tmp_path: Path, history: History
) -> None:
    write(tmp_path, verdicts("bbb", DAY))
    assert seen(history) == ["blocked"] * 3
    write(tmp_path, verdicts(" . ", DAY))
    assert seen(history) == ["blocked", "ok", "blocked"]


def test_a_late_line_finds_its_place(tmp_path: Path, history: History) -> None:
    write(tmp_path, verdicts(". .", DAY))
    assert seen(history) == ["ok", "ok"]
    write(tmp_path, verdicts(" b", DAY))
    assert seen(history) == ["ok", "blocked", "ok"]


def test_a_replaced_a_shortened_and_a_deleted_file_are_read_anew(
    tmp_path: Path, history: History
) -> None:
    write(tmp_path, verdicts("bbbb", DAY))
    assert seen(history) == ["blocked"] * 4
    (path,) = (tmp_path / "verdicts").iterdir()
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))
    assert seen(history) == ["blocked"] * 2
    path.unlink()
    assert seen(history) == []
    write(tmp_path, verdicts("..", DAY))
    assert seen(history) == ["ok"] * 2
    shutil.rmtree(tmp_path)
    assert seen(history) == []
    assert history.trouble is None


def test_a_day_that_is_sealed_stays_the_same(tmp_path: Path, history: History) -> None:
    write(tmp_path, verdicts("..bb", DAY))
    with Journal(tmp_path) as journal:
        journal.event(Event(at=DAY, event="missed", vantage=HERE.id))
    before = seen(history)
    sealed(tmp_path, DAY + timedelta(days=9))
    assert not (tmp_path / "verdicts" / "2017-07-18.jsonl").exists()
    assert seen(history) == before == ["ok", "ok", "blocked", "blocked"]
    assert history.place(DAY) is None
    assert [event.event for event in history.diary.events()] == ["missed"]
    write(tmp_path, verdicts(".", DAY + timedelta(hours=2)))
    with Journal(tmp_path) as journal:
        journal.event(Event(at=DAY, event="late", vantage=HERE.id))
    assert seen(history) == [*before, "ok"]
    assert [event.event for event in history.diary.events()] == ["late", "missed"]


def test_bad_lines_are_counted_and_nothing_else(tmp_path: Path, history: History) -> None:
    write(tmp_path, verdicts(".", DAY))
    (path,) = (tmp_path / "verdicts").iterdir()
    path.write_bytes(b'{"at":1}\n\xff\n' + path.read_bytes())
    assert seen(history) == ["ok"]
    held = history.held(TODAY)
    assert held is not None and held.bad == 2


def test_only_so_many_days_are_kept(tmp_path: Path, history: History) -> None:
    for first in (TODAY, TODAY - timedelta(days=60)):
        assert history.want(days(first, 60), wait=20)
    kept = [day for day in days(TODAY, 200) if history.held(day) is not None]
    assert len(kept) == DAYS
    assert TODAY - timedelta(days=60) in kept


def test_an_hour_is_found_in_its_file(tmp_path: Path, history: History) -> None:
    write(tmp_path, verdicts("." * 18, DAY))
    seen(history)
    places = history.place(DAY + timedelta(hours=1))
    assert places is not None
    ((path, first, last),) = places
    found = [json.loads(line)["at"][:13] for line in path.read_bytes()[first:last].splitlines()]
    assert Counter(found) == {"2017-07-18T01": 6}
    assert history.place(DAY + timedelta(hours=5)) == []
    assert history.place(DAY + timedelta(days=5)) is None


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, history: History) -> None:
    folder = tmp_path / "verdicts" / "2017-07-18.jsonl"
    folder.mkdir(parents=True)  # root may read any file, and nobody a folder
    assert history.want([TODAY], wait=20)
    assert history.trouble is not None
    assert "2017-07-18.jsonl" in history.trouble


def test_events_are_read_on_and_tell_how_the_vantage_is(tmp_path: Path, history: History) -> None:
    def note(event: str, **detail: str) -> None:
        with Journal(tmp_path) as journal:
            journal.event(Event(at=DAY, event=event, vantage=HERE.id, detail=dict(detail)))

    assert history.diary.events() == []
    note("health", state="online")
    history.want([], wait=20)
    health = history.diary.health(HERE.id)
    assert health is not None and health.detail == {"state": "online"}
    note("health", state="offline")
    note("missed", target="shop")
    history.want([], wait=20)
    assert [event.event for event in history.diary.events()] == ["missed", "health", "health"]
    health = history.diary.health(HERE.id)
    assert health is not None and health.detail == {"state": "offline"}
    (tmp_path / "events.jsonl").unlink()
    history.want([], wait=20)
    assert history.diary.events() == []

"""Cells and standings: gaps stay gaps, and nothing is said to have lasted longer than was read."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.local_page import days, verdicts, write
from support.virtual import DAY

from probe.serve.board import PARTS, Board, Cell, Row, Standing, Window
from probe.serve.history import History
from probe.serve.pages.cells import since
from probe.serve.track import Key, Seen

FEATURE = Key("sh-1", "shop", "web", None)
END = DAY + timedelta(hours=6)
Look = Callable[..., Row]


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Look]:
    """The row of the feature, six hours until six o'clock, after these verdicts."""
    with History(tmp_path, fresh=0.0) as history:

        def row(key: Key = FEATURE, back: int = 3) -> Row:
            assert history.want(days(DAY.date(), back), wait=20)
            with history.lock:
                board = Board(history, days(DAY.date(), back))
                return board.row(key, Window(END.timestamp(), 6), END.timestamp())

        yield row


def test_each_hour_tells_the_worst_and_how_much_of_it(tmp_path: Path, look: Look) -> None:
    write(tmp_path, verdicts("......bb....bbbbbboooooo...ooo      ", DAY))
    cells = look().cells
    assert [cell.main for cell in cells] == ["ok", "blocked", "blocked", "offline", "ok", None]
    assert [cell.rest for cell in cells] == [None, "ok", None, None, "offline", None]
    assert [cell.filled for cell in cells] == [PARTS, 3, PARTS, PARTS, 4, PARTS]
    assert cells[1].counts == {"blocked": 2, "ok": 4}
    assert cells[1].mechanisms == ("tls.reset.sni",)


@pytest.mark.parametrize(("bad", "good", "filled"), [(1, 999, 1), (999, 1, PARTS - 1)])
def test_a_little_is_never_shown_as_nothing_nor_as_all(bad: int, good: int, filled: int) -> None:
    assert Cell(0, 1, {"blocked": bad, "ok": good}).filled == filled


def test_what_was_not_read_is_told_from_what_was_not_measured(tmp_path: Path) -> None:
    with History(tmp_path, fresh=0.0) as history, history.lock:
        board = Board(history, [DAY.date()])
        row = board.row(FEATURE, Window(END.timestamp(), 6), END.timestamp())
    assert board.missing == 1
    assert not any(cell.read for cell in row.cells)
    assert row.standing is None


def test_a_run_is_followed_over_days_and_gaps(tmp_path: Path, look: Look) -> None:
    hourly = timedelta(hours=1)
    write(tmp_path, verdicts(".b" + "b" * 30 + "oo" + "b" * 5, END - 39 * hourly, hourly))
    standing = look().standing
    assert standing is not None
    assert (standing.outcome, standing.earlier) == ("blocked", True)
    assert standing.since == (END - 38 * hourly).timestamp()


def test_where_the_beginning_was_not_read_it_lasts_at_least_so_long(
    tmp_path: Path, look: Look
) -> None:
    hourly = timedelta(hours=1)
    write(tmp_path, verdicts("b" * 96, END - 96 * hourly, hourly))
    standing = look(back=2).standing
    assert standing is not None and not standing.earlier
    assert standing.since == (DAY - timedelta(days=1)).timestamp()


def test_offline_is_what_it_is_now_and_the_last_conclusion_stands_beside_it(
    tmp_path: Path, look: Look
) -> None:
    write(tmp_path, verdicts("....bboo", END - timedelta(minutes=80)))
    standing = look().standing
    assert standing is not None and standing.concluded is not None
    assert (standing.outcome, standing.concluded.outcome) == ("offline", "blocked")
    assert standing.since == (END - timedelta(minutes=40)).timestamp()
    assert not standing.stale


def test_where_verdicts_stopped_coming_it_is_stale(tmp_path: Path, look: Look) -> None:
    write(tmp_path, verdicts("......", DAY))
    standing = look().standing
    assert standing is not None and standing.stale


def test_what_comes_later_than_the_moment_does_not_count(tmp_path: Path, look: Look) -> None:
    write(tmp_path, verdicts("..bb", END - timedelta(minutes=20)))
    standing = look().standing
    assert standing is not None and standing.outcome == "ok"


def test_without_a_feature_verdict_its_targets_count(tmp_path: Path, look: Look) -> None:
    for target, pattern in (("one", ".."), ("two", "bb")):
        write(tmp_path, verdicts(pattern, DAY, target=target))
    assert look().cells[0].counts == {"ok": 2, "blocked": 2}
    assert look(FEATURE._replace(target="two")).cells[0].counts == {"blocked": 2}
    write(tmp_path, verdicts("..", DAY))
    assert look().cells[0].counts == {"ok": 2}


@pytest.mark.parametrize(
    ("seconds", "earlier", "said"),
    [
        (5, False, "for less than a minute"),
        (65, False, "for at least 1 min"),
        (65, True, "for 1 min"),
    ],
)
def test_for_how_long_it_has_been_so(seconds: float, earlier: bool, said: str) -> None:
    newest = Seen(0.0, "ok", 0)
    standing = Standing(newest=newest, concluded=newest, since=0.0, earlier=earlier, stale=False)
    assert since(standing, seconds) == said

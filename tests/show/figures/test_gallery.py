"""Which figures there are, what they show, and what they say they leave out."""

from dataclasses import replace

import pytest
from support.pictured import HOSTILE, HOURLY, compared, named, verdicts
from support.reported import START, cycles, reported

from probe.compare.comparison import Comparison
from probe.show.figures import coverage, mechanisms, multiples, timeline, windows
from probe.show.figures.gallery import SERVICES, chosen, drafts
from probe.show.figures.lines import Line, Point
from probe.show.figures.palette import OUTCOMES, PARTS
from probe.show.figures.rows import Row, rows
from probe.show.figures.scale import Scale, scale

pytest.importorskip("matplotlib")

from probe.show.figures.canvas import Picture


def axis_of(comparison: Comparison) -> Scale:
    found = scale(comparison.series)
    assert found is not None
    return found


def drawn(comparison: Comparison, lines: tuple[Line, ...] = ()) -> dict[str, Picture]:
    axis = axis_of(comparison)
    found = drafts(rows(comparison, axis), lines, axis, comparison.until)
    return {picture.name: picture for draft in found if (picture := draft())}


def many(number: int) -> tuple[Comparison, tuple[Row, ...]]:
    given = [
        verdict
        for at in range(number)
        for verdict in cycles("..x.", START, every=HOURLY, feature=f"f{at:03}")
    ]
    comparison = compared(given)
    return comparison, rows(comparison, axis_of(comparison))


def test_what_was_measured_is_drawn_and_what_was_not_is_left_out() -> None:
    assert list(drawn(compared())) == ["timeline-1", "failures", "coverage", "mechanisms"]
    quiet = drawn(compared(list(cycles("." * 9, every=HOURLY))))
    assert list(quiet) == ["timeline-1", "failures", "coverage"]
    offline = drawn(compared(list(cycles("o" * 9, every=HOURLY))))
    assert list(offline) == ["timeline-1", "coverage"]


def test_durations_and_speeds_are_drawn_where_there_are_any() -> None:
    comparison = compared()
    row = rows(comparison, axis_of(comparison))[0]
    points = tuple(Point(one.start, 6, 90.0, 100.0, 140.0) for one in row.bins)
    line = Line(row.place, row.service, row.feature, "https://w.example/", points, ())
    assert "throughput" not in drawn(comparison, (line,))
    picture = drawn(comparison, (replace(line, speed=points),))["throughput"]
    assert "https://w.example/ at CN AS4134 residential: usually 100 kB/s" in picture.alt


def test_the_words_beside_a_figure_tell_what_is_to_be_seen() -> None:
    picture = drawn(compared())["timeline-1"]
    assert "media at CN AS4134 residential: 12 of 60 cycles failed" in picture.alt
    assert "media at CN AS56041 mobile: 0 of 46 cycles failed, 4 without conclusion" in picture.alt
    assert picture.notes[0].startswith("One column is 1 hour (UTC).")


def test_a_gap_is_neither_filled_nor_joined_to_its_neighbours() -> None:
    comparison = compared()
    axis = axis_of(comparison)
    mobile = next(row for row in rows(comparison, axis) if row.place.network == "mobile")
    found = timeline.stacked(mobile, axis)
    ends = [(start - axis.first, end - axis.first, stack) for start, end, stack in found]
    assert ends == [
        (0, 20, (("ok", 1.0),)),
        (20, 24, ((None, 1.0),)),
        (34, 60, (("ok", 1.0),)),
    ]


def test_shares_of_a_column_fill_its_height_from_what_accuses_most() -> None:
    comparison = compared(list(cycles("bx..", START)))
    axis = axis_of(comparison)
    (row,) = rows(comparison, axis)
    ((_, _, stack),) = timeline.stacked(row, axis)
    assert stack == (("blocked", 0.25), ("unreachable", 0.25), ("ok", 0.5))


def test_reported_windows_lie_above_the_rows_that_they_bear_on() -> None:
    comparison = compared()
    axis = axis_of(comparison)
    found = {
        row.name: [one.number for one in windows.lanes(row, axis, comparison.until)]
        for row in rows(comparison, axis)
    }
    assert found == {
        "whatsapp media · CN AS4134 residential": [1],
        "whatsapp media · CN AS56041 mobile": [1],
        "whatsapp text · CN AS4134 residential": [2],
    }


def test_a_window_beyond_the_axis_is_not_drawn() -> None:
    late = {"onset_earliest": "2018-01-01", "onset_latest": "2018-01-01"}
    later = reported(**late, end_earliest=None, end_latest=None, ongoing=True)
    comparison = compared(reports=[later])
    axis = axis_of(comparison)
    assert not any(windows.lanes(row, axis, comparison.until) for row in rows(comparison, axis))


def test_too_many_windows_rows_and_services_are_left_out_and_said_to_be() -> None:
    reports = [reported(id=f"r{at}") for at in range(windows.LANES + 2)]
    assert "2 wider reported windows" in " ".join(
        drawn(compared(None, reports))["timeline-1"].notes
    )

    comparison, given = many(50)
    axis = axis_of(comparison)
    for picture, shown in (
        (timeline.timelines("whatsapp", given, axis, comparison.until, 1), timeline.ROWS),
        (multiples.multiples(given, axis, comparison.until), multiples.PANELS),
        (coverage.coverage(given, axis), coverage.ROWS),
        (mechanisms.mechanisms(given), mechanisms.ROWS),
    ):
        assert picture is not None
        assert "Left out" in picture.notes[-1]
        assert picture.alt.count("CN AS4134") == shown

    services = [v for at in range(SERVICES + 3) for v in named(f"s{at:02}")]
    comparison = compared(services)
    assert len(chosen(rows(comparison, axis_of(comparison)))) == SERVICES


def test_a_row_that_a_report_speaks_of_is_never_left_out_for_one_that_fails() -> None:
    given = [v for at in range(30) for v in cycles("xx", START, every=HOURLY, feature=f"f{at:02}")]
    comparison = compared([*given, *verdicts()])
    kept = timeline.timelines(
        "whatsapp",
        rows(comparison, axis_of(comparison)),
        axis_of(comparison),
        comparison.until,
        1,
    )
    assert "media at CN AS4134 residential" in kept.alt
    assert "text at CN AS4134 residential" in kept.alt


@pytest.mark.parametrize("text", HOSTILE)
def test_names_from_files_break_no_figure(text: str) -> None:
    for picture in drawn(compared([*verdicts(), *named(text)])).values():
        assert picture.svg().startswith(b"<?xml")


def test_every_look_differs_in_more_than_its_colour() -> None:
    failing = [look for outcome, look in OUTCOMES.items() if outcome != "ok"]
    assert len({look.hatch for look in failing}) == len(failing)
    assert len({look.hatch for look in PARTS}) == len(PARTS)


def test_the_same_data_gives_the_same_bytes() -> None:
    def once() -> list[bytes]:
        return [picture.svg() for picture in drawn(compared()).values()]

    assert once() == once()

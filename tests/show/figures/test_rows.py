"""What figures are drawn from: columns that never take a gap for working."""

from datetime import timedelta

from support.pictured import HOURLY, MOBILE, compared, verdicts
from support.reported import START, cycles

from probe.show.figures.rows import Row, rows
from probe.show.figures.scale import Scale, scale


def drawn(**how: object) -> dict[str, Row]:
    comparison = compared(**how)  # type: ignore[arg-type]
    axis = scale(comparison.series)
    assert axis is not None
    return {row.name: row for row in rows(comparison, axis)}


def test_there_is_a_row_for_each_feature_at_each_network() -> None:
    assert list(drawn()) == [
        "whatsapp media · CN AS4134 residential",
        "whatsapp media · CN AS56041 mobile",
        "whatsapp text · CN AS4134 residential",
    ]


def test_hours_without_cycles_are_not_there_and_gaps_are_no_cycles() -> None:
    row = drawn()["whatsapp media · CN AS56041 mobile"]
    first = row.bins[0].start
    assert [one.start - first for one in row.bins] == [*range(24), *range(34, 60)]
    assert [(one.cycles, one.gaps, one.covered) for one in row.bins[20:24]] == [(0, 1, 0)] * 4
    assert (row.cycles, row.gaps, row.pace) == (46, 4, 1.5)
    assert row.coverage == 31 / 40  # pieces of an hour and a half
    assert row.bins[20].share.share is None


def test_a_row_knows_the_reports_that_bear_on_it() -> None:
    found = drawn()
    assert [one.number for one in found["whatsapp media · CN AS4134 residential"].reports] == [1]
    assert [one.number for one in found["whatsapp text · CN AS4134 residential"].reports] == [2]


def test_columns_sum_up_all_vantages_of_a_network() -> None:
    twin = cycles("x" * 60, START - 24 * HOURLY, every=HOURLY)
    row = drawn(given=[*verdicts(), *twin])["whatsapp media · CN AS4134 residential"]
    assert (row.cycles, row.failed) == (120, 72)


def test_hours_are_summed_into_wider_columns() -> None:
    comparison = compared()
    axis = scale(comparison.series)
    assert axis is not None
    wide = Scale(axis.first, axis.first + 72, 24)
    row = next(row for row in rows(comparison, wide) if row.place.network == "residential")
    assert [(one.cycles, one.failed, one.covered) for one in row.bins] == [
        (24, 0, 24),
        (24, 12, 24),
        (12, 0, 12),
    ]
    assert row.mechanisms == {"tls.reset.sni": 12}
    assert MOBILE.id not in row.vantages
    assert timedelta(hours=wide.step) == timedelta(days=1)


def test_where_cycles_are_rare_each_covers_more_as_in_answers() -> None:
    comparison = compared(given=cycles("." * 90, START, every=8 * HOURLY))
    axis = scale(comparison.series)
    assert axis is not None
    assert axis.step == 12  # a column holds at least one: no stripes of hours that none was due in
    (row,) = rows(comparison, axis)
    assert row.pace == 12
    assert row.coverage == 1
    assert {one.covered for one in row.bins} == {1, 2}

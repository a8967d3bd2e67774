"""Small multiples: where words stand around them."""

import pytest

pytest.importorskip("matplotlib")

from matplotlib.axes import Axes

from probe.show.figures.axis import days, time_axis
from probe.show.figures.panels import curve, panels
from probe.show.figures.scale import Scale

# From 1 June until 1 August 2017, a day a column.
JUNE, AUGUST = 415_512, 416_976
SUMMER = Scale(JUNE, AUGUST, 24)
COLOURS = "#000000", "#cccccc"


def dates(axes: Axes) -> list[str]:
    """The dates that stand below a plot, and what all of them have in common."""
    shown = [label for label in axes.get_xticklabels() if label.get_visible()]
    common = axes.xaxis.get_major_formatter().get_offset()
    return [*(label.get_text() for label in shown), common if shown else ""]


def words(axes: Axes) -> list[str]:
    return [label.get_text() for label in axes.get_yticklabels() if label.get_visible()]


def test_dates_stand_below_the_last_plot_of_each_column_and_words_beside_the_first_of_a_row() -> (
    None
):
    with panels(5, alike=True) as (_, plots):
        for axes in plots:
            axes.set_yticks([0, 1], ["none", "all"])
            time_axis(axes, SUMMER, 4)
        dated = [any(dates(axes)) for axes in plots]
        assert dated == [False, False, True, True, True]
        assert [bool(words(axes)) for axes in plots] == [True, False, False, True, False]
        assert dates(plots[3])[0] == "Jun"
        assert dates(plots[3])[-1] == "2017"


def test_plots_with_scales_of_their_own_have_words_of_their_own() -> None:
    with panels(4, alike=False) as (_, plots):
        for most, axes in enumerate(plots, 1):
            curve(axes, [JUNE, JUNE + 24], [0, most], [(0, most)] * 2, 24, COLOURS)
            time_axis(axes, SUMMER, 4)
        assert all(words(axes) for axes in plots)
        tops = [axes.get_ylim()[1] for axes in plots]
        assert tops == sorted(set(tops))
        assert all(most <= top < 1.1 * most for most, top in enumerate(tops, 1))
        assert {axes.get_xlim() for axes in plots} == {(days(JUNE), days(AUGUST))}

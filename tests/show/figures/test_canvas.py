"""Figures as files: the same bytes each time, and no text that does anything."""

import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from support.command import PROJECT
from support.pictured import HOSTILE

pytest.importorskip("matplotlib")

from probe.show.figures.canvas import LABEL, Picture, canvas, label, shorten


def written(text: str) -> Picture:
    with canvas(2) as figure:
        axes = figure.subplots()
        axes.set_title(label(text))
        axes.set_yticks([0, 1], [label(text), "$x$"])
    return Picture("name", "title", "alt", (), figure)


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_a_figure(text: str) -> None:
    svg = written(text).svg()
    ET.fromstring(svg)
    assert b"<script" not in svg
    assert b"leak.example" not in re.sub(rb"<!--.*?-->", b"", svg, flags=re.DOTALL)


def test_a_formula_is_drawn_as_it_is_written() -> None:
    # Five outlines of letters, not the one of an x in italics.
    assert b"DejaVuSans-Oblique" not in written("$x$").svg()


def test_the_same_figure_gives_the_same_bytes() -> None:
    assert written("one").svg() == written("one").svg()
    assert written("one").png() == written("one").png()
    assert b"<dc:date>" not in written("one").svg()


def test_it_is_drawn_once_for_each_form_and_each_is_laid_out_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from matplotlib.figure import Figure

    drawn: list[None] = []
    draw = Figure.draw
    monkeypatch.setattr(Figure, "draw", lambda figure, to: drawn.append(draw(figure, to)))
    picture = written("one")
    forms = picture.png(), picture.svg()
    assert len(drawn) == 2
    assert (picture.png(), picture.svg()) == forms
    alone = written("one")
    assert (alone.svg(), alone.png()) == forms[::-1]


def test_a_label_is_short_and_keeps_both_ends() -> None:
    assert label("begin" + "-" * 10_000 + "end").startswith("begin")
    assert label("begin" + "-" * 10_000 + "end").endswith("end")
    assert len(label("x" * 10_000)) == LABEL
    assert shorten("short", 5) == "short"


def test_letters_that_the_font_lacks_are_marked() -> None:
    assert label("微信 ok") == "□□ ok"
    assert label("a\x1bb\u202ec") == "a\\x1bb\\u202ec"


def test_a_users_own_settings_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import matplotlib as mpl

    before = written("one").svg()
    with mpl.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        assert written("one").svg() == before


def test_matplotlib_is_imported_only_when_something_is_drawn() -> None:
    import subprocess

    code = (
        "import sys, probe.show.figures.gallery, probe.show.report.page, probe.cli.report\n"
        "assert not [name for name in sys.modules if name.startswith('matplotlib')]"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False)
    assert done.returncode == 0


def test_pyplot_is_never_imported() -> None:
    assert "matplotlib.pyplot" not in sys.modules

"""Figures that are drawn by two processes: the same as by one, and nobody is left behind."""

import multiprocessing
import os
import signal
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")

from support.drafts import (
    HERE,
    THERE,
    deadly,
    five,
    forever,
    telling,
    waiting,
    written,
    wrong,
)

from probe.show.figures.canvas import Image
from probe.show.figures.painters import MANY, Draft, Painters


@pytest.fixture(autouse=True)
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processors."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def drawn(drafts: list[Draft], rows: int = MANY, *, png: bool = False) -> list[Image]:
    with Painters(rows, png=png) as painters:
        found = list(painters.images(drafts))
    assert not multiprocessing.active_children()
    return found


def test_what_two_draw_is_what_one_draws_in_the_same_order(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    drafts = [partial(waiting, "zero", sign), *five(), partial(telling, "six", sign)]
    both = drawn(drafts, png=True)
    alone = drawn(drafts, rows=0, png=True)
    assert [image.name for image in both] == ["zero", "one", "two", "four", "five", "six"]
    # The first waited here until the last was begun there.
    assert both[0].notes == (HERE,)
    assert both[-1].notes == (THERE,)
    assert {image.notes for image in alone} == {(HERE,)}
    assert [replace(image, notes=()) for image in both] == [
        replace(image, notes=()) for image in alone
    ]
    assert all((image.png or b"").startswith(b"\x89PNG") for image in both)


@pytest.mark.parametrize(("rows", "processors"), [(MANY - 1, {0, 1}), (MANY, {0})])
def test_few_figures_or_a_single_processor_are_no_work_for_two(
    rows: int, processors: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: processors)
    with Painters(rows) as painters:
        assert not multiprocessing.active_children()
        found = list(painters.images(five()))
    assert {image.notes for image in found} == {(HERE,)}
    assert {image.png for image in found} == {None}


def test_what_goes_wrong_there_goes_wrong_here(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sign = tmp_path / "sign"
    last: list[Draft] = [partial(wrong, "of no use"), partial(telling, "last", sign)]
    for rows in (MANY, 0):
        sign.unlink(missing_ok=True)
        first: Draft = partial(waiting, "first", sign) if rows else partial(written, "first")
        with pytest.raises(ArithmeticError, match="of no use"):
            drawn([first, *last], rows)
    assert not multiprocessing.active_children()
    assert "Traceback" not in capfd.readouterr().err


def test_the_rest_is_drawn_here_where_the_other_process_dies(tmp_path: Path) -> None:
    sign = tmp_path / "sign"
    found = drawn([partial(waiting, "first", sign), *five(), partial(deadly, sign)])
    assert [image.name for image in found] == ["first", "one", "two", "four", "five", "deadly"]
    assert {image.notes for image in found} == {(HERE,)}


def test_ctrl_c_ends_what_is_being_drawn_without_a_word(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    sign = tmp_path / "sign"
    with pytest.raises(KeyboardInterrupt), Painters(MANY) as painters:
        images = painters.images([partial(waiting, "first", sign), partial(forever, sign)])
        assert next(images).name == "first"
        (other,) = multiprocessing.active_children()
        assert other.pid
        # As a terminal does it: all of its processes hear of it.
        os.kill(other.pid, signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        next(images)
    assert not multiprocessing.active_children()
    assert capfd.readouterr().err == ""
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_can_be_left_before_anything_is_drawn() -> None:
    with pytest.raises(KeyboardInterrupt), Painters(MANY):
        assert multiprocessing.active_children()
        raise KeyboardInterrupt
    assert not multiprocessing.active_children()

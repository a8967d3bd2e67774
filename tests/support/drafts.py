"""Figures to be drawn, which a second process can import."""

import multiprocessing
import os
import signal
import time
from functools import partial
from pathlib import Path

from probe.show.figures.canvas import Picture, canvas, label
from probe.show.figures.painters import Draft

HERE, THERE = "drawn here", "drawn there"
PATIENCE = 120.0  # seconds


def where() -> str:
    return THERE if multiprocessing.parent_process() else HERE


def written(text: str) -> Picture | None:
    """A figure with this text in it, which notes where it was drawn; none without text."""
    if not text:
        return None
    with canvas(2) as figure:
        figure.subplots().set_title(label(text))
    return Picture(text, text, text, (where(),), figure)


def waiting(text: str, sign: Path) -> Picture | None:
    """The same, not before there is this file."""
    until = time.monotonic() + PATIENCE
    while not sign.exists() and time.monotonic() < until:
        time.sleep(0.01)
    return written(text)


def telling(text: str, sign: Path) -> Picture | None:
    """The same, after making this file."""
    sign.touch()
    return written(text)


def wrong(text: str) -> Picture | None:
    raise ArithmeticError(text)


def deadly(sign: Path) -> Picture | None:
    """Kills the second process, and is drawn in the first one."""
    sign.touch()
    if where() == THERE:
        os.kill(os.getpid(), signal.SIGKILL)
    return written("deadly")


def forever(sign: Path) -> Picture | None:
    """Far from done when its process is ended."""
    sign.touch()
    time.sleep(PATIENCE)
    return written("forever")


def five() -> list[Draft]:
    """Five, of which one shows nothing."""
    return [partial(written, text) for text in ("one", "two", "", "four", "five")]

"""Draws figures in this process and in a second one beside it, where that is worth its start.

Each figure is drawn for itself, so it is the same, to the byte, wherever it is drawn. This process
takes them from the front and hands over those at the back; what the other one cannot do, because
something is wrong with the figure or with the process, is done here, and what is wrong shows here.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from multiprocessing.connection import Connection
from threading import Thread
from typing import Final, Self

from probe.show.figures.canvas import Image, Picture, available

# A figure that is still to be drawn; None where there is nothing to be seen. It can be pickled.
Draft = Callable[[], Picture | None]

MANY: Final = 12  # rows; before a second process has started, fewer are drawn


class Painters:
    """A context manager: inside it the second process gets ready and draws; none is left after it.

    There is none with a single processor, or for few ``rows``.
    """

    def __init__(self, rows: int, *, png: bool = False) -> None:
        """Draw figures of so many rows in all, with ``png`` in that form as well."""
        self._png = png
        self._two = rows >= MANY and len(os.sched_getaffinity(0)) > 1
        self._handing: Thread | None = None

    def __enter__(self) -> Self:
        """Start the process, if there is to be one."""
        if self._two:
            context = multiprocessing.get_context("spawn")
            self._line, theirs = context.Pipe()
            self._other = context.Process(target=_work, args=(theirs, self._png), daemon=True)
            # Inherited: Ctrl-C reaches every process of a terminal, and is for this one to answer.
            before = signal.signal(signal.SIGINT, signal.SIG_IGN)
            try:
                self._other.start()
            finally:
                signal.signal(signal.SIGINT, before)
            theirs.close()
        return self

    def __exit__(self, *_: object) -> None:
        """End it, whatever it does."""
        if self._two:
            self._other.terminate()
            self._other.join()
            if self._handing:
                self._handing.join()
            self._line.close()

    def images(self, drafts: Sequence[Draft]) -> Iterator[Image]:
        """The figures in order, one by one; those of which nothing is to be seen are left out."""
        handed: list[Future[Image | None]] = [Future() for _ in drafts]
        if self._two:
            pairs = list(zip(drafts, handed, strict=True))
            self._handing = Thread(target=self._hand_over, args=(pairs[::-1],), daemon=True)
            self._handing.start()
        for draft, future in zip(drafts, handed, strict=True):
            if (image := self._image(draft, future)) is not None:
                yield image

    def _image(self, draft: Draft, future: "Future[Image | None]") -> Image | None:
        if not future.cancel():
            with contextlib.suppress(EOFError):
                return future.result()
        return _drawn(draft, png=self._png)

    def _hand_over(self, pairs: "Sequence[tuple[Draft, Future[Image | None]]]") -> None:
        """Give the other process one after the other, until it meets those drawn here."""
        with contextlib.suppress(EOFError, OSError):
            self._line.recv()  # it is ready
            for draft, future in pairs:
                if not future.set_running_or_notify_cancel():
                    return
                try:
                    self._line.send(draft)
                    future.set_result(self._line.recv())
                finally:
                    if not future.done():
                        future.set_exception(EOFError())


def _drawn(draft: Draft, *, png: bool) -> Image | None:
    picture = draft()
    return picture.image(png=png) if picture else None


def _work(line: Connection, png: bool) -> None:
    """Draw what comes over the line, until it is closed or something cannot be drawn."""
    available()  # which takes most of a second
    with line, contextlib.suppress(Exception):
        line.send(None)
        while True:
            line.send(_drawn(line.recv(), png=png))

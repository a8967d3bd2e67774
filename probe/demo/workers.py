"""Plays a story for all its vantages, in as many processes as there are processors.

Each vantage is a story of its own and needs nothing of the others. Ctrl-C is for the process that
started them: it ends them, and what they stored stays.
"""

import gc
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Final, Self

from probe.demo.replay import certificates, replay
from probe.demo.story import read_story
from probe.record.disk import ResultsError

_MOST: Final = 8  # processes
_RARELY: Final = 50_000  # new objects between two looks for garbage; a replay makes few cycles
_STEPS: Final = 100  # times that a vantage's progress is told


class Players:
    """A context manager: inside it the story is played, and whoever leaves it early ends that."""

    def __init__(self, source: Path, folder: Path, results: Path) -> None:
        """Play the story in the file ``source``; certificates go into ``folder``.

        Raises ConfigError for the story.
        """
        self.story = read_story(source)
        self._arguments = (source, folder, results)
        self._workers: list[SpawnProcess] = []
        self._ears: list[Connection] = []
        self._done = dict.fromkeys(range(len(self.story.vantages)), 0.0)

    def __enter__(self) -> Self:
        """Start the processes."""
        certificates(self.story, self._arguments[1])
        context = multiprocessing.get_context("spawn")
        at_once = max(1, min(len(os.sched_getaffinity(0)), len(self._done), _MOST))
        # Kept, because the processes cannot open a queue that is gone here.
        self._waiting: SimpleQueue[int | None] = context.SimpleQueue()
        for which in (*self._done, *[None] * at_once):
            self._waiting.put(which)
        # Inherited: Ctrl-C reaches every process of a terminal, and is for this one to answer.
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            for _ in range(at_once):
                ear, mouth = context.Pipe(duplex=False)
                self._ears.append(ear)
                with mouth:
                    worker = context.Process(
                        target=_work, args=(*self._arguments, self._waiting, mouth), daemon=True
                    )
                    worker.start()
                self._workers.append(worker)
        except BaseException:
            self.__exit__()
            raise
        finally:
            signal.signal(signal.SIGINT, before)
        return self

    def __exit__(self, *_: object) -> None:
        """End what still runs."""
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.join()
        for ear in self._ears:
            ear.close()

    def finish(self, told: Callable[[float], None] = lambda _: None) -> None:
        """Wait until the story is over; ``told`` hears which share is.

        Raises ResultsError for the disk, and where a process ended by itself.
        """
        listening = list(self._ears)
        while listening:
            for ear in wait(listening):
                assert isinstance(ear, Connection)
                try:
                    self._hear(ear.recv())
                except EOFError:
                    listening.remove(ear)
                told(sum(self._done.values()) / len(self._done))
        if any(share < 1 for share in self._done.values()):
            raise ResultsError("one of the processes of the replay ended early")

    def _hear(self, message: tuple[int, float] | str) -> None:
        if isinstance(message, str):
            raise ResultsError(message)
        which, share = message
        self._done[which] = share


def _work(
    source: Path,
    folder: Path,
    results: Path,
    waiting: "SimpleQueue[int | None]",
    mouth: Connection,
) -> None:
    gc.set_threshold(_RARELY)
    story = read_story(source)
    try:
        while (which := waiting.get()) is not None:
            told = -1

            def tell(share: float, which: int = which) -> None:
                nonlocal told
                if int(share * _STEPS) > told:
                    told = int(share * _STEPS)
                    mouth.send((which, share))

            replay(story, story.vantages[which], folder, results, tell)
    except ResultsError as exc:
        mouth.send(str(exc))
    except BrokenPipeError:
        return  # nobody is there any more to hear of it
    finally:
        mouth.close()

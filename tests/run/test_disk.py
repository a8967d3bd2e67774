"""probe.run.disk, and a service on a disk that fills up and is freed again."""

from types import SimpleNamespace

import pytest
from support.plans import planned
from support.running import Notebook, serve, targets

from probe.record.disk import DiskFull
from probe.record.journal import Journal
from probe.run.disk import LEAST, Disk, Left

GIB = 1024**3


def disk(free, limit=100, total=1000, backlog=None):
    state = SimpleNamespace(free=free)
    return state, Disk(lambda: (state.free, total), limit, backlog)


def test_objects_go_first_then_cycles_and_it_comes_back_with_a_margin():
    state, watched = disk(1000)
    seen = []
    for free in (1000, 201, 199, 240, 101, 99, 110, 124, 126, 249, 251, 1000):
        state.free = free
        watched.look()
        seen.append(watched.out)
    nothing, objects, cycles = Left
    assert seen == [
        nothing, nothing, objects, objects, objects, cycles, cycles, cycles, objects, objects,
        nothing, nothing,
    ]  # fmt: skip


def test_only_changes_are_news():
    state, watched = disk(50)
    assert [watched.look(), watched.look()] == [True, False]
    state.free = 1000
    assert [watched.look(), watched.look()] == [True, False]


@pytest.mark.parametrize(
    ("total", "limit", "needed"),
    [(100 * GIB, None, LEAST), (GIB, None, GIB // 50), (GIB, 5 * GIB, 5 * GIB)],
)
def test_a_small_disk_needs_less_unless_somebody_says_otherwise(total, limit, needed):
    assert Disk(lambda: (0, total), limit).needed(total) == pytest.approx(needed, abs=1)


def test_many_waiting_lines_are_as_bad_as_no_room():
    _, watched = disk(1000, backlog=10)
    for waiting, out in ((10, 0), (11, 2), (6, 2), (5, 0)):
        watched.look(waiting)
        assert watched.out == out


def test_a_disk_that_cannot_be_asked_changes_nothing():
    def gone():
        raise OSError(5, "Input/output error")

    watched = Disk(gone, None)
    assert not watched.look()
    assert watched.out is Left.NOTHING


class Folder(Notebook):
    """A notebook that has objects as a journal has."""

    root = "results"

    def __init__(self):
        super().__init__()
        self.objects = SimpleNamespace(paused=False)


def test_a_service_leaves_out_what_has_no_room_and_goes_on_by_itself():
    state, watched = disk(1000)
    notebook, paused = Folder(), []

    def room(free):
        def happens(_):
            state.free = free

        return happens

    def look(_):
        paused.append(notebook.objects.paused)

    at = [
        (600, room(150)),
        (700, look),
        (1200, room(50)),
        (1300, look),
        (1800, room(1000)),
        (1900, look),
    ]
    plan = planned(targets=targets("a", "b", every="1m"))
    serve(plan, 2400, notebook=notebook, at=at, disk=watched)
    assert paused == [True, True, False]
    assert [d["left_out"] for d in notebook.told("disk_full")] == ["objects", "cycles"]
    (told,) = notebook.told("disk_ok")
    assert told["skipped"] in range(18, 23)
    assert len(notebook.measurements) + told["skipped"] == 80
    assert notebook.told("missed") == notebook.told("skipped") == []


def test_lines_that_wait_are_written_also_when_nothing_is_measured():
    state, watched = disk(1000)
    notebook = Folder()

    def full(_):
        notebook.full, state.free = True, 10

    def again(_):
        notebook.full = False

    plan = planned(targets=targets("a", every="1m"))
    serve(plan, 1200, notebook=notebook, at=[(600, full), (900, again)], disk=watched)
    assert len(notebook.measurements) == 10
    assert notebook.waiting == 0


def test_paused_objects_take_nothing_new_and_keep_what_they_have(tmp_path):
    with Journal(tmp_path / "results") as journal:
        name = journal.objects.put(b"page")
        journal.objects.paused = True
        assert journal.objects.put(b"page") == name
        with pytest.raises(DiskFull):
            journal.objects.put(b"another")
        assert journal.objects.get(name) == b"page"


def test_a_look_that_fails_is_not_the_last_one(caplog):
    asked = []

    def room():
        asked.append(len(asked))
        if len(asked) == 3:
            raise ValueError("a bug")
        return 1000, 1000

    plan = planned(targets=targets("a", every="1m"))
    notebook = serve(plan, 120, notebook=Folder(), disk=Disk(room, 100))
    assert len(asked) > 20
    assert len(notebook.measurements) == 2
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == [
        "looking after the clock and the disk"
    ]

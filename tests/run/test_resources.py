"""probe.run.resources and probe.run.lock: what one process may have to itself."""

import os
import resource
import subprocess
import sys
from dataclasses import replace

import pytest
from support.plans import planned
from support.running import targets

from probe.run import resources
from probe.run.lock import LockedError, locked

CHILD = """
import resource, sys
from probe.run.resources import raise_open_files
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 500))
print(raise_open_files(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


def test_open_files_are_raised_as_far_as_is_allowed():
    done = subprocess.run([sys.executable, "-c", CHILD], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["500", "500", "500"]


def test_a_sandbox_that_forbids_it_stops_nothing(monkeypatch):
    def forbidden(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(resource, "setrlimit", forbidden)
    assert resources.raise_open_files() == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    monkeypatch.setattr(resource, "getrlimit", forbidden)
    assert resources.raise_open_files() == 1024


def test_fewer_cycles_are_under_way_where_files_are_few():
    plan = planned(targets=targets("a", every="1m"), max_addresses=6)
    assert resources.cycles_for(plan, 1024) >= 64
    few = resources.cycles_for(plan, 200)
    assert 1 <= few < 64
    more_resolvers = replace(plan.jobs[0], resolvers=plan.jobs[0].resolvers * 5)
    assert resources.cycles_for(replace(plan, jobs=(more_resolvers,)), 200) < few
    assert resources.cycles_for(plan, 10) == 1


def test_the_resident_size_is_that_of_this_process():
    before = resources.resident()
    block = bytearray(os.urandom(1024)) * 64 * 1024
    assert before > 10 * 1024**2
    assert resources.resident() - before > len(block) // 2


def test_a_folder_is_locked_once_and_again_when_it_is_free(tmp_path):
    with locked(tmp_path):
        said = rf"process {os.getpid()}\) runs there already"
        with pytest.raises(LockedError, match=said), locked(tmp_path):
            pytest.fail("two at once")
    with locked(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [".run.lock"]

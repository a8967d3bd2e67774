"""The laboratory is closed, knows where it is, and leaves nothing behind."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.latency import Line
from lab.needed import laboratory
from lab.network import Lab, NotInside, prove_inside
from lab.places import NAMESPACES, ROUTER, VANTAGE
from lab.running import environment

pytestmark = [pytest.mark.lab, laboratory]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab")) as built:
        yield built


def spaces() -> list[str]:
    """All namespaces of laboratories that this machine has."""
    found = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in found.splitlines() if line.startswith("plab")]


def test_a_process_outside_is_told_so(lab: Lab) -> None:
    with pytest.raises(NotInside, match="is not in the network namespace"):
        prove_inside(lab.name("vantage"))
    with pytest.raises(FileNotFoundError):
        prove_inside("plab1x0-vantage")


@pytest.mark.parametrize("space", NAMESPACES)
def test_every_namespace_has_a_driver_that_proved_where_it_is(lab: Lab, space: str) -> None:
    assert lab.run_python(space, "lab.clients:listens", host="127.0.0.1", port=9) is False


def test_a_way_out_is_noticed(lab: Lab) -> None:
    lab.run("vantage", "ip", "tuntap", "add", "dev", "way-out", "mode", "tun")
    try:
        with pytest.raises(NotInside, match="vantage has other devices"):
            lab.prove()
        with pytest.raises(RuntimeError, match="has a way out"):
            lab.run_python("vantage", "lab.network:prove_inside", name=lab.name("vantage"))
    finally:
        lab.run("vantage", "ip", "link", "delete", "way-out")
    lab.prove()


def test_nothing_outside_can_be_reached(lab: Lab) -> None:
    for host in ("192.0.2.1", "127.0.0.1"):
        found = lab.run_python("vantage", "lab.clients:connect", host=host, port=443, within=0.3)
        assert found["failure"] in {"timeout", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH"}


def test_the_line_delays_loses_and_goes_down(lab: Lab) -> None:
    listening = lab.program("internet", sys.executable, "-m", "lab.listener", "93.184.9.9", "80")
    listening.hear()

    def connect() -> dict[str, object]:
        where = {"host": "93.184.9.9", "port": 80, "within": 3.0}
        found: dict[str, object] = lab.run_python("vantage", "lab.clients:connect", **where)
        return found

    lab.line(Line(least=0.2, most=0.2))
    found = connect()
    assert found["failure"] is None
    assert isinstance(found["seconds"], float)
    assert found["seconds"] >= 0.4  # one way and back; more is the machine's own affair
    lab.line(Line(loss=1.0))
    assert connect()["failure"] == "timeout"
    lab.line(Line(period=100.0, down=100.0))
    assert connect()["failure"] == "timeout"
    lab.line(Line())
    assert connect()["failure"] is None


def test_the_vantage_has_one_neighbour(lab: Lab) -> None:
    routes = lab.run("vantage", "ip", "route")
    assert f"default via {ROUTER}" in routes
    assert VANTAGE in lab.run("vantage", "ip", "address")


def test_nothing_is_left_when_it_ends(tmp_path: Path) -> None:
    with Lab(tmp_path) as built:
        own = {built.name(space) for space in NAMESPACES}
        assert own <= set(spaces())
        settings = [Path("/etc/netns") / name for name in own]
        assert all(path.exists() for path in settings)
    assert not own & set(spaces())
    assert not any(path.exists() for path in settings)


_SLEEPER = """
import sys, time
from pathlib import Path
from lab.network import Lab
with Lab(Path(sys.argv[1])) as built:
    print(built.name("router"), flush=True)
    time.sleep(600)
"""


def test_what_a_killed_one_left_is_cleared_by_the_next(tmp_path: Path) -> None:
    sleeper = subprocess.Popen(
        [sys.executable, "-c", _SLEEPER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert sleeper.stdout is not None
    router = sleeper.stdout.readline().strip()
    sleeper.send_signal(signal.SIGKILL)
    sleeper.wait()
    sleeper.stdout.close()
    assert router in spaces()
    (tmp_path / "next").mkdir()
    with Lab(tmp_path / "next"):
        assert router not in spaces()

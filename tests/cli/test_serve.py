"""probe serve: a process that listens where it may, answers, and ends when it is told to."""

import contextlib
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from support.command import PROBE, Command, Done, one_line
from support.local_page import blocked

Run = Callable[..., Done]
TOKEN = "correct-horse-battery"


def start(probe: Command, *options: str, **how: object) -> tuple["subprocess.Popen[bytes]", str]:
    """The process, and the address that it says it has."""
    (probe.folder / "results").mkdir(exist_ok=True)
    process = probe.start(*PROBE, "serve", "--listen", "127.0.0.1:0", *options, **how)
    assert process.stderr is not None
    line = process.stderr.readline().decode()
    found = re.search(r"http://\S+/", line)
    assert found, line
    return process, found[0]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_answers_until_a_signal_ends_it(probe: Command, number: int, code: int) -> None:
    blocked(probe.folder / "results")
    process, address = start(probe)
    answers: list[int] = []

    def ask(path: str) -> None:
        answers.append(httpx.get(address + path, timeout=30, trust_env=False).status_code)

    both = [threading.Thread(target=ask, args=(path,)) for path in ("", "export/verdicts.csv")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert answers == [200, 200]
    assert (process.returncode, out, err) == (code, b"", b"")


@pytest.mark.parametrize(
    ("form", "begins"),
    [((), b'{"at": '), (("--log", "json"), b'{"at": '), (("--log", "text"), b"20")],
)
def test_it_logs_as_a_running_probe_does(
    probe: Command, form: tuple[str, ...], begins: bytes
) -> None:
    (probe.folder / "results").mkdir()
    process = probe.start(*PROBE, "serve", "--listen", "127.0.0.1:0", *form)
    assert process.stderr is not None
    line = process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert line.startswith(begins)
    assert b"the page is at http://127.0.0.1:" in line


def test_a_connection_that_says_nothing_does_not_hold_up_the_end(probe: Command) -> None:
    process, address = start(probe)
    host, port = address.removeprefix("http://").rstrip("/").split(":")
    with socket.create_connection((host, int(port))) as silent:
        silent.sendall(b"GET / HTTP/1.1\r\nHo")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_a_head_that_is_too_long_ends_its_connection_only(probe: Command) -> None:
    process, address = start(probe)
    with httpx.Client(trust_env=False, timeout=30) as client:
        with contextlib.suppress(httpx.TransportError):  # it may be cut off while it still speaks
            assert client.get(address, headers={"X": "x" * 4_000_000}).status_code == 400
        assert client.get(address).status_code == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0


def test_the_token_is_nowhere_to_be_read(probe: Command) -> None:
    (probe.folder / "token").write_text(f"{TOKEN}\n")
    process, address = start(probe, "--token-file", "token")
    with httpx.Client(trust_env=False, timeout=30, base_url=address) as client:
        assert client.get("/").status_code == 401
        assert client.post("/login", data={"token": "x" * 20}).status_code == 403
        assert client.post("/login", data={"token": TOKEN}).status_code == 303
        assert client.get("/").status_code == 200
    command = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=20)
    assert TOKEN.encode() not in command + out + err
    assert process.returncode == 0


def test_a_port_that_is_taken_is_one_line(here: Run, probe: Command) -> None:
    (probe.folder / "results").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        one_line(here("serve", "--listen", place), 2, place, "address already in use")


@pytest.mark.parametrize("place", ["0.0.0.0:0", "[::]:0", "192.0.2.1:8480", "10.0.0.1:1"])
def test_without_a_token_it_listens_on_this_machine_only(
    here: Run, probe: Command, place: str
) -> None:
    (probe.folder / "results").mkdir()
    one_line(here("serve", "--listen", place), 2, place, "--token-file")


@pytest.mark.parametrize("place", ["8480", "localhost:8480", "127.0.0.1", "127.0.0.1:99999", ":1"])
def test_what_is_no_address_is_told(here: Run, place: str) -> None:
    one_line(here("serve", "--listen", place), 2, "--listen")


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "no token"), ("short", "fewer than 16"), ("two words that are long", "no token"),
     ("ünïcödé-ünïcödé-ünïcödé", "no token")],
)  # fmt: skip
def test_a_bad_token_is_told_without_it(here: Run, probe: Command, content: str, said: str) -> None:
    (probe.folder / "results").mkdir()
    (probe.folder / "token").write_text(content, "utf-8")
    done = here("serve", "--token-file", "token")
    one_line(done, 2, "token", said)
    assert not content or content not in done.err


def test_what_is_not_there_is_told(here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_TOKEN", raising=False)
    one_line(here("serve", "--token-env", "NO_SUCH_TOKEN"), 2, "NO_SUCH_TOKEN is not set")
    one_line(here("serve", "--token-file", "nowhere"), 2, "nowhere", "no such file")
    one_line(here("serve", "--results", "nowhere"), 2, "nowhere", "does not exist")
    one_line(here("serve", "-c", "nowhere.yaml"), 2, "nowhere.yaml")
    one_line(here("serve", "--host", "a b", "--results", "."), 2, "--host")

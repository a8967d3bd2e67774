"""probe doctor: is this machine ready to measure? It looks, and sends nothing."""

import csv
import io
import json
import resource
import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest
from support.command import Command, Run, one_line
from support.namespace import on_disk

SUBJECTS = ["version", "clock", "resolver", "IPv4", "IPv6", "trust store", "open files", "results"]


def findings(here: Run, *arguments: str) -> dict[str, dict[str, str]]:
    """By subject; that the exit code agrees is checked on the way."""
    done = here("doctor", "--format", "json", *arguments)
    assert done.err == ""
    found = json.loads(done.out)
    assert done.code == int(any(finding["state"] == "wrong" for finding in found))
    assert {finding["state"] for finding in found} <= {"ok", "note", "wrong"}
    return {finding["subject"]: finding for finding in found}


def test_everything_is_looked_at_and_nothing_is_changed(here: Run, tmp_path: Path) -> None:
    found = findings(here)
    assert [*found][: len(SUBJECTS)] == SUBJECTS
    assert found["results"]["text"] == "results (will be made)"
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_sent(here: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[Any] = []

    class Watched(socket.socket):
        def connect(self, address: Any) -> None:
            if self.type != socket.SOCK_DGRAM:  # a connected datagram socket asks for a route only
                sent.append(address)
            super().connect(address)

        def send(self, *_: Any) -> NoReturn:
            raise AssertionError("the doctor sent something")

        sendto = sendall = send

    monkeypatch.setattr(socket, "socket", Watched)
    findings(here)
    assert sent == []


@pytest.mark.parametrize("form", ["table", "jsonl", "csv"])
def test_every_form_says_the_same(here: Run, tmp_path: Path, form: str) -> None:
    done = here("doctor", "--format", form)
    if form == "table":
        assert done.widest <= 80
        assert all(subject in done.out for subject in SUBJECTS)
        assert "\x1b" not in done.out
    elif form == "jsonl":
        subjects = [json.loads(line)["subject"] for line in done.out.splitlines()]
        assert subjects[: len(SUBJECTS)] == SUBJECTS
    else:
        rows = list(csv.DictReader(io.StringIO(done.out, newline="")))
        assert [row["subject"] for row in rows][: len(SUBJECTS)] == SUBJECTS


def test_a_configuration_is_looked_at_too(here: Run, probe: Command) -> None:
    name = probe.configure("id: a, url: 'tcp://192.0.2.1:1'", results="kept")
    found = findings(here, "-c", name)
    assert found["configuration"]["text"].startswith("1 target")
    assert found["results"]["text"].startswith("kept")
    assert "country" in found["vantage"]["text"]
    assert found["anchors"]["state"] == "note"
    known = probe.configure("id: a, url: 'tcp://192.0.2.1:1'", vantage="{country: CN}")
    assert "vantage" not in findings(here, "-c", known)
    one_line(here("doctor", "-c", "none.yaml"), 2, "none.yaml: no such file")


def test_results_that_cannot_be_written_are_wrong(here: Run, probe: Command) -> None:
    (probe.folder / "file").write_text("")
    found = findings(here, "--results", "file/below")["results"]
    assert found["state"] == "wrong"
    assert "is a file, not a folder" in found["text"]
    done = probe("doctor", "--format", "json", before=on_disk(probe.folder, "ro"))
    assert done.code == 1
    told = {finding["subject"]: finding for finding in json.loads(done.out)}
    assert told["results"]["state"] == "wrong"
    assert "no permission to write there" in told["results"]["text"]


def test_a_small_disk_and_few_files_are_wrong(
    here: Run, probe: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = probe("doctor", "--format", "json", before=on_disk(probe.folder, "size=1m"))
    assert done.code == 1
    states = {finding["subject"]: finding["state"] for finding in json.loads(done.out)}
    assert (states["results"], states["disk"]) == ("ok", "wrong")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    assert findings(here)["open files"]["state"] == "wrong"


def test_whether_somebody_could_be_told_is_looked_at(here: Run, probe: Command) -> None:
    name = probe.configure(
        "id: a, url: 'tcp://192.0.2.1:1'",
        alerts="{urls_file: urls}",
        metrics="{listen: '0.0.0.0:9469'}",
    )
    found = findings(here, "-c", name)
    assert found["alerts"]["state"] == "wrong"
    assert found["metrics"]["state"] == "note"
    urls = probe.folder / "urls"
    urls.write_text("json://127.0.0.1/hunter2\n")
    urls.chmod(0o600)
    found = findings(here, "-c", name)
    assert found["alerts"] == {
        "subject": "alerts",
        "state": "ok",
        "text": "1 to tell; 'probe alerts test' sends a message",
    }

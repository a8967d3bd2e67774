"""probe plan: everything that would be sent is listed, and nothing is sent."""

import csv
import io
import json
import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest
from support.command import Command, Run, one_line

from probe.plan.catalogue import service

COLUMNS = ["host", "port", "via", "what", "for", "every"]


def rows(here: Run, *arguments: str) -> list[dict[str, Any]]:
    """What would be sent, a packet's kind and its host each."""
    done = here("plan", *arguments, "--format", "json")
    assert (done.code, done.err) == (0, "")
    return json.loads(done.out)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("a plan is no reason to touch the network")

    for name in ("socket", "getaddrinfo", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)


def test_nothing_is_sent_and_nothing_stored(here: Run, tmp_path: Path, no_network: None) -> None:
    for form in ("table", "json", "jsonl", "csv"):
        done = here("plan", "whatsapp", "https://site.example/", "--format", form)
        assert (done.code, done.err) == (0, "")
        assert "web.whatsapp.com" in done.out
    assert list(tmp_path.iterdir()) == []


def test_every_host_of_a_service_is_listed_and_so_are_anchors_and_lookups(here: Run) -> None:
    planned = rows(here, "whatsapp")
    hosts = {(row["host"], row["port"]) for row in planned}
    assert {(f"e{n}.whatsapp.net", port) for n in range(1, 17) for port in (443, 5222)} <= hosts
    features = {row["for"] for row in planned}
    assert {f"whatsapp {name}" for name in service("whatsapp").features} <= features
    assert any(name.startswith("anchor") for name in features)
    asked = [row["what"] for row in planned if row["host"] == "this machine's resolver"]
    assert any("e1.whatsapp.net" in what for what in asked)


def test_each_resolver_each_interval_and_each_privacy_is_told(probe: Command, here: Run) -> None:
    name = probe.configure(
        "id: a, service: s, feature: f, url: 'https://site.example/', every: 5m, private: true",
        resolvers="['udp://192.0.2.53', 'https://dns.example/dns-query']",
    )
    planned = rows(here, name)
    to = {(row["host"], row["port"], row["via"]) for row in planned}
    assert {
        ("192.0.2.53", 53, "udp"),
        ("dns.example", 443, "tcp"),
        ("site.example", 443, "tcp"),
    } <= to
    assert {row["every"] for row in planned if row["host"] == "site.example"} == {"5m"}
    assert {row["for"] for row in planned if row["host"] == "site.example"} == {"s f, private"}
    resolver = "tls://192.0.2.99"
    elsewhere = rows(here, name, "--resolver", resolver)
    assert {"192.0.2.99"} < {row["host"] for row in elsewhere}
    assert "dns.example" not in {row["host"] for row in elsewhere}


def test_each_form_has_the_same_rows(here: Run) -> None:
    command = ("tcp://192.0.2.1:1", "tls://site.example")
    planned = rows(here, *command)
    assert [list(row) for row in planned] == [COLUMNS] * len(planned)
    lines = here("plan", *command, "--format", "jsonl").out.splitlines()
    assert list(map(json.loads, lines)) == planned
    out = here("plan", *command, "--format", "csv").out
    assert out.count("\r\n") == out.count("\n") == len(planned) + 1
    table = list(csv.DictReader(io.StringIO(out, newline="")))
    as_text = [{k: "" if v is None else str(v) for k, v in row.items()} for row in planned]
    assert table == as_text


def test_the_table_fits_80_columns_however_long_the_names(here: Run, tmp_path: Path) -> None:
    label = "very-long-label-of-a-name" * 2
    long = f"https://{'.'.join([label] * 4)}.example/{'path/' * 60}"
    done = here("plan", "whatsapp", long, "http://[2001:db8::1]:8080/", "-o", "plan.txt")
    assert (done.code, done.out, done.err) == (0, "", "")
    text = (tmp_path / "plan.txt").read_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "[2001:db8::1]:8080" in text
    assert label in text.replace("\n", "").replace(" ", "")


def test_a_secret_in_a_url_is_not_shown(here: Run) -> None:
    for form in ("table", "json", "csv"):
        done = here("plan", "http://site.example/?token=hunter2", "--format", form)
        assert "hunter2" not in done.out


def test_nothing_to_plan_is_one_line(here: Run) -> None:
    one_line(here("plan"), 2, "say what to plan: a URL, a configuration file or a service")

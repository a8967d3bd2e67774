"""A month on a server, with the vantage's address and a secret in everything that servers send.

After it no file that the month left, and nothing that is made of them, holds either, in whatever
spelling; and every file is closed to others.
"""

import asyncio
import base64
import contextlib
import ipaddress
import json
import logging
import re
import shutil
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import dns.message
import dns.rrset
import duckdb
import pytest
from core.test_spellings import written
from support.authority import ca_file, serving
from support.kits import TRUST
from support.nameservers import over_udp, reply
from support.plans import planned, tools
from support.servers import http, page, tls
from support.virtual import DAY, VirtualClock, apscheduler_on, run_virtual

from probe.cli.main import main
from probe.cli.run import Changes
from probe.core.address import Endpoint
from probe.core.model import Event
from probe.net.fake import FakeNetwork, FakePeer
from probe.record.durable import Syncer
from probe.record.journal import Journal
from probe.record.seal import seal
from probe.run import housekeeping
from probe.run.metrics.collector import ProbeCollector
from probe.run.metrics.seen import Seen
from probe.run.metrics.server import page as metrics_page
from probe.run.metrics.table import Room, Sources
from probe.run.service import Service
from probe.run.watching import VerdictWatcher

OWN4, OWN6 = "198.51.100.77", "2001:db8:77::7"
SECRET = "hunter2-and-more"
OWN = (ipaddress.ip_address(OWN4), ipaddress.ip_address(OWN6))
DAYS = 30
LINE = "host-198-51-100-77.dsl.example"  # the name that a provider gives to such an address
AT = "192.0.2.9"
RESOLVER = Endpoint("192.0.2.53", 53)


def everything() -> str:
    """The addresses in every spelling, and the secret, as a server may repeat them."""
    return " ".join([*written(OWN[0]), *written(OWN[1]), LINE, SECRET])


def coded() -> str:
    """A cookie that holds the address."""
    return base64.b64encode(f"client={OWN4};id=5".encode()).decode()


def telling(peer: FakePeer, query: bytes) -> None:
    """The address asked for, and then what a resolver knows of who asks."""
    asked = dns.message.from_wire(query).question[0]
    peer.send(reply(query, AT))
    for type_, data in (
        ("TXT", f'"{OWN4} {OWN6}"'),
        ("A", OWN4),
        ("AAAA", OWN6),
        ("CNAME", f"{LINE}."),
        ("PTR", f"{OWN[0].reverse_pointer}."),
        ("PTR", f"{OWN[1].reverse_pointer}."),
    ):
        made = dns.message.make_response(dns.message.from_wire(query))
        made.answer.append(dns.rrset.from_text(asked.name, 60, "IN", type_, data))
        peer.send(made.to_wire())


async def bannering(peer: FakePeer) -> None:
    """A server that greets its visitor by address, and is no web server."""
    await peer.receive()
    peer.send(f"220 {LINE} greets {OWN4} [{OWN6}] {SECRET}\r\n".encode())
    peer.send(b"")


def network() -> FakeNetwork:
    net = FakeNetwork(names={"shop.example": (AT,)}, local_ip=OWN4)
    headers = [
        f"X-Client-IP: {OWN4}",
        f"Via: 1.1 {LINE}",
        f"X-Forwarded-For: {OWN6}, {OWN[1].exploded}",
        f"Set-Cookie: c={coded()}",
        f"X-All: {everything()}",
    ]
    body = f"<p>You are {everything()} {coded()}</p>".encode()
    moved = f"Location: http://{LINE}/blocked?from={OWN4}&you={OWN6}&token={SECRET}"
    net.tcp[Endpoint(AT, 80)] = http(page(body, "403 Forbidden", *headers))
    net.tcp[Endpoint(AT, 81)] = http(page(b"", "302 Found", moved, *headers))
    net.tcp[Endpoint(AT, 82)] = bannering
    net.tcp[Endpoint(AT, 83)] = http(page(everything().encode("utf-16"), "500 Sorry"))
    net.tcp[Endpoint(AT, 443)] = tls(serving(LINE))
    net.tcp[Endpoint(AT, 444)] = tls(serving(LINE, "self_signed"))
    net.udp[RESOLVER] = over_udp(telling)
    return net


TARGETS: list[dict[str, Any]] = [
    {"id": "page", "url": f"http://shop.example/?token={SECRET}"},
    {"id": "moved", "url": f"http://shop.example:81/x?session={SECRET}"},
    {"id": "followed", "url": f"http://shop.example:81/?pwd={SECRET}", "follow": 2},
    {"id": "banner", "url": f"http://shop.example:82/?auth={SECRET}"},
    {"id": "wide", "url": f"http://shop.example:83/?password={SECRET}"},
    {"id": "named", "url": "tls://shop.example"},
    {"id": "own", "url": "https://shop.example:444/"},
    {"id": "text", "url": "dns://shop.example?type=TXT&resolver=udp://192.0.2.53"},
    {
        "id": "expecting",
        "url": f"http://shop.example/?psk={SECRET}",
        "expect": {"body": "something else"},
        "every": "24h",
    },
]


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder with all that a month leaves: results, log, metrics, and what is made of them."""
    root = tmp_path_factory.mktemp("month")
    net, clock = network(), VirtualClock()
    plan = planned(
        targets=TARGETS,
        resolvers=["system", f"udp://{RESOLVER.ip}"],
        schedule={"every": "96h"},
        metrics={"listen": "127.0.0.1:9469"},
    )
    seen = Seen(plan, clock)
    log = logging.FileHandler(root / "log")
    logging.getLogger("probe").addHandler(log)
    logging.getLogger("probe").setLevel(logging.DEBUG)

    async def run(journal: Journal) -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        loop.call_later(DAYS * 86400, stop.set)
        instruments = tools(
            net, clock=clock, trust=TRUST, ca_file=ca_file(), keep=journal.objects.put,
            own_addresses={OWN6},
        )  # fmt: skip
        service = Service(plan, instruments, journal, [seen, VerdictWatcher(Changes().take)])
        await service.run(stop)
        collector = ProbeCollector(Sources(seen=seen, room=lambda: Room(1, 2, 0, 0)))
        (root / "metrics").write_bytes(b"".join(metrics_page(collector.parts())))

    results = root / "results"
    # Half a million looks at clock and disk would say nothing here.
    rarely = mock.patch.object(housekeeping, "LOOKED", 3600.0)
    with Journal(results, Syncer(fsync=lambda _: None)) as journal, apscheduler_on(clock), rarely:
        run_virtual(run(journal))
        journal.event(Event(at=DAY, event="reload", vantage="sh-1"))
    logging.getLogger("probe").removeHandler(log)
    log.close()
    for command in (
        ["export", "-o", "results.csv", "--all"],
        ["export", "-o", "steps.csv", "--steps"],
        ["export", "-o", "verdicts.csv", "--verdicts"],
        ["export", "-o", "ooni.jsonl", "--format", "ooni"],
        ["report", "-o", "report.html"],
    ):
        command[2] = str(root / command[2])
        assert main([*command, "--results", str(results)]) == 0, command
    yield root


def files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def inside(data: bytes) -> Iterator[bytes]:
    """A file's bytes, and what its words in base64 stand for."""
    yield data
    for word in re.findall(rb"[A-Za-z0-9+/]{16,}={0,2}", data):
        with contextlib.suppress(ValueError):
            yield base64.b64decode(word + b"=" * (-len(word) % 4))


def shown(data: bytes) -> list[str]:
    """What of it stands there: addresses in any spelling or in their four or sixteen bytes."""
    texts = [data.lower(), data.replace(b"\0", b"").lower()]
    # A DNS name's labels stand after their lengths.
    texts.append(re.sub(rb"[\x01-\x1f]", b".", data.lower()))
    wanted = [*written(OWN[0]), *written(OWN[1]), LINE, SECRET]
    found = [word for word in wanted if any(word.lower().encode() in text for text in texts)]
    return found + [str(ip) for ip in OWN if ip.packed in data]


def test_a_month_was_really_lived(month: Path) -> None:
    days = sorted(path.stem for path in (month / "results").glob("????-??-??.jsonl"))
    assert DAYS <= len(days) <= DAYS + 1
    lines = sum(len(path.read_text().splitlines()) for path in (month / "results").glob("2*.jsonl"))
    assert lines >= DAYS - 1 + (DAYS // 4 - 1) * (len(TARGETS) - 1)
    told = "".join(path.read_text() for path in (month / "results").glob("2*.jsonl"))
    assert 'invalid":null' in told
    for name in ("x-client-ip", "set-cookie", "location", "extra_answer", "peer_certificates"):
        assert name in told.lower(), name
    assert (month / "metrics").read_text().count("probe_success") > len(TARGETS)
    assert (month / "log").read_text().count("\n") >= len(TARGETS)
    assert "[scrubbed]" in told
    assert {path.name for path in files(month)} >= {"report.html", "ooni.jsonl", "steps.csv"}


def test_neither_the_address_nor_the_secret_stands_in_any_file(month: Path) -> None:
    for path in files(month):
        for data in inside(path.read_bytes()):
            assert shown(data) == [], path


def test_nor_does_either_stand_in_what_is_packed(month: Path, tmp_path: Path) -> None:
    packed = tmp_path / "packed"
    shutil.copytree(month / "results", packed)
    seal(packed, DAY + timedelta(days=DAYS + 5))
    parts = list(packed.rglob("*.parquet"))
    assert len(parts) > DAYS
    for path in parts:
        rows = duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall()
        assert rows
        for data in (path.read_bytes(), *inside(repr(rows).encode())):
            assert shown(data) == [], path
        assert stat.S_IMODE(path.stat().st_mode) == 0o640, path


def test_this_would_find_them(tmp_path: Path) -> None:
    message = dns.message.make_response(dns.message.make_query("x.example", "PTR"))
    name = message.question[0].name
    message.answer.append(dns.rrset.from_text(name, 1, "IN", "PTR", f"{LINE}."))
    for planted in (
        f"you are {OWN4}".encode(),
        b"x" + OWN[0].packed,
        base64.b64encode(b"some answer " + OWN[1].packed + b" and more"),
        base64.b64encode(message.to_wire()),
        OWN[1].exploded.encode("utf-16"),
        f'{{"a":"{coded()}"}}'.encode(),
        SECRET.upper().encode(),
    ):
        assert any(shown(data) for data in inside(planted)), planted


def test_everything_is_closed_to_others(month: Path) -> None:
    results = month / "results"
    for path in [results, *results.rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o750 if path.is_dir() else 0o640), path
    for path in month.iterdir():
        if path.suffix in {".csv", ".html", ".jsonl"}:
            assert stat.S_IMODE(path.stat().st_mode) == 0o640, path


def test_what_is_withheld_is_not_exported_as_if_it_were_data(month: Path) -> None:
    for line in (month / "ooni.jsonl").read_text().splitlines():
        for query in json.loads(line)["test_keys"].get("queries") or []:
            raw = query.get("raw_response")
            assert raw is None or base64.b64decode(raw["data"] if isinstance(raw, dict) else raw)

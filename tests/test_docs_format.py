"""docs/data-format.md says what is in the results, field by field and key by key."""

import asyncio
import contextlib
import dataclasses
import re
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import get_args

import dns.message
import pytest
from support.authority import ca_file, known_to_browsers, serving
from support.history import sealed, write
from support.pages import ROOT, blocks, section, text, words
from support.servers import http, page, tls
from support.tracing import FakeTracer
from support.whois import whois_server

from probe.checks import load
from probe.checks.expect import Expect
from probe.checks.kit import Kit, Timeouts
from probe.checks.resolver import parse_resolver
from probe.checks.trace import TraceCheck
from probe.cli.main import main
from probe.cli.session import instruments
from probe.cli.what import plan_for
from probe.core import failure
from probe.core.address import Endpoint
from probe.core.model import Event, Measurement, Outcome, Step, Verdict
from probe.core.trace import Stopped, Trace
from probe.demo.embedded import EmbeddedInternet
from probe.demo.world import read_world
from probe.judge import mechanism
from probe.judge.rules import TABLE
from probe.measure import once
from probe.measure.means import Recorders
from probe.net.clocks import RealClock
from probe.net.fake import FakeNetwork
from probe.net.trust import Trust
from probe.record.parts import KINDS
from probe.show.csv import COLUMNS, STEP_COLUMNS, VERDICT_COLUMNS

HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"  # a fatal alert, RFC 8446 section 6
BAD_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
OF_A_QUERY = {"resolver", "engine", "hostname", "query_type"}  # on every step under a query
FORMAT = "docs/data-format.md"


@pytest.mark.parametrize(
    ("heading", "model"),
    [
        ("## Measurement", Measurement),
        ("## Step", Step),
        ("## Verdict", Verdict),
        ("## Event", Event),
    ],
)
def test_every_field_of_a_record_is_described(heading, model):
    fields = {name.name for name in dataclasses.fields(model)}
    if model is Event:
        fields.remove("detail")  # its keys stand beside the others
    assert fields <= words(section(FORMAT, heading))


def test_every_failure_name_is_described():
    named = {value for value in vars(failure).values() if isinstance(value, str)}
    names = {name for name in named if re.fullmatch(r"[a-z_]{3,}(: )?", name)}
    names |= {*failure._BY_ERRNO.values(), *failure._BY_EAI.values()}
    assert failure.TIMEOUT in names
    assert {name.rstrip(": ") for name in names} <= words(section(FORMAT, "## Failure names"))


def test_every_outcome_rule_and_mechanism_is_described():
    assert set(get_args(Outcome)) <= words(section(FORMAT, "### Outcomes"))
    rows = re.findall(r"(?m)^\| `([\w-]+)` \|.*\| `(\w+)` \| (\w*) ?\|$", text(FORMAT))
    assert [(r.id, r.outcome, r.locus or "") for r in TABLE] == rows
    tables = (mechanism._DNS, mechanism._TCP, mechanism._TLS, mechanism._HTTP)
    nodes = {node for table in tables for node in table.values()}
    assert nodes <= words(section(FORMAT, "### Mechanisms"))


def test_every_column_is_described():
    described = words(section(FORMAT, "## CSV"))
    assert {*COLUMNS, *STEP_COLUMNS, *VERDICT_COLUMNS} <= described


def test_every_event_is_described():
    source = "".join(path.read_text("utf-8") for path in ROOT.glob("probe/*/*.py"))
    events = set(re.findall(r'_note\(\s*"(\w+)"|\bevent="(\w+)"', source))
    assert {a or b for a, b in events} <= words(section(FORMAT, "## Event"))


async def test_every_step_that_checks_write_is_described_key_by_key(tmp_path):
    steps = [*await embedded_steps(tmp_path), *await scripted_steps()]
    written = {(step.op, key) for step in steps for key in step.detail}
    ops = {step.op for step in steps}
    headings = re.findall(r"(?m)^### `(\w+)`$", section(FORMAT, "## Step"))
    assert ops == set(headings)
    for op in ops:
        told = section(FORMAT, f"### `{op}`")
        described = words(told)
        if op == "extra_answer":
            described |= words(section(FORMAT, "### `resolve`"))
        keys = {key for found, key in written if found == op}
        assert keys - OF_A_QUERY <= described, op
        # The other way round: nothing is promised that no check writes.
        promised = words("".join(re.findall(r"(?m)^\| (`.*?) \|", told)))
        assert promised <= keys, op


async def embedded_steps(folder: Path) -> list[Step]:
    """What the checks write about hosts that are well, and that fail in different ways."""
    measurements: list[Measurement] = []
    async with EmbeddedInternet(read_world(), folder / "certificates", RealClock()) as internet:
        config = folder / "probe.yaml"
        config.write_text(internet.configuration(folder / "results"), "utf-8")
        plan = plan_for((), config=config)
        record = Recorders(measurement=measurements.append, verdict=lambda _: None)
        await once.check_once(plan, instruments(plan, None), record)
    return [step for measurement in measurements for step in measurement.steps]


async def scripted_steps() -> list[Step]:
    """What is rarer: further answers, resolvers with a name, redirects, expectations."""

    async def alerting(peer):
        await peer.receive()
        peer.send(HANDSHAKE_FAILURE)

    async def twice(peer):
        query = await peer.receive()
        peer.send(dns.message.make_response(dns.message.from_wire(query)).to_wire())
        peer.send(b"\xff\xfe not DNS")

    moved = page(b"", "302 Found", "Location: http://192.0.2.9/new")
    astray = page(b"", "302 Found", "Location: http://127.0.0.1/")
    net = FakeNetwork(
        names={"dns.example": ("192.0.2.54",)},
        udp={Endpoint("192.0.2.53", 53): twice},
        tcp={
            Endpoint("192.0.2.7", 80): http(moved),
            Endpoint("192.0.2.8", 80): http(astray),
            Endpoint("192.0.2.9", 80): http(page(b"found")),
            Endpoint("192.0.2.10", 80): http(b"no HTTP at all\r\n\r\n"),
            Endpoint("192.0.2.11", 80): http(BAD_CHUNK),
            Endpoint("192.0.2.12", 443): alerting,
            Endpoint("192.0.2.13", 443): tls(serving("a.example")),
        },
    )
    trace = Trace(time.monotonic, budget=5)
    kit = Kit(
        net=net,
        trace=trace,
        trust=Trust(),
        keep=lambda _: "",
        resolvers=tuple(map(parse_resolver, ("udp://192.0.2.53", "tls://dns.example"))),
        timeouts=Timeouts(late_answers=0.05),
    )
    checks = [
        load()["http"](
            host=f"192.0.2.{last}", port=80, follow=1, expect=Expect.model_validate({"status": 201})
        )
        for last in (7, 8, 10, 11)
    ]
    checks.append(load()["tls"](host="192.0.2.12", port=443, pin="0" * 64))
    own = {"sni": "a.example", "ca_file": ca_file()}
    checks.append(load()["tls"](host="192.0.2.13", port=443, **own))
    checks.append(load()["dns"](host="www.example", port=53))
    tracer = FakeTracer(resets_at=1)
    checks.append(
        TraceCheck(tracer=tracer, packet="hello", host="192.0.2.9", port=443, server_name="a.b")
    )
    for check in checks:
        with contextlib.suppress(Stopped):
            await check.run(kit)
    with known_to_browsers():
        await load()["tls"](host="192.0.2.13", port=443, sni="a.example").run(kit)
    await asyncio.wait(kit.background)
    return trace.steps


def test_the_examples_of_reading_work(tmp_path, monkeypatch, capsys):
    reading = section(FORMAT, "## Reading it")
    monkeypatch.chdir(tmp_path)
    with whois_server() as port:
        (tmp_path / "c.yaml").write_text(
            f"targets: [{{id: up, service: shop, url: 'tcp://127.0.0.1:{port}'}},"
            " {id: down, service: shop, url: 'tcp://127.0.0.2:9'}]"
        )
        assert main(["check", "c.yaml", "--quiet"]) == 0  # the feature's policy is "any"
    export = blocks(reading, "sh")[0]
    assert main(shlex.split(export)[1:]) == 0
    capsys.readouterr()
    with next((tmp_path / "results/verdicts").iterdir()).open("ab") as file:
        file.write(b'{"torn": ')
    outputs = [
        subprocess.run([sys.executable, "-c", source], capture_output=True, check=True, text=True)
        for source in blocks(reading, "python")
    ]
    assert outputs[0].stdout.split()[1:] == ["shop", "tcp", "ok", "1"]
    assert re.fullmatch(r"up [\d.]+ ms\n", outputs[1].stdout)
    shell = subprocess.run(
        ["sh", "-c", blocks(reading, "sh")[1]], capture_output=True, check=True, text=True
    )
    assert shell.stdout.split() == ["1", '"mechanism":"tcp.refused"']


def test_the_examples_of_reading_sealed_days_work(tmp_path):
    write(tmp_path / "results")
    sealed(tmp_path / "results")
    (source,) = blocks(section(FORMAT, "## Sealed days"), "python")
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=tmp_path, capture_output=True, check=True, text=True
    )
    assert re.search(r"shop +│ connect +│ connection_reset +│ +2 │", done.stdout), done.stdout


def test_every_column_of_sealed_days_is_described():
    told = section(FORMAT, "## Sealed days")
    for kind in KINDS:
        table = told.partition(f"| column of `{kind.name}`")[2].partition("\n\n")[0]
        names = (words(line.split("|")[1]) for line in table.splitlines()[2:])
        assert kind.columns.types.keys() == set().union(*names)

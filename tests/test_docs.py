"""The documents say what the program does: each claim that can be checked by machine is."""

import argparse
import asyncio
import base64
import contextlib
import dataclasses
import importlib
import json
import os
import re
import shlex
import shutil
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import get_args

import dns.message
import pytest
from pydantic import BaseModel
from support.authority import ca_file, known_to_browsers, serving
from support.history import sealed, write
from support.servers import http, page, tls
from support.tracing import FakeTracer

from probe.checks import BUILT_IN, load
from probe.checks.exchange import KEPT, MATCHED, SAMPLES
from probe.checks.expect import Expect
from probe.checks.http import MAX_REDIRECTS
from probe.checks.kit import Kit, Timeouts
from probe.checks.queries import MAX_EXTRA
from probe.checks.resolver import parse_resolver
from probe.checks.trace import TraceCheck
from probe.cli.main import COMMANDS, main, module_of
from probe.cli.session import instruments
from probe.cli.what import plan_for
from probe.core import failure
from probe.core.address import Endpoint
from probe.core.model import Event, Measurement, Outcome, Step, Verdict
from probe.core.trace import Stopped, Trace
from probe.demo.embedded import EmbeddedInternet
from probe.demo.world import read_world
from probe.judge import deciding, mechanism
from probe.judge.covered import TRANSFER_BYTES
from probe.judge.rules import TABLE
from probe.measure import once
from probe.measure.means import Recorders
from probe.net.clocks import RealClock
from probe.net.fake import FakeNetwork
from probe.net.trust import Trust
from probe.plan import jobs
from probe.plan.alerts import MOST_URLS
from probe.plan.config import Config
from probe.plan.target import COMMON
from probe.record.journal import BACKLOG_BYTES, BACKLOG_LINES
from probe.record.parts import KINDS
from probe.run.alerts.notifier import DEADLINE
from probe.run.alerts.sender import BACKOFF, GATHER
from probe.run.alerts.sender import LONGEST as GIVEN_UP
from probe.run.alerts.sender import MOST as MOST_WAITING
from probe.run.alerts.wording import LONGEST as LONGEST_MESSAGE
from probe.run.metrics.server import MOST, WITHIN
from probe.run.metrics.table import LAG, OF_FEATURES, OF_TARGETS, OF_THE_SERVICE
from probe.show.csv import COLUMNS, STEP_COLUMNS, VERDICT_COLUMNS
from probe.wire.dns import MAX_RECORDS
from probe.wire.http1 import MAX_HEAD, MAX_HEADER_VALUE

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("results/*.md")])
each_page = pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
PACKAGES = {path.parent.name for path in ROOT.glob("probe/*/__init__.py")}
HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"  # a fatal alert, RFC 8446 section 6
BAD_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
OF_A_QUERY = {"resolver", "engine", "hostname", "query_type"}  # on every step under a query


def text(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


def section(page: str, heading: str) -> str:
    """From a heading to the next one of its level or above."""
    level = heading.partition(" ")[0]
    found = re.search(
        rf"(?ms)^{re.escape(heading)}.*?$(.*?)(?=^#{{1,{len(level)}}} |\Z)", text(page)
    )
    assert found, f"{page} has no '{heading}'"
    return found[0]


def blocks(source: str, language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", source)


def code(source: str) -> list[str]:
    """What stands between backticks in running text."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"(?ms)^```.*?^```", "", source))


def words(source: str) -> set[str]:
    """All names in inline code."""
    return {word for piece in code(source) for word in re.findall(r"[\w.-]+", piece)}


def slug(heading: str) -> str:
    """The anchor that a heading gets on common forges."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@each_page
def test_links_between_documents_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        found = page.parent / name if name else page
        assert found.exists(), f"{page.name} links to {target}"
        if anchor:
            headings = re.findall(r"(?m)^#+ (.*)$", found.read_text("utf-8"))
            assert anchor in map(slug, headings), f"{page.name} links to {target}"


@each_page
def test_every_module_and_function_that_is_named_exists(page):
    for name in code(page.read_text("utf-8")):
        if re.fullmatch(r"(probe|configs|tests)/[\w./-]+", name):
            assert (ROOT / name).exists(), f"{page.name} names {name}"
        first, *rest = name.split(".")
        if not re.fullmatch(r"\w+(\.\w+)+", name) or rest[-1] in {"yaml", "toml", "md"}:
            continue
        if first == "probe" or first in PACKAGES:
            resolve(name if first == "probe" else f"probe.{name}")


def resolve(name: str) -> object:
    """The module, or the thing in a module, of this dotted name; AssertionError if none."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        with contextlib.suppress(ModuleNotFoundError):
            found: object = importlib.import_module(".".join(parts[:end]))
            for part in parts[end:]:
                assert hasattr(found, part), f"there is no {name}"
                found = getattr(found, part)
            return found
    raise AssertionError(f"there is no {name}")


def test_the_architecture_lists_every_package_and_only_modules_that_exist():
    rows = re.findall(r"(?m)^\| `probe/(\w+)` \| (.*) \|$", text("docs/architecture.md"))
    assert {package for package, _ in rows} == PACKAGES
    for package, row in rows:
        for name in code(row):
            if "." not in name:
                place = ROOT / "probe" / package / name
                assert place.is_dir() or place.with_suffix(".py").exists(), f"{package}: {name}"


def test_every_command_stands_in_the_readme():
    named = {match[1] for match in re.finditer(r"\bprobe (\w+)", text("README.md"))}
    assert set(COMMANDS) <= named


@each_page
def test_every_command_line_that_is_shown_is_one(page):
    source = page.read_text("utf-8")
    for line in "\n".join(blocks(source, "sh")).splitlines():
        if line.startswith("probe ") and line != "probe --help":
            _, command, *rest = shlex.split(re.split(r" [|>&]", line)[0], comments=True)
            assert command in COMMANDS, line
            parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
            module_of(command).arguments(parser)
            parser.parse_args(rest)
    for piece in code(source):
        if re.match(r"probe [a-z]", piece):
            assert piece.split()[1] in COMMANDS, f"{page.name} names {piece}"


@pytest.mark.parametrize(
    ("page", "sentence"),
    [
        ("docs/configuration.md", f"`probe check` allows at most {once.LONGEST:g} s"),
        ("docs/configuration.md", f"Deadlines are short: {jobs._ANCHOR_TIMEOUT:g} s in all"),
        ("docs/configuration.md", f"0 to {MAX_REDIRECTS}"),
        ("docs/configuration.md", f"in its first {MATCHED // 1024} KiB"),
        ("docs/data-format.md", f"up to {MAX_RECORDS}: `type`"),
        ("docs/data-format.md", f"At most {MAX_EXTRA} per query"),
        ("docs/data-format.md", f"cut off at {MAX_HEADER_VALUE} characters"),
        ("docs/data-format.md", f"headers without an end ({MAX_HEAD // 1024} KiB)"),
        ("docs/data-format.md", f"about {SAMPLES} samples"),
        ("docs/data-format.md", f"cut off at {KEPT // 1024} KiB"),
        ("docs/data-format.md", f"`transfer` ({TRANSFER_BYTES // 1024} KiB of the body or more)"),
        ("docs/data-format.md", f"{BACKLOG_LINES:,} lines or {BACKLOG_BYTES // 1024**2} MiB"),
    ],
)
def test_every_limit_that_is_told_is_the_real_one(page, sentence):
    assert sentence in text(page)


# --- docs/data-format.md

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


# --- docs/configuration.md

SETTINGS = "docs/configuration.md"


def keys(model: type[BaseModel]) -> set[str]:
    """All keys of a model and of those in it."""
    found = set(model.model_fields)
    for field in model.model_fields.values():
        for part in (field.annotation, *get_args(field.annotation)):
            if isinstance(part, type) and issubclass(part, BaseModel):
                found |= keys(part)
    return found


def test_every_key_of_the_configuration_is_described():
    known = keys(Config)
    assert {"late_answers", "token_env", "private"} <= known
    described = {part for word in words(text(SETTINGS)) for part in word.split(".")}
    assert known | COMMON <= described


BASIC = ("dns", "tcp", "tls", "http", "https")
PROTOCOLS = sorted(BUILT_IN.keys() - set(BASIC))


@pytest.mark.parametrize("name", BASIC)
def test_every_option_of_the_basic_checks_is_described(name):
    options = {field.name for field in dataclasses.fields(load()[name])}
    heading = "### `http` and `https`" if name in {"http", "https"} else f"### `{name}`"
    assert options - {"host", "port", "path"} <= words(section(SETTINGS, heading))
    if "expect" in options:
        assert set(Expect.model_fields) <= words(section(SETTINGS, heading))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_says_what_an_answer_and_what_silence_means(name):
    headings = re.findall(r"(?m)^## .*$", text("docs/protocols.md"))
    (heading,) = [line for line in headings if f"`{name}`" in line]
    told = section("docs/protocols.md", heading)
    options = {field.name for field in dataclasses.fields(load()[name])}
    options -= {"host", "port", "path", *getattr(load()[name], "credentials", ())}
    assert options | deciding.ENDS[name] <= words(told)
    for part in ("Answer", "Refusal", "Silence"):
        assert f"- **{part}:**" in told


def test_the_defaults_that_are_shown_are_the_defaults(tmp_path):
    shown = blocks(section(SETTINGS, "## Every key"), "yaml")[0]
    top = set(Config.model_fields)
    assert top == set(re.findall(r"(?m)^(\w+):", shown))
    full, bare = tmp_path / "full.yaml", tmp_path / "bare.yaml"
    full.write_text(shown)
    bare.write_text("\n".join(shown.splitlines()[-2:]))
    assert plan_for((), config=full) == plan_for((), config=bare)


@pytest.mark.parametrize("number", range(len(blocks(text(SETTINGS), "yaml"))))
def test_every_example_of_a_configuration_is_valid(tmp_path, capsys, number):
    config = tmp_path / "example.yaml"
    config.write_text(blocks(text(SETTINGS), "yaml")[number])
    (tmp_path / "client.ovpn").write_text("remote vpn.example.net 1194 udp\n")
    keys = [base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2)]
    (tmp_path / "office.conf").write_text(
        f"[Interface]\nPrivateKey={keys[0]}\n[Peer]\nPublicKey={keys[1]}\nEndpoint=a.example:1\n"
    )
    assert main(["plan", str(config), "--format", "jsonl"]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out


def test_every_shown_plan_can_be_made(capsys):
    lines = "\n".join(blocks(text(SETTINGS), "sh")).splitlines()
    assert lines
    for line in lines:
        assert main(shlex.split(line)[1:]) == 0, capsys.readouterr().err


def test_the_quickstart_works_as_it_is(capsys):
    assert main(["plan", str(ROOT / "configs/quickstart.yaml"), "--format", "jsonl"]) == 0
    assert "mmg.whatsapp.net" in capsys.readouterr().out


def test_the_quickstart_works_with_its_comments_removed(tmp_path, capsys):
    commented = (ROOT / "configs/quickstart.yaml").read_text()
    config = tmp_path / "all.yaml"
    config.write_text(re.sub(r"(?m)^( *)# (?= *(- |\w+:( |$)))", r"\1", commented))
    assert main(["plan", str(config), "--format", "jsonl"]) == 0, capsys.readouterr().err
    assert "office-vpn tunnel, private" in capsys.readouterr().out


# --- docs/watching.md

WATCHING = "docs/watching.md"


def test_every_metric_is_described_with_its_labels():
    rows = re.findall(r"(?m)^\| (`probe_.*?) \| (\w+) \| (.*?) \|", text(WATCHING))
    told = {name: (kind, code(labels)) for names, kind, labels in rows for name in code(names)}
    for row in (*OF_TARGETS, *OF_FEATURES, *OF_THE_SERVICE):
        kind, labels = told.pop(f"{row.name}_total" if row.kind == "counter" else row.name)
        assert kind == row.kind, row.name
        assert [label for label in labels if label in row.labels] == list(row.labels), row.name
    assert told == {LAG: ("histogram", ["le"])}


def test_every_limit_of_the_metrics_server_is_the_real_one():
    assert f"at most {MOST} connections are open at a time, each for {WITHIN:g} s" in text(WATCHING)


def test_every_number_of_the_alerts_is_the_real_one():
    page = text(WATCHING)
    assert f"ended after {DEADLINE:g} s" in page
    assert f"At most {MOST_WAITING} things wait" in page
    assert f"within {GATHER:g} s" in page
    assert f"of {LONGEST_MESSAGE:,} characters at most" in page
    assert f"After {GIVEN_UP.total_seconds() / 3600:g} hours it is given up" in page
    assert f"at most {MOST_URLS} of them" in page
    assert BACKOFF == (30, 120, 300, 900, 1800)  # told in words


# --- docs/adding-a-check.md

ADDING = "docs/adding-a-check.md"


@contextlib.contextmanager
def whois_server():
    """Answers one line on loopback and closes; gives its port."""

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            if question := self.rfile.readline():
                self.wfile.write(b"domain: " + question.upper())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Runs a command with the document's package installed by pip, from the document's files."""
    files = dict(re.findall(r"(?ms)^`([\w.]+)`:\n\n```\w+\n(.*?)^```", text(ADDING)))
    assert set(files) == {"pyproject.toml", "probe_whois.py", "test_probe_whois.py"}
    package, site = tmp_path_factory.mktemp("package"), tmp_path_factory.mktemp("site")
    for name, content in files.items():
        (package / name).write_text(content, "utf-8")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *arguments],
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)])},
            cwd=site,
            capture_output=True,
            text=True,
            timeout=100,
        )

    # Nothing is fetched: what builds it is there, and it depends on nothing that is not.
    own = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    done = run("pip", "install", *own, "--quiet", "--target", str(site), str(package))
    assert done.returncode == 0, done.stderr
    assert (site / "probe_whois.py").is_file()
    shutil.copy(package / "test_probe_whois.py", site)
    return run


def test_the_example_of_a_check_measures_a_real_server(installed):
    with whois_server() as port:
        url = f"whois://127.0.0.1:{port}?query=example.com"
        done = installed("probe", "check", url, "--format", "json", "--no-store")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    (measurement,), (verdict,) = answer["measurements"], answer["verdicts"]
    assert (measurement["check"], measurement["invalid"]) == ("whois", None)
    assert [step["op"] for step in measurement["steps"]] == ["connect", "whois_query", "transfer"]
    assert measurement["steps"][-1]["detail"]["begins"] == "domain: EXAMPLE.COM"
    assert (verdict["outcome"], verdict["covered"]) == ("ok", "response")


def test_the_example_of_a_check_is_planned_configured_and_refused(installed, tmp_path):
    config = tmp_path / "whois.yaml"
    config.write_text(blocks(text(ADDING), "yaml")[0])
    planned = installed("probe", "plan", str(config), "--format", "jsonl")
    sent = [json.loads(line) for line in planned.stdout.splitlines()]
    assert ("whois.iana.org", 43, "WHOIS query for example.com, in clear") in [
        (line["host"], line["port"], line["what"]) for line in sent
    ]
    wrong = installed("probe", "plan", "whois://whois.iana.org?quary=example.com")
    assert wrong.returncode == 2
    assert "did you mean 'query'?" in wrong.stderr
    assert installed("probe", "plan", "whois://whois.iana.org").returncode == 2


def test_the_tests_of_the_example_pass(installed):
    done = installed("pytest", "-q", "-p", "no:cacheprovider", "test_probe_whois.py")
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout

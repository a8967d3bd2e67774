"""The documents say what the program does: each claim that can be checked by machine is."""

import argparse
import contextlib
import importlib
import re
import shlex

import pytest
from support.pages import ROOT, blocks, code, text

from probe.checks.exchange import KEPT, MATCHED, SAMPLES
from probe.checks.http import MAX_REDIRECTS
from probe.checks.queries import MAX_EXTRA
from probe.cli.main import COMMANDS, module_of
from probe.judge.covered import TRANSFER_BYTES
from probe.measure import once
from probe.plan import jobs
from probe.plan.alerts import MOST_URLS
from probe.record.journal import BACKLOG_BYTES, BACKLOG_LINES
from probe.run.alerts.notifier import DEADLINE
from probe.run.alerts.sender import BACKOFF, GATHER
from probe.run.alerts.sender import LONGEST as GIVEN_UP
from probe.run.alerts.sender import MOST as MOST_WAITING
from probe.run.alerts.wording import LONGEST as LONGEST_MESSAGE
from probe.run.metrics.server import MOST, WITHIN
from probe.run.metrics.table import LAG, OF_FEATURES, OF_TARGETS, OF_THE_SERVICE
from probe.wire.dns import MAX_RECORDS
from probe.wire.http1 import MAX_HEAD, MAX_HEADER_VALUE

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("results/*.md")])
each_page = pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
PACKAGES = {path.parent.name for path in ROOT.glob("probe/*/__init__.py")}


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

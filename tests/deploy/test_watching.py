"""deploy/prometheus and deploy/grafana: what they ask for exists, and they do what they are for."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from probe.core.model import Outcome
from probe.run.metrics.table import (
    FEATURE,
    LAG,
    OF_FEATURES,
    OF_TARGETS,
    OF_THE_SERVICE,
    TARGET,
)

ROOT = Path(__file__).parents[2]
RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"
TESTS = Path(__file__).parent / "rules_test.yaml"
DASHBOARD = ROOT / "deploy" / "grafana" / "probe.json"
# What a scraper adds, and what the client library gives of the process.
OTHERS = {"instance", "job"}
PROCESS = {"process_resident_memory_bytes", "up"}
WORD = r"[a-zA-Z_:][a-zA-Z0-9_:]*"


@pytest.fixture(scope="module")
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("needs promtool: run 'make servers' as root")
    return found


def ran(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return found


def queries() -> list[str]:
    return [target["expr"] for panel in panels() for target in panel.get("targets", ())]


def exported() -> dict[str, set[str]]:
    """Every sample's name with the labels that it can have."""
    found = {
        f"{LAG}{suffix}": {"le"} if suffix == "_bucket" else set()
        for suffix in ("_bucket", "_sum", "_count")
    }
    for rows, own in ((OF_TARGETS, TARGET), (OF_FEATURES, FEATURE), (OF_THE_SERVICE, ())):
        for row in rows:
            name = f"{row.name}_total" if row.kind == "counter" else row.name
            found[name] = {*own, *row.labels}
    return found


def asked(expr: str) -> list[tuple[str, set[str]]]:
    """The metrics that an expression names, each with the labels that it selects by."""
    pairs = re.findall(r"\b((?:probe|process)_\w+|up)\b(?:\{([^}]*)\})?", expr)
    return [(name, set(re.findall(rf"({WORD})\s*[=!]", labels))) for name, labels in pairs]


@pytest.mark.parametrize("expr", [*(rule["expr"] for rule in rules()), *queries()])
def test_what_is_asked_for_is_exported(expr: str) -> None:
    known = exported()
    found = asked(expr)
    assert found
    grouped = set(re.findall(WORD, " ".join(re.findall(r"(?:by|without|on) \(([^)]*)\)", expr))))
    for name, labels in found:
        if name not in PROCESS:
            assert name in known, name
            assert labels <= known[name] | OTHERS, name
    assert grouped <= {label for name, _ in found for label in known.get(name, ())} | OTHERS


def test_outcomes_that_are_asked_for_exist() -> None:
    outcomes = set(Outcome.__args__)
    for expr in [*(rule["expr"] for rule in rules()), *queries()]:
        for text in re.findall(r'outcome[=!]~?"([^"]*)"', expr):
            assert set(text.split("|")) <= outcomes


def test_prometheus_accepts_the_rules(promtool: str) -> None:
    assert "16 rules found" in ran(promtool, "check", "rules", str(RULES))
    assert len(rules()) == 16


def test_each_rule_fires_when_it_should_and_only_then(promtool: str) -> None:
    assert "SUCCESS" in ran(promtool, "test", "rules", str(TESTS))
    checked = [
        check for case in yaml.safe_load(TESTS.read_text())["tests"]
        for check in case["alert_rule_test"]
    ]  # fmt: skip
    fired = {check["alertname"] for check in checked if check["exp_alerts"]}
    assert fired == {rule["alert"] for rule in rules()}


def test_prometheus_understands_every_query_of_the_dashboard(promtool: str, tmp_path: Path) -> None:
    texts = [expr.replace("$__rate_interval", "5m") for expr in queries()]
    assert len(texts) > 20
    recorded = [{"record": f"panel:{n}", "expr": text} for n, text in enumerate(texts)]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": recorded}]}))
    assert f"{len(texts)} rules found" in ran(promtool, "check", "rules", str(path))


def test_the_dashboard_is_whole() -> None:
    board = json.loads(DASHBOARD.read_text())
    ids = [panel["id"] for panel in panels()]
    assert len(set(ids)) == len(ids)
    variables = {variable["name"] for variable in board["templating"]["list"]}
    named = set(re.findall(r"\$\{?(\w+)", DASHBOARD.read_text())) - {"__rate_interval", "__all"}
    assert named == variables
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24
        taken |= cells
        assert panel["type"] == "row" or panel["targets"]
        refs = [target["refId"] for target in panel.get("targets", ())]
        assert len(set(refs)) == len(refs)

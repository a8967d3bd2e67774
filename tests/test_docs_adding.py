"""docs/adding-a-check.md: its example is installed and measures a real server."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest
from support.pages import ROOT, blocks, text
from support.whois import whois_server

ADDING = "docs/adding-a-check.md"


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

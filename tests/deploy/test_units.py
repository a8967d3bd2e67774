"""The units: systemd itself reads them, and says how much they still allow."""

import argparse
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
from support.command import PROJECT

from probe.cli.main import COMMANDS, module_of

DEPLOY: Final = PROJECT / "deploy"
UNITS: Final = sorted(DEPLOY.glob("*.service"))
# What "systemd-analyze security" may find at most: 0 is sealed off, 10 open. docs/deploying.md says
# why these are not 0.
MOST: Final = {"probe.service": 1.1, "probe-serve.service": 1.0, "probe-control.service": 1.5}

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def analyze():
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed: make servers")

    def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["systemd-analyze", *map(str, words)], capture_output=True, text=True, check=False
        )

    return run


def test_there_is_a_limit_for_every_unit():
    assert [unit.name for unit in UNITS] == sorted(MOST)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_no_mistake(analyze, unit, tmp_path):
    program = tmp_path / "probe"
    program.write_text("")
    program.chmod(0o755)
    copy = tmp_path / unit.name
    # The programs are not installed here; everything else stays as it is.
    text = re.sub(r"/opt/probe/current/bin/probe", str(program), unit.read_text())
    copy.write_text(re.sub(r"(?m)^Documentation=.*\n", "", text))
    done = analyze("verify", "--man=no", "--recursive-errors=no", copy)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_misspelt_setting_would_be_found(analyze, tmp_path):
    copy = tmp_path / "probe.service"
    copy.write_text("[Service]\nExecStart=/bin/true\nProtectSytem=strict\n")
    assert "ProtectSytem" in analyze("verify", "--man=no", copy).stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_they_allow_no_more_than_the_documentation_says(analyze, unit):
    done = analyze("security", "--offline=yes", "--no-pager", unit)
    found = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done
    assert float(found[1]) <= MOST[unit.name]
    told = (PROJECT / "docs" / "deploying.md").read_text()
    assert f"| {unit.name} | {MOST[unit.name]} |" in told


def settings(unit: Path) -> dict[str, str]:
    lines = [line for line in unit.read_text().splitlines() if re.match(r"[A-Z]\w+=", line)]
    return dict(line.partition("=")[::2] for line in lines)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_crash_is_followed_by_a_pause_and_a_mistake_by_nothing(unit):
    given = settings(unit)
    assert (given["Restart"], given["RestartSec"]) == ("on-failure", "30s")
    assert given["RestartPreventExitStatus"] == "2"
    assert given["StartLimitIntervalSec"] == "0"


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_what_they_start_is_a_command_with_options_that_it_knows(unit):
    program, name, *rest = shlex.split(settings(unit)["ExecStart"])
    assert program == "/opt/probe/current/bin/probe"
    assert name in COMMANDS
    parser = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    module_of(name).arguments(parser)
    parser.parse_args(rest)


def test_only_the_results_can_be_written():
    assert settings(DEPLOY / "probe.service")["StateDirectory"] == "probe"
    for unit in UNITS:
        given = settings(unit)
        assert given["ProtectSystem"] == "strict"
        assert not {"ReadWritePaths", "CacheDirectory", "LogsDirectory"} & given.keys()
    assert settings(DEPLOY / "probe-control.service")["StateDirectory"] == "probe-control"
    assert "StateDirectory" not in settings(DEPLOY / "probe-serve.service")


def test_no_measurement_is_filtered_on_its_way():
    given = settings(DEPLOY / "probe.service")
    assert not {key for key in given if key.startswith(("IPAddress", "SocketBind", "PrivateNet"))}

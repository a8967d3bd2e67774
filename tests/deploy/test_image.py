"""What makes an image, a fresh server and an installation is whole, pinned and closed."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from dockerfile_parse import DockerfileParser
from support.command import PROJECT

from probe.plan.config import Config

DEPLOY: Final = PROJECT / "deploy"


@pytest.fixture(scope="module")
def image() -> list[dict[str, str]]:
    with (DEPLOY / "Dockerfile").open("rb") as file:
        parsed: list[dict[str, str]] = DockerfileParser(fileobj=file).structure
    return [step for step in parsed if step["instruction"] != "COMMENT"]


def values(image: list[dict[str, str]], instruction: str) -> list[str]:
    return [step["value"] for step in image if step["instruction"] == instruction]


def test_the_image_has_two_stages_and_the_last_builds_nothing(image: list[dict[str, str]]) -> None:
    starts = [n for n, step in enumerate(image) if step["instruction"] == "FROM"]
    assert len(starts) == 2
    last = image[starts[-1] :]
    assert not any("pip" in value for value in values(last, "RUN"))
    assert all(value.startswith("--from=build ") for value in values(last, "COPY"))


def test_the_image_runs_as_nobody_in_particular(image: list[dict[str, str]]) -> None:
    (user,) = values(image, "USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    order = [step["instruction"] for step in image]
    assert order.index("USER") > max(n for n, name in enumerate(order) if name == "RUN")


def test_everything_in_the_image_is_pinned_by_hash(image: list[dict[str, str]]) -> None:
    for run in values(image, "RUN"):
        for command in re.split(r"&&", run):
            if " install " in command and "pip" in command:
                assert "--require-hashes" in command or "--no-index" in command, command
    names = re.findall(r"(?m)^([\w.-]+)==\S+.*((?:\n    --hash=sha256:[0-9a-f]{64}.*)+)", pinned())
    assert len(names) == len(re.findall(r"(?m)^[\w.-]+==", pinned())) > 20


def pinned() -> str:
    return (DEPLOY / "requirements.txt").read_text()


def test_the_server_runs_the_versions_that_are_tested() -> None:
    def versions(text: str) -> dict[str, str]:
        return dict(re.findall(r"(?m)^([\w.-]+)==([^\s;]+)", text))

    tested = versions((PROJECT / "requirements-dev.txt").read_text())
    installed = versions(pinned())
    assert {name: tested[name] for name in installed} == installed


def test_what_is_copied_exists_and_is_let_through(image: list[dict[str, str]]) -> None:
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    let_through = {line[1:] for line in ignored if line.startswith("!")}
    for value in values(image, "COPY"):
        *sources, _ = value.split()
        if sources[0].startswith("--from"):
            continue
        for source in sources:
            assert (PROJECT / source).exists(), source
            assert source in let_through, source


def cloud() -> Any:
    text = (DEPLOY / "cloud-init.yaml").read_text()
    assert text.startswith("#cloud-config\n")
    return yaml.safe_load(text)


def test_the_fresh_servers_configuration_is_valid_and_closed() -> None:
    (file,) = cloud()["write_files"]
    assert (file["path"], file["permissions"]) == ("/etc/probe/probe.yaml", "0640")
    config = Config.model_validate(yaml.safe_load(file["content"]))
    assert config.results == "/var/lib/probe"


def test_the_fresh_server_runs_what_the_source_has() -> None:
    clone, install, enable = cloud()["runcmd"]
    assert clone[-1] == "/root/probe"
    assert (PROJECT / Path(install[1]).relative_to("/root/probe")).is_file()
    assert (DEPLOY / enable[-1]).is_file()
    assert {"git", "python3-venv"} <= set(cloud()["packages"])


def test_the_installers_first_configuration_is_valid() -> None:
    script = (DEPLOY / "install.sh").read_text()
    assert "s|^results:.*|results: $results|" in script
    text = (PROJECT / "configs" / "quickstart.yaml").read_text()
    changed = re.sub(r"(?m)^results:.*", "results: /var/lib/probe", text)
    assert Config.model_validate(yaml.safe_load(changed)).results == "/var/lib/probe"


@pytest.mark.servers
def test_the_installer_is_plain_shell() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed: make servers")
    done = subprocess.run(
        ["shellcheck", DEPLOY / "install.sh"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_the_installer_refuses_what_it_does_not_know() -> None:
    done = subprocess.run(
        ["unshare", "--user", "sh", DEPLOY / "install.sh"],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare" in done.stderr:
        pytest.skip("kernel: unshare --user is not allowed to this user")
    assert done.returncode == 1
    assert "this needs root" in done.stderr


def test_the_server_gets_everything_that_the_program_needs() -> None:
    def names(path: Path) -> set[str]:
        return set(re.findall(r"(?m)^([\w.-]+)==", path.read_text()))

    assert names(PROJECT / "requirements.txt") <= names(DEPLOY / "requirements.txt")

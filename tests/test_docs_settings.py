"""docs/configuration.md, docs/protocols.md and the quickstart say what can be set."""

import base64
import dataclasses
import re
import shlex
from typing import get_args

import pytest
from pydantic import BaseModel
from support.pages import ROOT, blocks, section, text, words

from probe.checks import BUILT_IN, load
from probe.checks.expect import Expect
from probe.cli.main import main
from probe.cli.what import plan_for
from probe.judge import deciding
from probe.plan.config import Config
from probe.plan.target import COMMON

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

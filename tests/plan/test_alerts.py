"""probe.plan.alerts: who is told, and that their addresses stand nowhere."""

from datetime import time
from pathlib import Path

import pytest
from pydantic import ValidationError

from probe.core.strictyaml import ConfigError
from probe.plan.alerts import MOST_URLS, AlertsPlace, AlertsSection


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"urls_env": "U", "urls_file": "f"}, "not both"),
        ({"after": 4}, "say where to"),
        ({"digest": "08:00"}, "say where to"),
        ({"urls_env": "U", "after": 0}, "greater than or equal to 1"),
        ({"urls_env": "U", "digest": "8:00"}, "write it as in 08:00"),
        ({"urls_env": "U", "digest": "24:00"}, "write it as in 08:00"),
        ({"urls_env": "U", "timezone": "Moon/Crater"}, "no time zone"),
        ({"urls_env": "U", "timezone": "../etc/passwd"}, "no time zone"),
        ({"urls_env": "U", "timezone": ""}, "no time zone"),
        ({"urls_env": "U", "urls": "json://x"}, "Extra inputs"),
        ({"urls_env": "U", "flapping": {"changes": 1}}, "greater than or equal to 2"),
    ],
)
def test_what_cannot_work_is_told(keys, told):
    with pytest.raises(ValidationError, match=told):
        AlertsSection(**keys)


def test_nobody_is_told_by_default():
    assert AlertsSection().place(Path()) is None


def test_everything_that_is_given_is_kept():
    section = AlertsSection(
        urls_file="secrets/alerts", after=5, digest="07:30", timezone="Asia/Shanghai",
        services=["pigeon"], features=["text"], offline="1h",
        flapping={"changes": 6, "within": "2h"},
    )  # fmt: skip
    assert section.place(Path("/etc/probe")) == AlertsPlace(
        urls_file="/etc/probe/secrets/alerts", after=5, digest=time(7, 30),
        timezone="Asia/Shanghai", services=frozenset({"pigeon"}), features=frozenset({"text"}),
        offline=3600.0, flapping_changes=6, flapping_within=7200.0,
    )  # fmt: skip


def test_addresses_are_lines_of_a_file(tmp_path):
    path = tmp_path / "alerts"
    path.write_text("# mine\n\n  json://one/ \njson://two/\njson://one/\n#json://three\n")
    place = AlertsSection(urls_file="alerts").place(tmp_path)
    assert place.urls() == ("json://one/", "json://two/")


@pytest.mark.parametrize("between", ["\n", "  "])
def test_addresses_are_words_of_a_variable(monkeypatch, between):
    monkeypatch.setenv("U", f"json://one/{between}mailto://me:p@x.test")
    assert AlertsPlace(urls_env="U").urls() == ("json://one/", "mailto://me:p@x.test")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "no such file"),
        ("", "holds no address"),
        ("# none\n", "holds no address"),
        ("json://ok\nhunter2", "address 2 is none"),
        ("\n".join(f"json://hunter2/{n}" for n in range(MOST_URLS + 1)), "holds 17 addresses"),
        ("x" * 70_000, "larger than 64 KiB"),
    ],
)
def test_a_file_that_is_of_no_use_is_told_without_what_is_in_it(tmp_path, text, told):
    if text is not None:
        (tmp_path / "alerts").write_text(text)
    with pytest.raises(ConfigError, match=rf"(?i)alerts: .*alerts.*{told}") as error:
        AlertsSection(urls_file="alerts").place(tmp_path).urls()
    assert "hunter2" not in str(error.value)


def test_a_variable_that_is_not_set_is_told(monkeypatch):
    monkeypatch.delenv("U", raising=False)
    with pytest.raises(ConfigError, match="variable U is not set"):
        AlertsPlace(urls_env="U").urls()

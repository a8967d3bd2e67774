"""probe.cli.logs: one line to a record, and nothing in it that nobody should read."""

import json
import logging
from datetime import datetime

import pytest
from support.plans import planned

from probe.cli.logs import Cleaner, JsonFormatter, TextFormatter, addresses_in

HOSTILE = "page \x1b[31m\u202eevil\r\nINFO forged"


def record(message, *args, level=logging.WARNING, error=None):
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("probe.run", level, "file.py", 1, message, args, info)


@pytest.fixture
def own():
    return set()


@pytest.fixture
def clean(own):
    plan = planned(
        "tcp://192.0.2.1:80", targets=[{"url": "tls://a.example", "addresses": ["2001:db8::1"]}]
    )
    return Cleaner(addresses_in(plan), own)


def test_text_is_one_line_with_time_and_level(clean):
    line = TextFormatter(clean, prefixed=False).format(record("%s is %s", "a", "ok"))
    at, level, rest = line.split(maxsplit=2)
    datetime.strptime(at, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007
    assert (level, rest) == ("WARNING", "a is ok")


@pytest.mark.parametrize("made", [TextFormatter, JsonFormatter])
def test_hostile_text_can_neither_forge_a_line_nor_act_on_a_terminal(clean, made):
    line = made(clean, prefixed=False).format(record(HOSTILE, error=ValueError(HOSTILE)))
    assert "\n" not in line
    assert line.isprintable()


def test_json_says_what_a_collector_asks_for(clean):
    try:
        raise ValueError("by 198.51.100.9")
    except ValueError as exc:
        line = JsonFormatter(clean, prefixed=False).format(record("cycle of %s", "a", error=exc))
    value = json.loads(line)
    assert value.keys() == {"at", "level", "logger", "message", "traceback"}
    assert (value["level"], value["logger"], value["message"]) == (
        "warning",
        "probe.run",
        "cycle of a",
    )
    assert value["traceback"][-1] == "ValueError: by [scrubbed]"
    assert datetime.fromisoformat(value["at"]).tzinfo


def test_addresses_of_the_configuration_stand_and_all_others_do_not(clean, own):
    said = "192.0.2.1 and 2001:db8::1 from 203.0.113.5 by Chrome/99.0.0.0"
    assert clean(said) == "192.0.2.1 and 2001:db8::1 from [scrubbed] by Chrome/99.0.0.0"
    own.add("99.0.0.0")  # learnt later; hidden even where it could be a version
    assert "99.0.0.0" not in clean(said)
    clean.show(["203.0.113.5"])
    assert "203.0.113.5" in clean(said)


def test_secrets_are_masked(clean):
    said = clean("cannot read https://me:hunter2@a.example/?token=abc&x=1")
    assert "hunter2" not in said
    assert "abc" not in said


def test_the_journal_is_told_how_grave_a_line_is(clean):
    for level, prefix in ((logging.INFO, "<6>"), (logging.WARNING, "<4>"), (logging.ERROR, "<3>")):
        line = TextFormatter(clean, prefixed=True).format(record("x", level=level))
        assert line.startswith(prefix)


def test_a_line_has_an_end(clean):
    assert len(TextFormatter(clean, prefixed=False).format(record("x" * 100_000))) < 5000

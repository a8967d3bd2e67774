"""probe targets: the services and hosts that come with the program, each with its source."""

import csv
import io
import json
from pathlib import Path

import pytest
from support.command import Run, one_line

from probe.plan.catalogue import names, service
from probe.plan.target import parse_target


def urls(*ids: str) -> list[str]:
    return [
        url
        for name in ids
        for feature in service(name).features.values()
        for group in feature.targets
        for url in group.expanded()
    ]


def test_every_url_of_every_service_is_listed_with_what_it_is_and_its_source(here: Run) -> None:
    done = here("targets", "list", "--format", "json")
    assert (done.code, done.err) == (0, "")
    listed = json.loads(done.out)
    assert [row["url"] for row in listed] == urls(*names())
    for row in listed:
        assert list(row) == ["service", "feature", "needs", "url", "about", "source", "date"]
        assert all(row.values())
        assert parse_target(row["url"]).url == row["url"]


def test_the_word_list_may_be_left_out_and_services_may_be_chosen(here: Run) -> None:
    assert here("targets").out == here("targets", "list").out
    chosen = json.loads(here("targets", "list", "whatsapp", "--format", "json").out)
    assert [row["url"] for row in chosen] == urls("whatsapp")


def test_without_a_service_the_table_is_an_overview(here: Run) -> None:
    done = here("targets", "list")
    assert done.widest <= 80
    assert all(name in done.out for name in names())
    assert "closed on 2017-07-01" in done.out
    assert "quorum 4 of 5" in done.out
    assert len(done.out.splitlines()) < 40


def test_features_may_be_chosen(here: Run) -> None:
    rows = json.loads(here("targets", "list", "--feature", "media", "--format", "json").out)
    assert {row["feature"] for row in rows} == {"media"}
    assert {"whatsapp", "signal", "slack"} <= {row["service"] for row in rows}
    done = here("targets", "list", "signal", "--feature", "media")
    assert "cdn.signal.org" in done.out
    assert "chat.signal.org" not in done.out
    done = here("targets", "list", "--feature", "medai")
    assert (done.code, "no service has a feature 'medai'" in done.err) == (2, True)


def test_a_provider_that_has_closed_is_listed_with_its_source_and_not_measured(here: Run) -> None:
    assert "ecns.cn" in here("targets", "list", "greenvpn").out
    for command in ("check", "plan"):
        done = here(command, "greenvpn")
        assert (done.code, "GreenVPN closed on 2017-07-01" in done.err) == (2, True)
    Path("p.yaml").write_text("services: [whatsapp, greenvpn]\n")
    done = here("plan", "p.yaml")
    assert done.code == 2
    assert "p.yaml:1: services[1]: GreenVPN closed" in done.err


def squeezed(text: str) -> str:
    """Without blanks, for a terminal breaks lines where it likes."""
    return "".join(text.split())


@pytest.mark.parametrize("form", ["table", "csv", "jsonl"])
def test_every_form_names_every_host(here: Run, tmp_path: Path, form: str) -> None:
    done = here("targets", "list", "whatsapp", "--format", form)
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(done.out, newline="")))
        assert [row["url"] for row in rows] == urls("whatsapp")
        assert done.out.count("\r\n") == len(rows) + 1
    elif form == "jsonl":
        assert [json.loads(line)["url"] for line in done.out.splitlines()] == urls("whatsapp")
    else:
        assert done.widest <= 80
        for group in service("whatsapp").features["media"].targets:
            assert all(url in done.out for url in group.urls)
            assert squeezed(group.source) in squeezed(done.out)
    assert here("targets", "list", "whatsapp", "--format", form, "-o", "out").out == ""
    assert (tmp_path / "out").read_bytes().decode() == done.out


def test_a_service_that_does_not_exist_is_one_line(here: Run) -> None:
    one_line(
        here("targets", "list", "telegraph"), 2, "no service 'telegraph'; did you mean", "telegram"
    )
    one_line(here("targets", "lsit"), 2, "invalid choice: 'lsit'")

"""probe import ooni: public measurements into the results, judged by the probe's own rules."""

import argparse
import gzip
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command import Done
from support.envelopes import violations
from support.ooni_records import (
    ALL,
    facebook_messenger,
    line,
    query,
    request,
    signal,
    telegram,
    web_fine,
    web_forged,
    web_reset,
    whatsapp,
)

from probe.cli import imports
from probe.cli.main import Usage
from probe.core.model import Measurement, Verdict
from probe.record.scan import ScanReport, measurements, verdicts

Import = Callable[..., Done]
Run = Callable[..., Done]


@pytest.fixture
def take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Import:
    """Write these records to a file and import it into ./results; or import files as they are."""
    monkeypatch.chdir(tmp_path)

    def run(*records: Any, arguments: tuple[str, ...] = (), name: str = "ooni.jsonl") -> Done:
        if records:
            (tmp_path / name).write_bytes(b"\n".join(map(line, records)) + b"\n")
        parser = argparse.ArgumentParser()
        imports.arguments(parser)
        given = ["ooni", *([name] if records else []), *arguments]
        code = imports.run(parser.parse_args(given))
        said = capsys.readouterr()
        return Done(code, said.out, said.err)

    return run


def stored() -> list[Measurement]:
    return list(measurements(Path("results"), report=ScanReport()))


def given() -> list[Verdict]:
    return list(verdicts(Path("results"), report=ScanReport()))


def of_target(url: str) -> list[tuple[str, str | None, str]]:
    return [(v.outcome, v.mechanism, v.rule) for v in given() if v.target == url]


def of_feature(service: str, feature: str) -> list[tuple[str, bool | None]]:
    return [
        (v.outcome, v.partial)
        for v in given()
        if v.target is None and (v.service, v.feature) == (service, feature)
    ]


def at(record: dict[str, Any], time: str) -> dict[str, Any]:
    """The same by another probe of the network, at another time."""
    return {**record, "measurement_start_time": time, "report_id": f"of {time}"}


def files() -> dict[str, bytes]:
    found = Path("results").rglob("*")
    return {str(path): path.read_bytes() for path in found if path.is_file()}


def test_what_was_read_is_counted_and_what_was_not_is_listed(take: Import) -> None:
    done = take(web_fine(), {"no": "record"}, whatsapp(), {**signal(), "test_keys": None})
    assert done.code == 0
    assert done.out.startswith("10 measurements of 2 records, 2 malformed (first: ooni.jsonl:2 ")
    first, second = done.err.splitlines()
    assert first.startswith("ooni.jsonl:2 Object missing required field")
    assert second.startswith("ooni.jsonl:4 ")
    assert "test_keys" in second
    assert take(web_fine(), {}, name="more.jsonl", arguments=("--quiet",)).err == ""


def test_importing_twice_changes_nothing(take: Import) -> None:
    take(*(make() for make in ALL))
    before = files()
    done = take(*(make() for make in ALL))
    assert files() == before
    assert done.out.startswith("0 measurements of 8 records, ")
    assert " stored already, 0 malformed" in done.out
    assert len(stored()) == len({m.id for m in stored()})


def test_an_import_that_was_cut_short_is_completed(take: Import) -> None:
    take(web_fine(), whatsapp())
    whole = files()
    for path in (Path("results/2024-05-24.jsonl"), Path("results/verdicts/2024-05-24.jsonl")):
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:3]))
    take(web_fine(), whatsapp())
    assert files() == whole


def test_objects_are_kept_and_named(take: Import) -> None:
    take(web_fine())
    names = {
        name
        for measurement in stored()
        for step in measurement.steps
        for name in step.detail.get("peer_certificates") or ()
    }
    assert names
    assert {path.name for path in Path("results/objects").iterdir()} == names


def test_success_is_ok_and_covers_what_was_seen(take: Import) -> None:
    take(web_fine())
    assert of_target("https://site.org/") == [("ok", None, "answered")]
    assert {m.covered for m in stored() if m.origin == "vantage"} == {"response"}


def test_three_failures_within_a_day_that_the_helper_does_not_share_are_blocked(
    take: Import,
) -> None:
    take(*(at(web_reset(), f"2024-05-24 0{hour}:00:00") for hour in range(1, 5)))
    told = of_target("https://site.org/")
    assert told[:2] == [("inconclusive", "tls.reset", "not-confirmed")] * 2
    assert [outcome for outcome, _, _ in told[2:]] == ["blocked", "blocked"]
    assert {v.control.outcome for v in given()} == {"ok"}


def test_failures_days_apart_or_after_a_success_confirm_nothing(take: Import) -> None:
    take(
        *(at(web_reset(), f"2024-05-{day} 12:00:00") for day in (10, 12, 14)),
        at(web_reset(), "2024-05-20 01:00:00"),
        at(web_reset(), "2024-05-20 02:00:00"),
        at(web_fine(), "2024-05-20 03:00:00"),
        at(web_reset(), "2024-05-20 04:00:00"),
    )
    assert Counter(outcome for outcome, _, _ in of_target("https://site.org/")) == {
        "inconclusive": 6,
        "ok": 1,
    }


def test_a_forged_answer_is_found_out_by_the_helper(take: Import) -> None:
    take(*(at(web_forged(), f"2024-05-24 0{hour}:00:00") for hour in range(1, 4)))
    outcome, mechanism, rule = of_target("https://site.org/")[-1]
    assert (outcome, rule) == ("blocked", "dns-impossible")
    assert mechanism is not None
    assert mechanism.startswith("dns.injection.")


def test_without_the_helper_nobody_is_accused(take: Import) -> None:
    alone = web_reset()
    alone["test_keys"].update(control=None, control_failure="connection_refused")
    take(*(at(alone, f"2024-05-24 0{hour}:00:00") for hour in range(1, 5)))
    told = of_target("https://site.org/")
    assert {(outcome, mechanism) for outcome, mechanism, _ in told} == {
        ("unreachable", "tls.reset")
    }


def test_a_helper_in_trouble_itself_does_not_make_a_site_down(take: Import) -> None:
    blind = web_reset()
    blind["test_keys"]["control"] = {
        "dns": {"failure": "dns_server_misbehaving"},
        "http_request": {"failure": "dns_lookup_error", "status_code": -1},
    }
    take(*(at(blind, f"2024-05-24 0{hour}:00:00") for hour in range(1, 5)))
    assert {outcome for outcome, _, _ in of_target("https://site.org/")} == {"unreachable"}


def test_messengers_have_no_control_and_their_features_a_verdict(take: Import) -> None:
    take(whatsapp(), telegram(), signal(), facebook_messenger())
    assert of_feature("whatsapp", "text") == [("ok", True)]
    assert of_feature("whatsapp", "registration") == [("unreachable", False)]
    assert of_feature("whatsapp", "web") == [("ok", False)]
    assert of_feature("telegram", "text") == [("ok", True)]
    assert of_feature("telegram", "web") == [("ok", False)]
    assert of_feature("signal", "text") == [("unreachable", True)]
    assert of_feature("facebook-messenger", "media") == [("unreachable", False)]
    assert of_feature("facebook-messenger", "calls") == [("ok", False)]
    assert {v.outcome for v in given()} == {"ok", "unreachable"}


def test_all_chat_servers_gone_is_a_feature_that_fails(take: Import) -> None:
    record = whatsapp()
    keys = record["test_keys"]
    for connection in keys["tcp_connect"]:
        connection["status"] = {"failure": "generic_timeout_error", "success": False}
    take(record)
    assert of_feature("whatsapp", "text") == [("unreachable", False)]


def test_media_hosts_of_the_catalogue_are_media(take: Import) -> None:
    record = {**web_fine(), "input": "https://mmg.whatsapp.net/robots.txt"}
    record["test_keys"]["queries"] = [query("mmg.whatsapp.net", failure="dns_nxdomain_error")]
    record["test_keys"]["requests"] = [
        request("https://mmg.whatsapp.net/robots.txt", failure="dns_nxdomain_error")
    ]
    take(record)
    assert {(v.service, v.feature) for v in given()} == {("whatsapp", "media")}
    # One of five hosts: it does not speak for the feature.
    assert of_feature("whatsapp", "media") == []


def test_versions_that_failed_by_themselves_are_invalid(take: Import) -> None:
    take(signal(test_version="0.2.4"))
    assert {v.outcome for v in given()} == {"invalid"}


def test_verdicts_are_filed_by_the_time_of_the_test(take: Import) -> None:
    take(at(web_fine(), "2024-05-24 23:59:59"))
    assert Path("results/2024-05-24.jsonl").exists()
    assert [v.at.isoformat() for v in given()] == ["2024-05-25T00:00:01.500000+00:00"]


def test_judging_again_changes_nothing(take: Import, here: Run) -> None:
    take(*(at(make(), f"2024-05-24 0{n}:10:00") for make in ALL for n in range(4)))
    done = here("judge", "--recompute", "--dry-run")
    assert done.code == 0, done
    assert done.err.endswith(" equal, 0 changed\n")


def test_compressed_files_and_several_are_taken_together(take: Import) -> None:
    Path("a.jsonl.gz").write_bytes(gzip.compress(line(web_fine())))
    Path("b.json").write_text(json.dumps([at(web_reset(), "2024-05-24 02:00:00")], indent=1))
    Path("c.jsonl.gz").write_bytes(gzip.compress(line(whatsapp()))[:-20])
    done = take(arguments=("a.jsonl.gz", "b.json", "c.jsonl.gz"))
    assert done.out.startswith("8 measurements of 2 records, 1 malformed (first: c.jsonl.gz:1 ")
    assert "broken" in done.err


def test_what_cannot_be_read_at_all_is_a_matter_of_usage(take: Import) -> None:
    with pytest.raises(Usage, match=r"'gone\.jsonl' does not exist"):
        take(arguments=("gone.jsonl",))
    with pytest.raises(Usage, match=r"nothing could be read \(ooni\.jsonl:1 "):
        take({"test_name": "x"})
    Path("empty").touch()
    with pytest.raises(Usage, match="there are no records"):
        take(arguments=("empty",))
    Path("other").write_text("in the way")
    with pytest.raises(Usage, match="other"):
        take(web_fine(), arguments=("--results", "other"))


def test_hostile_text_reaches_no_terminal(take: Import) -> None:
    done = take(web_fine(), {**web_fine(), "test_name": "\x1b[31mred"})
    assert "\x1b" not in done.out + done.err


def test_what_was_imported_can_be_exported_in_the_same_format(take: Import, here: Run) -> None:
    take(*(make() for make in ALL))
    done = here("export", "--format", "ooni", "--all")
    assert done.code == 0
    envelopes = [json.loads(text) for text in done.out.splitlines()]
    assert len(envelopes) == len(stored())
    assert {one["probe_cc"] for one in envelopes} == {"IR", "ZZ"}
    for one in envelopes:
        assert [text for text in violations(one) if "peer_certificates" not in text] == []


@pytest.mark.parametrize("option", ["--steps", "--verdicts"])
def test_the_format_holds_whole_measurements_only(take: Import, here: Run, option: str) -> None:
    take(web_fine())
    done = here("export", "--format", "ooni", option)
    assert done.code == 2
    assert option in done.err

"""probe seal, as a person and as the service call it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import Done, one_line
from support.history import seen, write

from probe.record.parts import MEASUREMENTS, days
from probe.record.scan import events
from probe.record.seal import sealing_alone

Run = Callable[..., Done]


@pytest.fixture(autouse=True)
def priorities(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What the command makes of its own priority, without making it of this process's."""
    asked: list[int] = []
    monkeypatch.setattr(os, "nice", asked.append)
    return asked


@pytest.fixture
def results(tmp_path: Path) -> Path:
    root = tmp_path / "results"
    write(root)
    return root


def test_past_days_are_packed_and_it_is_said_and_noted(here: Run, results: Path) -> None:
    before = seen(results)
    done = here("seal")
    assert (done.code, done.err) == (0, "")
    first, last = done.out.splitlines()
    assert first.startswith("packed 20 records into 6 files: 0.0 MB became ")
    assert last.startswith("the results take 0.")
    after = seen(results)
    assert after[:2] == before[:2]
    assert after[2][:-1] == before[2]
    note = after[2][-1]
    assert (note.event, note.vantage) == ("sealed", "local")
    assert (note.detail["parts"], note.detail["trouble"]) == (6, [])
    done = here("seal")
    assert done.out.splitlines() == [last]
    assert seen(results) == after


def test_the_configuration_says_what_is_kept(here: Run, results: Path, tmp_path: Path) -> None:
    config = tmp_path / "my.yaml"
    config.write_text(
        "vantage: {id: sh-1}\ntargets: [{url: 'tcp://192.0.2.1:1'}]\nretention: {keep: 1d}\n"
    )
    done = here("seal", "-c", "my.yaml")
    assert done.code == 0
    assert "deleted 2017-07-18: " in done.out
    assert days(results, MEASUREMENTS) == ["2017-07-19"]
    (note,) = [one for one in events(results) if one.event == "sealed"]
    assert (note.vantage, note.detail["deleted_days"]) == ("sh-1", ["2017-07-18"])


def test_for_the_service_it_tells_json_and_writes_no_event(here: Run, results: Path) -> None:
    done = here("seal", "--format", "json", "--no-event", "--keep", "1d", "--max-size", "1GiB")
    told = json.loads(done.out)
    assert (told["parts"], told["records"], told["deleted_days"]) == (6, 20, ["2017-07-18"])
    assert 0 < told["size"] < 1e6
    assert not (results / "events.jsonl").exists()


def test_it_steps_back_behind_everything_else(
    here: Run, results: Path, priorities: list[int]
) -> None:
    here("seal")
    assert priorities == [19]


def test_only_days_that_ended_long_enough_ago(here: Run, results: Path) -> None:
    assert here("seal", "--older-than", "366d").code == 0
    write(results.parent / "other", days=1)
    done = here("seal", "--results", "other", "--older-than", "1s", "--quiet")
    assert (done.code, done.err) == (0, "")


def test_what_could_not_be_packed_is_said_and_is_as_it_was(here: Run, results: Path) -> None:
    # A file stands where a folder is needed.
    (results / "sealed").mkdir()
    (results / "sealed" / "verdicts").write_text("")
    before = seen(results)
    done = here("seal")
    assert done.code == 1
    assert done.err.count("not done: ") == 2
    after = seen(results)
    assert after[:2] == before[:2]


def test_while_another_is_at_work_it_does_nothing(here: Run, results: Path) -> None:
    with sealing_alone(results):
        done = here("seal")
    assert (done.code, done.out) == (0, "")
    assert done.err == f"{Path('results/sealed')}: another process is sealing\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--keep", "1h"], "--keep: '1h' is no age: write a number and d (days)"),
        (["--keep", "0d"], "between a day and a century"),
        (["--max-size", "much"], "--max-size: 'much' is no size"),
        (["--older-than", "soon"], "--older-than: 'soon' is no duration"),
        (["--results", "nowhere"], "does not exist"),
    ],
)
def test_mistakes_are_one_line(here: Run, results: Path, arguments: list[str], says: str) -> None:
    one_line(here("seal", *arguments), 2, says)


def test_sealed_days_are_exported_explained_and_compared_as_before(
    here: Run, results: Path
) -> None:
    asked = [
        ["export"],
        ["export", "--format", "table"],
        ["export", "--all", "--format", "jsonl", "--since", "2017-07-19"],
        ["export", "--verdicts", "--format", "csv"],
        ["export", "--steps", "--until", "2017-07-19"],
        ["explain"],
        ["judge", "--recompute", "--dry-run"],
        ["compare", "--format", "json"],
    ]
    before = [here(*arguments) for arguments in asked]
    assert here("seal").code == 0
    for arguments, was in zip(asked, before, strict=True):
        now = here(*arguments)
        assert (now.code, now.out, now.err) == (was.code, was.out, was.err), arguments

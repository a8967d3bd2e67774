"""The replay in processes of its own: all vantages are played, and nobody is left behind."""

import multiprocessing
import time

import pytest

from probe.core.strictyaml import ConfigError
from probe.demo.story import SHIPPED
from probe.demo.workers import Players
from probe.record import scan
from probe.record.disk import ResultsError


@pytest.fixture
def short(tmp_path):
    """A story of one night."""
    path = tmp_path / "story.yaml"
    text = SHIPPED.read_text()
    for was, becomes in (
        ("begins: 2017-06-01", "begins: 2017-07-18"),
        ("ends: 2017-08-01T00", "ends: 2017-07-18T05"),
    ):
        assert was in text
        text = text.replace(was, becomes)
    path.write_text(text)
    return path


def test_every_vantage_is_played_to_the_end(tmp_path, short):
    heard = []
    with Players(short, tmp_path / "certificates", tmp_path / "results") as players:
        players.finish(heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    seen = {verdict.vantage.id for verdict in scan.verdicts(tmp_path / "results")}
    assert seen == {place.id for place in players.story.vantages}
    assert not multiprocessing.active_children()


def test_who_leaves_early_ends_all_processes_soon(tmp_path):
    began = time.monotonic()
    with (
        pytest.raises(KeyboardInterrupt),
        Players(SHIPPED, tmp_path / "certificates", tmp_path / "results"),
    ):
        assert multiprocessing.active_children()
        raise KeyboardInterrupt
    assert not multiprocessing.active_children()
    assert time.monotonic() - began < 60  # to the end it would take minutes


def test_trouble_with_the_disk_is_told(tmp_path, short):
    taken = tmp_path / "results"
    taken.write_text("a file stands where the folder should be")
    with (
        Players(short, tmp_path / "certificates", taken) as players,
        pytest.raises(ResultsError, match="results"),
    ):
        players.finish()
    assert not multiprocessing.active_children()


def test_a_story_with_a_mistake_starts_nothing(tmp_path):
    with pytest.raises(ConfigError):
        Players(tmp_path / "nowhere.yaml", tmp_path, tmp_path)
    assert not multiprocessing.active_children()

"""probe.run.alerts: days of verdicts in virtual time, restarts in them, and whoever is told."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from support.alerting import URLS, Scripted, addressed, alerting, watched
from support.records import verdict
from support.virtual import DAY, VirtualClock, run_virtual

from probe.core.model import Event
from probe.core.strictyaml import ConfigError
from probe.run.alerts import sender
from probe.run.alerts.sender import GATHER, LONGEST
from probe.run.alerts.state import FILE, Lane, load

FEATURE = {"service": "pigeon", "feature": "text"}
CYCLE = 600.0


class Run:
    """Alerts on a virtual clock; ``restart`` ends them and begins anew with what was saved."""

    def __init__(self, root, urls=("json://one",), start=DAY, **more):
        self.root, self.urls, self.more = root, urls, more
        self.clock = VirtualClock(start)
        self.notifier = Scripted(self.clock)
        self.events = []

    def __call__(self, script):
        """Run a script: a function from (run, alerts) to a coroutine."""

        async def main():
            with addressed(*self.urls):
                self.alerts = alerting(
                    self.root, self.clock, self.notifier, watched(**self.more), self.events
                )
            async with self.alerts:
                await script(self)

        run_virtual(main())
        self.clock.start += timedelta(seconds=1e-3)
        return self.notifier

    def later(self):
        """The same machine after a restart: as much later as has passed."""
        again = Run(self.root, self.urls, self.now, **self.more)
        again.notifier.told = self.notifier.told
        return again

    now = DAY

    async def see(self, outcomes, key=None, **more):
        """One verdict each cycle, one letter each."""
        names = {"o": "ok", "b": "blocked", "u": "unreachable", "-": "offline", "?": "inconclusive"}
        for letter in outcomes:
            found = verdict(key, names[letter], **{**FEATURE, **more})
            self.alerts.verdict(replace(found, at=self.clock.now()))
            await asyncio.sleep(CYCLE)
            self.now = self.clock.now()

    def health(self, state):
        self.alerts.event(
            Event(at=self.clock.now(), event="health", vantage="sh-1", detail={"state": state})
        )


def test_a_change_and_its_end_are_told_once_each(tmp_path):
    told = Run(tmp_path)(lambda run: run.see("oooobbbbbbbboooooo"))
    assert told.titles == [
        "probe sh-1: pigeon text: blocked",
        "probe sh-1: pigeon text: ok again",
    ]
    assert "more: probe explain" in told.told[0][2]


def test_a_target_that_is_part_of_no_feature_is_followed_by_itself(tmp_path):
    own = {"service": "192.0.2.1", "feature": "tcp"}
    told = Run(tmp_path)(lambda run: run.see("ooobbb", "alone", **own))
    assert told.titles == ["probe sh-1: alone: blocked"]


def test_the_members_of_a_feature_are_not_told_beside_it(tmp_path):
    assert Run(tmp_path)(lambda run: run.see("ooobbb", "a")).titles == []


@pytest.mark.parametrize(
    ("wanted", "count"),
    [({"services": ["pigeon"]}, 1), ({"services": ["dove"]}, 0), ({"features": ["media"]}, 0)],
)
def test_only_what_is_wanted_is_told(tmp_path, wanted, count):
    told = Run(tmp_path, alerts=wanted)(lambda run: run.see("ooobbb"))
    assert len(told.titles) == count


@pytest.mark.parametrize("cut", range(12))
def test_a_restart_at_any_cycle_neither_repeats_nor_swallows(tmp_path, cut):
    outcomes = "ooobbbbbooo"
    first = Run(tmp_path)
    first(lambda run: run.see(outcomes[:cut]))
    second = first.later()
    second(lambda run: run.see(outcomes[cut:]))
    assert second.notifier.titles == [
        "probe sh-1: pigeon text: blocked",
        "probe sh-1: pigeon text: ok again",
    ]


def test_what_was_not_delivered_before_the_end_is_delivered_after_it(tmp_path):
    first = Run(tmp_path)

    async def broken(run):
        run.notifier.fails.add("json://one")
        await run.see("ooobbb")

    first(broken)
    assert first.notifier.titles == []
    second = first.later()
    second(lambda run: run.see("bb"))
    assert second.notifier.titles == ["probe sh-1: pigeon text: blocked"]


def test_a_file_that_is_none_is_begun_anew(tmp_path, caplog):
    (tmp_path / FILE).write_text('{"day": 7}')
    told = Run(tmp_path)(lambda run: run.see("ooobbb"))
    assert len(told.titles) == 1
    assert "begun anew" in caplog.text
    assert load(tmp_path).subjects[0].standing.told == "blocked"
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o640


def test_a_folder_that_cannot_be_written_is_told_once_and_costs_no_message(tmp_path, caplog):
    (tmp_path / FILE).mkdir()
    (tmp_path / FILE / "x").touch()
    told = Run(tmp_path)(lambda run: run.see("ooobbbooo"))
    assert len(told.titles) == 2
    assert caplog.text.count("may be told again") == 1


def test_nothing_is_sent_while_the_vantage_is_offline_and_a_long_outage_is_told_after_it(tmp_path):
    async def script(run):
        await run.see("oooo")
        run.health("offline")
        await run.see("-" * 20)
        assert run.notifier.tried == []
        run.health("online")
        await run.see("oo")

    told = Run(tmp_path)(script)
    assert told.titles == ["probe sh-1: the vantage was without a working network for 3 h 20 min"]
    assert "offline, 2017-07-18 00:40 UTC to 2017-07-18 04:00 UTC" in told.told[0][2]


def test_a_short_outage_is_no_news(tmp_path):
    async def script(run):
        run.health("captive")
        await run.see("--")
        run.health("online")
        await run.see("ooo")

    assert Run(tmp_path)(script).titles == []


def test_a_change_that_came_just_before_an_outage_waits_for_its_end(tmp_path):
    async def script(run):
        await run.see("ooobb")
        run.health("online")
        run.alerts.verdict(replace(verdict(None, "blocked", **FEATURE), at=run.clock.now()))
        run.health("offline")
        await run.see("--")
        assert run.notifier.tried == []
        run.health("online")
        await run.see("b")

    assert Run(tmp_path)(script).titles == ["probe sh-1: pigeon text: blocked"]


def test_a_path_abroad_that_is_down_holds_nothing_back(tmp_path):
    async def script(run):
        run.health("international_path_down")
        await run.see("ooouuu")

    assert Run(tmp_path)(script).titles == ["probe sh-1: pigeon text: unreachable"]


def test_one_address_that_hangs_delays_no_other_one(tmp_path):
    async def script(run):
        run.notifier.hangs.add("json://hangs")
        await run.see("ooobbbooo")

    told = Run(tmp_path, urls=("json://hangs", "json://one"))(script)
    assert [url for url, _, _ in told.told] == ["json://one"] * 2


def test_what_fails_is_tried_again_less_and_less_often_and_given_up_in_the_end(tmp_path, caplog):
    hours = int(LONGEST.total_seconds() / 3600)

    async def script(run):
        run.notifier.fails.add("json://one")
        await run.see("ooobbb" + "b" * 6 * (hours + 1))

    run = Run(tmp_path)
    run(script)
    tried = [at for at, _ in run.notifier.tried]
    gaps = [later - earlier for earlier, later in pairwise(tried)]
    assert gaps[:3] == [pytest.approx(gap + GATHER) for gap in (30, 120, 300)]
    assert max(gaps) <= 1800 + GATHER
    assert run.alerts.counts == {"sent": 0, "failed": 1, "dropped": 0}
    (event,) = run.events
    assert (event.event, event.detail) == (
        "alert_failed",
        {"address": 1, "messages": 1, "reason": f"not delivered within {hours} hours"},
    )
    assert caplog.text.count("trying again") == 1
    assert "json://" not in caplog.text
    assert load(tmp_path).lanes[0].items == []


def test_an_address_that_comes_back_gets_everything_in_one(tmp_path):
    async def script(run):
        run.notifier.fails.add("json://one")
        await run.see("ooobbbooobbb")
        run.notifier.fails.clear()
        await run.see("bbbbbb")

    told = Run(tmp_path)(script)
    assert told.titles == ["probe sh-1: pigeon text: blocked, and 2 more"]


def test_no_more_than_so_much_waits(tmp_path, monkeypatch):
    async def script(run):
        run.notifier.fails.add("json://one")
        monkeypatch.setattr(sender, "MOST", 5)
        await run.see("bbbooo" * 4)
        assert len(load(tmp_path).lanes[0].items) == 5
        run.notifier.fails.clear()
        await run.see("oooooo")

    run = Run(tmp_path, alerts={"flapping": {"changes": 100, "within": "1s"}})
    run(script)
    ((_, title, body),) = run.notifier.told
    assert title.endswith(", and 4 more")
    assert body.startswith("3 older messages were dropped")
    assert run.alerts.counts == {"sent": 1, "failed": 0, "dropped": 3}
    assert load(tmp_path).lanes[0] == Lane()


def test_the_digest_comes_at_its_time_of_day_once(tmp_path):
    day = {"digest": "08:00", "timezone": "Asia/Shanghai"}  # midnight in UTC
    start = DAY + timedelta(hours=20, minutes=5)

    async def script(run):
        await run.see("ooobbb" + "b" * 24)  # five hours

    first = Run(tmp_path, start=start, alerts=day)
    first(script)
    digests = [told for told in first.notifier.told if "digest" in told[1]]
    assert [title for _, title, _ in digests] == ["probe sh-1: digest, 1 of 2 failing"]
    assert "pigeon text: blocked (21 blocked, 3 ok)" in digests[0][2]
    assert "alone: not measured" in digests[0][2]
    assert "ok → blocked" in digests[0][2]
    second = first.later()
    second(lambda run: run.see("b" * 6))
    assert len([t for t in second.notifier.titles if "digest" in t]) == 1


def test_a_digest_that_was_due_while_the_probe_was_off_comes_at_its_start(tmp_path):
    day = {"digest": "00:00"}
    first = Run(tmp_path, start=DAY + timedelta(hours=20), alerts=day)
    first(lambda run: run.see("ooo"))
    second = first.later()
    second.clock.start += timedelta(days=3)
    second(lambda run: run.see("o"))
    assert [t for t in second.notifier.titles if "digest" in t] == [
        "probe sh-1: digest, all as it should be"
    ]


def test_a_digest_in_an_outage_waits_for_its_end(tmp_path):
    async def script(run):
        run.health("offline")
        await run.see("-" * 30)
        assert run.notifier.told == []
        run.health("online")
        await run.see("o")

    told = Run(tmp_path, start=DAY + timedelta(hours=20), alerts={"digest": "00:00"})(script)
    assert len(told.told) == 1
    assert "still is (offline)" in told.told[0][2]


def test_what_a_reload_takes_out_is_forgotten_and_new_addresses_are_told(tmp_path):
    other = [{"id": "z", "service": "dove", "feature": "text", "url": "tcp://192.0.2.1:9"}]

    async def script(run):
        await run.see("ooo")
        with addressed("json://one", "json://two"):
            run.alerts.planned(watched(targets=other))
        await run.see("bbb")
        await run.see("ooobbb", service="dove")

    run = Run(tmp_path)
    told = run(script)
    assert sorted(told.told) == [
        (url, "probe sh-1: dove text: blocked", told.told[0][2])
        for url in ("json://one", "json://two")
    ]
    assert [subject.service for subject in load(tmp_path).subjects] == ["dove"]


def test_a_reload_without_addresses_keeps_the_old_ones(tmp_path, caplog):
    async def script(run):
        with addressed():
            run.alerts.planned(watched())
        await run.see("ooobbb")

    assert len(Run(tmp_path)(script).told) == 1
    assert f"{URLS} is not set" in caplog.text


def test_a_private_target_is_called_by_no_address(tmp_path):
    secret = [{"url": "tcp://198.51.100.7:443", "private": True}]
    own = {"service": "198.51.100.7", "feature": "tcp"}

    async def script(run):
        await run.see("ooobbb", "tcp://198.51.100.7:443", **own)

    told = Run(tmp_path, targets=secret)(script)
    assert told.titles == ["probe sh-1: private-1: blocked"]
    assert "198.51.100.7" not in str(told.told)


def test_without_an_address_it_does_not_begin(tmp_path):
    with addressed(), pytest.raises(ConfigError, match="is not set"):
        alerting(tmp_path, VirtualClock(), Scripted(VirtualClock()))

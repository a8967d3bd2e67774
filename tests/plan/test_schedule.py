"""probe.plan.schedule: when targets are due, as a configuration says it."""

from pathlib import Path

import pytest

from probe.core.strictyaml import ConfigError, read
from probe.plan.config import Config
from probe.plan.jobs import Planner
from probe.plan.timing import Quiet

HEAD = "anchors: {international: []}\n"


def planned(text):
    settings = read(Config, HEAD + text, "probe.yaml")
    planner = Planner(settings, Path(), settings.vantage.vantage())
    planner.add_config()
    return {job.target.id: job for job in planner.plan().jobs}


def complaint(text):
    with pytest.raises(ConfigError) as caught:
        read(Config, HEAD + text, "probe.yaml")
    return str(caught.value)


def test_a_target_takes_the_schedule_and_what_it_says_itself():
    jobs = planned("""\
schedule: {cron: "0 * * * *", quiet: ["22:00-06:00"], timezone: Asia/Shanghai, spread: 5s}
targets:
  - {id: plain, url: "tcp://192.0.2.1:1"}
  - {id: own, url: "tcp://192.0.2.1:2", every: 5m, quiet: [], spread: 0s}
  - {id: url, url: "tcp://192.0.2.1:3?every=2m"}
  - {id: cron, url: "tcp://192.0.2.1:4", cron: "*/15   * * * *"}
""")
    plain = jobs["plain"].timing
    assert (plain.cron, plain.spread, plain.timezone) == ("0 * * * *", 5.0, "Asia/Shanghai")
    assert plain.quiet == (Quiet.parse("22:00-06:00"),)
    assert (jobs["own"].every, jobs["own"].timing.cron) == (300.0, None)
    assert (jobs["own"].timing.quiet, jobs["own"].timing.spread) == ((), 0.0)
    assert (jobs["url"].every, jobs["url"].timing.cron) == (120.0, None)
    assert jobs["plain"].every == 3600.0
    assert (jobs["cron"].every, jobs["cron"].timing.cron) == (900.0, "*/15 * * * *")


@pytest.mark.parametrize(
    ("schedule", "said"),
    [
        ('cron: "61 * * * *"', "probe.yaml:2: schedule.cron: '61 * * * *' is no cron expression"),
        ('cron: "0 * * *"', "is no cron expression: write minute, hour, day, month and weekday"),
        ('cron: "0 0 30 2 *"', "'0 0 30 2 *' is never met"),
        ('cron: "0 8 * * 1-5"', "write weekdays by name"),
        ('cron: "0 8 * * *", every: 5m', "schedule.cron: give either 'every' or 'cron'"),
        ("quiet: [22-6]", "probe.yaml:2: schedule.quiet[0]: '22-6' are no quiet hours"),
        ('quiet: ["25:00-06:00"]', "are no quiet hours"),
        ('quiet: ["06:00-06:00"]', "has no length"),
        ('quiet: ["00:00-12:00", "12:00-00:00"]', "schedule.quiet: these hours leave no moment"),
        ('quiet: ["22:00-06:00"], cron: "0 23 * * *"', "these hours leave no moment"),
        ("timezone: Mars/Olympus", "there is no time zone 'Mars/Olympus'"),
        ("timezone: ../../etc/passwd", "there is no time zone"),
        ("evry: 5m", "unknown key; did you mean 'every'?"),
    ],
)
def test_what_cannot_be_is_told_with_file_line_and_key(schedule, said):
    told = complaint(f"schedule: {{{schedule}}}\ntargets: [{{url: 'tcp://192.0.2.1:1'}}]")
    assert said in told
    assert told.startswith("probe.yaml:2: schedule.")
    assert "\n" not in told


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ('every: 5m, cron: "0 * * * *"', "cron: give either 'every' or 'cron'"),
        ('cron: "0 23 * * *"', "cron: these hours leave no moment"),
        ('quiet: ["00:00-23:59", "23:50-00:10"]', "quiet: these hours leave no moment"),
    ],
)
def test_a_target_that_is_never_due_is_told_with_its_key(target, said):
    told = complaint(
        "schedule: {quiet: ['22:00-06:00']}\ntargets:\n"
        f"  - {{url: 'tcp://192.0.2.1:1', {target}}}\n"
    )
    assert told.startswith(f"probe.yaml:4: targets[0].{said}"), told


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ("at_once: 0", "limits.at_once"),
        ("per_host: none", "limits.per_host"),
        ("memory: 1 TB", "limits.memory"),
        ("per_hour: 3", "unknown key"),
    ],
)
def test_limits_are_read_as_strictly(limits, said):
    told = complaint(f"limits: {{{limits}}}\ntargets: [{{url: 'tcp://192.0.2.1:1'}}]")
    assert told.startswith("probe.yaml:2: limits.")
    assert said in told

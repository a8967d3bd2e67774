"""The line itself, by the anchors: the only look that sends something."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from probe.cli.doctor.finding import Finding

if TYPE_CHECKING:
    from probe.plan.jobs import Plan


def findings(plan: "Plan") -> Iterator[Finding]:
    """What one round of anchors says of the line and of the clock."""
    import asyncio

    from probe.cli.session import instruments
    from probe.judge.vantage import VantageState
    from probe.measure.health import Health

    if not plan.anchors:
        yield Finding("line", "note", "not asked: the configuration has no anchors")
        return
    health = Health(plan.anchors, instruments(plan, None), lambda _: None, wildcard=plan.wildcard)
    anchors = asyncio.run(health.fresh())
    fine = health.state is VantageState.ONLINE
    advice = "" if fine else ": look at cable, routes and resolver; for a portal, log in there"
    asked = sum(anchor.check != "dns" for anchor in anchors)
    text = f"{health.state.value.replace('_', ' ')}, by {asked} anchors{advice}"
    yield Finding("line", "ok" if fine else "wrong", text)
    if health.clock_offset is not None:
        off = health.clock_offset
        state = "wrong" if abs(off) > 300 else "note" if abs(off) > 5 else "ok"
        advice = "" if state == "ok" else ": install systemd-timesyncd or chrony"
        yield Finding("clock offset", state, f"{off:+.0f} s against the anchors' servers{advice}")

"""What a configuration leaves out that results will miss."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from probe.cli.doctor.finding import Finding

if TYPE_CHECKING:
    from probe.plan.jobs import Plan


def findings(plan: "Plan") -> Iterator[Finding]:
    """It is valid, or there would be no plan."""
    services = {feature.service for feature in plan.features}
    yield Finding("configuration", "ok", f"{len(plan.jobs)} targets, {len(services)} services")
    if plan.vantage.country == "ZZ":
        yield Finding("vantage", "note", "no country given: reports by country will not match")
    if not plan.anchors:
        yield Finding("anchors", "note", "none: a failure of the vantage's own line looks real")
    for note in plan.notes:
        yield Finding("controls", "note", note)
    if plan.metrics is not None and plan.metrics.public:
        port = plan.metrics.at.port
        yield Finding("metrics", "note", f"whoever reaches port {port} can read them, unasked")
    yield from _alerts(plan)


def _alerts(plan: "Plan") -> Iterator[Finding]:
    """Whether somebody could be told; nothing is sent, and no address is shown."""
    from probe.core.strictyaml import ConfigError
    from probe.run.alerts.notifier import AppriseNotifier

    if plan.alerts is None:
        return
    try:
        AppriseNotifier()
        count = len(plan.alerts.urls())
    except ConfigError as exc:
        yield Finding("alerts", "wrong", str(exc).removeprefix("alerts: "))
    else:
        text = f"{count} to tell; 'probe alerts test' sends a message"
        yield Finding("alerts", "ok", text)

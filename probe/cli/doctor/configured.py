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

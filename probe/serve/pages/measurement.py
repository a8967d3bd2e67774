"""One measurement: each network operation as a bar on its time, and in words."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from probe.core.model import VANTAGE, Measurement, Step
from probe.core.times import rfc3339
from probe.judge.explain import told
from probe.serve import words
from probe.serve.pages.column import hour_name
from probe.serve.pages.detail import plain_table
from probe.serve.pages.frame import crumbs, facts, link, section, segment
from probe.show.report.markup import Markup, element, joined, outside

STEPS: Final = 300  # that are shown
_WIDTH: Final = 1000  # units of a bar's picture
_DETAIL: Final = 3000  # characters of a step's details


def measurement_page(hour: datetime, measurement: Measurement) -> list[Markup]:
    """What was done, and what came of it."""
    path = f"/measurement/{hour_name(hour.timestamp())}/{segment(measurement.id)}.json"
    shown = measurement.steps[:STEPS]
    end = max((step.t for step in shown), default=0.0) or 1.0
    parts = [
        crumbs(
            link("/", "Now and 24 hours"),
            element("a", f"{hour:%d %B, %H:%M}", href=f"/hour/{hour_name(hour.timestamp())}"),
            "Measurement",
        ),
        element("h1", outside(measurement.target.id, 200), ": ", outside(measurement.check, 40)),
        element("p", outside(told(measurement), 600), class_="lead"),
        facts(*_facts(measurement)),
    ]
    if shown:
        rows = [_step_row(step, end) for step in shown]
        columns = ("Step", "When", "Took", "Address", "What came of it")
        table = plain_table(f"Steps over {end:.2f} s", columns, rows, "steps")
        more = len(measurement.steps) - len(shown)
        left = [element("p", f"{more:,} more are in the JSON.")] if more else []
        parts.append(section("steps", "Step by step", table, *left))
    parts.append(
        element("p", element("a", "The whole measurement as JSON", href=path), class_="moves")
    )
    return parts


def _facts(measurement: Measurement) -> Sequence[tuple[str, str]]:
    vantage, target = measurement.vantage, measurement.target
    pairs: list[tuple[str, str]] = [
        ("Started", f"{rfc3339(measurement.started)[:23].replace('T', ' ')} UTC"),
        ("Target", joined(outside(target.service, 200), " · ", outside(target.feature, 200))),
        ("URL", element("code", outside(target.url))),
        ("At", joined(outside(vantage.id, 200), " ", outside(words.place(vantage), 200))),
    ]
    if measurement.origin != VANTAGE:
        pairs.append(("Measured by the control", outside(measurement.origin, 200)))
    if measurement.role != "target":
        pairs.append(("Role", outside(measurement.followup or measurement.role, 100)))
    pairs += [("Trial", str(measurement.trial)), ("Looked as far as", measurement.covered)]
    if measurement.invalid is not None:
        pairs.append(("Our error", outside(measurement.invalid)))
    pairs.append(("Id", element("code", outside(measurement.id, 100))))
    return pairs


def _step_row(step: Step, end: float) -> tuple[str, ...]:
    failed = element("strong", outside(step.failure, 300), class_="warn") if step.failure else "ok"
    detail = json.dumps(step.detail, ensure_ascii=False, indent=1)
    shown = detail if len(detail) <= _DETAIL else f"{detail[:_DETAIL]} …"
    more = (
        element("details", element("summary", "Details"), element("pre", outside(shown, _DETAIL)))
        if step.detail
        else ""
    )
    took = max(step.t - step.t0, 0.0)
    return (
        joined(outside(step.op.replace("_", " "), 60), element("small", f"no. {step.transaction}")),
        joined(_bar(step, end), element("small", f"from {step.t0:.3f} s")),
        f"{took * 1000:.1f} ms",
        outside(step.address, 100) if step.address else "–",
        joined(failed, more),
    )


def _bar(step: Step, end: float) -> Markup:
    """Where in the whole it lies; the numbers stand beside it."""
    left = min(max(step.t0 / end, 0.0), 1.0) * _WIDTH
    width = max(min(max((step.t - step.t0) / end, 0.0), 1.0) * _WIDTH, 6.0)
    left = min(left, _WIDTH - width)
    kind = "bar failed" if step.failure else "bar"
    track = element("rect", x="0", y="4", width=str(_WIDTH), height="4", class_="axis")
    mark = element("rect", x=f"{left:.1f}", y="0", width=f"{width:.1f}", height="12", class_=kind)
    return element(
        "svg",
        track,
        mark,
        viewBox=f"0 0 {_WIDTH} 12",
        preserveAspectRatio="none",
        aria_hidden="true",
        class_="bars",
    )

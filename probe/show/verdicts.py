"""What a check found, for a person at a terminal of 80 columns: what, outcome, where, times.

A service's features come first, each with how many of its targets were ok; under a feature that is
not wholly ok its targets are gathered by what happened to them. Colour helps, and is never the only
sign: each outcome has a mark and its name.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from probe.core.model import Measurement, Outcome, Verdict
from probe.show.terminal import safe
from probe.show.timings import Timings, timings

MARKS: Final[dict[Outcome, tuple[str, str]]] = {
    "ok": ("✓", "green"),
    "blocked": ("■", "bold red"),
    "degraded": ("▼", "red"),
    "denied": ("⊘", "magenta"),
    "down": ("✗", "yellow"),
    "unreachable": ("✗", "yellow"),
    "inconclusive": ("?", "cyan"),
    "offline": ("–", "blue"),
    "invalid": ("!", "bold magenta"),
}
NAMED: Final = 3  # targets of a group that are called by name
OTHERS: Final = 52  # columns that everything but the name may take
WORDS: Final = 23  # characters of the longest mechanism, "dns.injection.blockpage"
LONGEST: Final = 56  # characters of a name: two or three lines of a terminal of 80 columns


def show_verdicts(
    verdicts: Sequence[Verdict],
    measurements: Sequence[Measurement],
    console: Console,
    *,
    every_target: bool = False,
) -> None:
    """Print the table and what has to be known beside it."""
    by_cycle = {measurement.cycle: measurement for measurement in measurements}
    # A wider terminal gives its width to the names.
    room = max(31, console.width - OTHERS)
    console.print(_table(verdicts, by_cycle, room, every_target=every_target))
    for line in _notes(verdicts):
        console.print(line)


def mark(outcome: Outcome) -> Text:
    """An outcome with its sign and colour."""
    sign, style = MARKS[outcome]
    return Text(f"{sign} {outcome}", style=style)


def _table(
    verdicts: Sequence[Verdict],
    by_cycle: Mapping[str, Measurement],
    room: int,
    *,
    every_target: bool,
) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, expand=False)
    table.add_column("what", overflow="fold", max_width=room)
    table.add_column("outcome", no_wrap=True, width=14)
    words = max((len(verdict.mechanism or "") for verdict in verdicts), default=0)
    table.add_column("failed at", overflow="fold", min_width=min(words, WORDS), max_width=WORDS)
    for name in ("dns", "tcp", "tls"):
        table.add_column(name, justify="right", no_wrap=True, min_width=4)
    table.add_column("total ms", justify="right", no_wrap=True)
    features = [verdict for verdict in verdicts if verdict.target is None]
    told: set[str] = set()
    for feature in features:
        members = [
            v
            for v in verdicts
            if v.target and (v.service, v.feature) == (feature.service, feature.feature)
        ]
        told |= {member.id for member in members}
        _feature_rows(table, feature, members, by_cycle, every_target=every_target)
    for verdict in verdicts:
        if verdict.target is not None and verdict.id not in told:
            name = _cut(safe(verdict.target), max(room, LONGEST))
            table.add_row(Text(name), *_cells(verdict, by_cycle.get(verdict.cycle)))
    return table


def _feature_rows(
    table: Table,
    feature: Verdict,
    members: Sequence[Verdict],
    by_cycle: Mapping[str, Measurement],
    *,
    every_target: bool,
) -> None:
    counts = feature.members
    share = f" {counts.ok}/{counts.ok + counts.failed}" if counts else ""
    name = Text(f"{safe(feature.service)} {safe(feature.feature)}", style="bold")
    name.append(share, style="dim")
    answered = [by_cycle[m.cycle] for m in members if m.outcome == "ok" and m.cycle in by_cycle]
    table.add_row(name, mark(feature.outcome), _plain(feature.mechanism), *_middle(answered))
    if every_target:
        for member in members:
            table.add_row(Text(f"  {_name(member)}"), *_cells(member, by_cycle.get(member.cycle)))
        return
    groups: dict[tuple[Outcome, str | None], list[Verdict]] = {}
    for member in members:
        if member.outcome != "ok":
            groups.setdefault((member.outcome, member.mechanism), []).append(member)
    if len(groups) == 1 and not feature.partial:
        return  # all failed in the same way: the feature's own row says it
    for (outcome, mechanism), group in groups.items():
        names = ", ".join(_name(member) for member in group[:NAMED])
        more = f" and {len(group) - NAMED} more" if len(group) > NAMED else ""
        table.add_row(Text(f"  {names}{more}", style="dim"), mark(outcome), _plain(mechanism))


def _cells(verdict: Verdict, measurement: Measurement | None) -> list[Text | str]:
    times = _columns(timings(measurement)) if measurement else [""] * 4
    return [mark(verdict.outcome), _plain(verdict.mechanism), *times]


def _plain(text: str | None) -> Text:
    """Text from outside: without control characters, and never read as markup."""
    return Text(safe(text or ""))


def _columns(times: Timings) -> list[str]:
    chosen = (times.dns, times.connect, times.tls, times.total)
    return ["" if value is None else f"{value:.0f}" for value in chosen]


def _middle(measurements: Sequence[Measurement]) -> list[str]:
    """The median of each time over the targets that answered."""
    columns: list[str] = []
    times = [timings(measurement) for measurement in measurements]
    for name in ("dns", "connect", "tls", "total"):
        values = sorted(v for t in times if (v := getattr(t, name)) is not None)
        columns.append(f"{values[len(values) // 2]:.0f}" if values else "")
    return columns


def _name(member: Verdict) -> str:
    """A target under its feature: its id, without the scheme where that is a URL."""
    scheme, separator, rest = safe(member.target or "").partition("://")
    return _cut(rest.rstrip("/") if separator else scheme, LONGEST)


def _cut(name: str, longest: int) -> str:
    """The beginning and the end of a name that is too long: targets differ in either."""
    tail = longest // 3
    return name if len(name) <= longest else f"{name[: longest - tail - 1]}…{name[-tail:]}"


def _notes(verdicts: Sequence[Verdict]) -> list[Text]:
    """Each note once, behind the outcome that it explains, and whose it is if not everyone's."""
    holders: dict[tuple[Outcome, str], list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.note:
            holders.setdefault((verdict.outcome, verdict.note), []).append(verdict)
    lines = [Text("")] if holders else []
    for (outcome, note), found in holders.items():
        line = mark(outcome)
        if len(found) < sum(verdict.outcome == outcome for verdict in verdicts):
            names = list(dict.fromkeys(f"{v.service} {v.feature}" for v in found))
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            line.append(f" ({safe(', '.join(names[:NAMED]))}{more})", style="default")
        line.append(f": {safe(note)}", style="default")
        lines.append(line)
    return lines

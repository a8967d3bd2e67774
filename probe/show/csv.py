"""Results as CSV (RFC 4180): lines end in CRLF, an empty cell is "not run" or "not known".

A cell that a spreadsheet would take for a formula gets a leading ``'``: targets and failure texts
come from files and servers that nobody need trust. Durations are milliseconds with three decimals.
"""

import csv
import io
from collections.abc import Iterable
from typing import Final, TextIO

import msgspec

from probe.core.model import Measurement, Step, Verdict
from probe.core.times import rfc3339
from probe.judge.deciding import Deciding, deciding
from probe.record.join import Judged
from probe.show.timings import first, last_hop, lookup_of, number, timings_of

COLUMNS: Final = tuple(
    # The lists stand as the contract writes them.
    "started,vantage,country,asn,network,service,feature,target,url,check,address,outcome,"  # noqa: SIM905
    "mechanism,locus,rule,failure,failed_op,dns_ms,connect_ms,tls_ms,first_byte_ms,total_ms,bytes,"
    "http_status,resolver,covered,control_outcome,trial,origin,role,cycle,invalid,"
    "measurement".split(",")
)
STEP_COLUMNS: Final = tuple(
    "measurement,started,target,op,transaction,address,t0,t,failure,detail".split(",")  # noqa: SIM905
)
VERDICT_COLUMNS: Final = tuple(
    "at,vantage,country,asn,network,service,feature,target,url,outcome,mechanism,locus,rule,rules,"  # noqa: SIM905
    "covered,control_outcome,policy,members_ok,members_failed,partial,note,cycle,verdict,"
    "evidence".split(",")
)

_FORMULA: Final = frozenset("=+-@\t\r")
_NOT_JUDGED: Final = (None, None, None, None, None)


def write_measurements(rows: Iterable[tuple[Measurement, Judged | None]], out: TextIO) -> int:
    """One row per measurement with its verdict, after a header. Gives the number of rows."""
    return _write(COLUMNS, (_measurement(m, verdict) for m, verdict in rows), out)


def write_steps(measurements: Iterable[Measurement], out: TextIO) -> int:
    """One row per step; times are seconds since ``started``, ``detail`` is JSON."""
    return _write(STEP_COLUMNS, (_step(m, step) for m in measurements for step in m.steps), out)


def write_verdicts(verdicts: Iterable[Verdict], out: TextIO) -> int:
    """One row per verdict; the ids of its evidence are separated by spaces."""
    return _write(VERDICT_COLUMNS, map(_verdict, verdicts), out)


def measurement_rows(rows: Iterable[tuple[Measurement, Judged | None]]) -> str:
    """The same without a header, as text: for whoever sends rows piece by piece."""
    return _text(_measurement(m, verdict) for m, verdict in rows)


def verdict_rows(verdicts: Iterable[Verdict]) -> str:
    """Likewise."""
    return _text(map(_verdict, verdicts))


def _text(rows: Iterable[Iterable[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _write(header: tuple[str, ...], rows: Iterable[Iterable[object]], out: TextIO) -> int:
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    count = 0
    for row in rows:
        writer.writerow(row)
        count += 1
    return count


def _measurement(m: Measurement, verdict: Judged | None) -> tuple[object, ...]:
    outcome, mechanism, locus, rule, control_outcome = verdict or _NOT_JUDGED
    by = deciding(m)
    lookup = lookup_of(m, by)
    times = timings_of(by, lookup)
    steps = by.steps if by else ()
    hop = last_hop(steps)
    failed = by.failed if by else None
    vantage, target = m.vantage, m.target
    return (
        rfc3339(m.started),
        text(vantage.id),
        text(vantage.country),
        vantage.asn,
        vantage.network,
        text(target.service),
        text(target.feature),
        text(target.id),
        text(target.url),
        text(m.check),
        text(next((step.address for step in steps if step.address), None)),
        outcome,
        text(mechanism),
        locus,
        text(rule),
        text(failed.failure) if failed else None,
        text(failed.op) if failed else None,
        _ms(times.dns),
        _ms(times.connect),
        _ms(times.tls),
        _ms(times.first_byte),
        _ms(times.total),
        number(first(hop, "transfer"), "bytes"),
        number(first(hop, "http_response"), "status"),
        _resolver(lookup),
        m.covered,
        control_outcome,
        m.trial,
        text(m.origin),
        m.role,
        text(m.cycle),
        text(m.invalid),
        text(m.id),
    )


def _step(m: Measurement, step: Step) -> tuple[object, ...]:
    return (
        text(m.id),
        rfc3339(m.started),
        text(m.target.id),
        text(step.op),
        step.transaction,
        text(step.address),
        f"{step.t0:.6f}",
        f"{step.t:.6f}",
        text(step.failure),
        msgspec.json.encode(step.detail).decode(),
    )


def _verdict(v: Verdict) -> tuple[object, ...]:
    members = v.members
    return (
        rfc3339(v.at),
        text(v.vantage.id),
        text(v.vantage.country),
        v.vantage.asn,
        v.vantage.network,
        text(v.service),
        text(v.feature),
        text(v.target),
        text(v.url),
        v.outcome,
        text(v.mechanism),
        v.locus,
        text(v.rule),
        v.rules,
        v.covered,
        v.control.outcome,
        text(v.policy),
        members.ok if members else None,
        members.failed if members else None,
        None if v.partial is None else str(v.partial).lower(),
        text(v.note),
        text(v.cycle),
        text(v.id),
        text(" ".join(v.evidence)),
    )


def text(value: str | None) -> str | None:
    """The text as a cell that no spreadsheet runs."""
    return f"'{value}" if value and value[0] in _FORMULA else value


def _ms(milliseconds: float | None) -> str | None:
    return None if milliseconds is None else f"{milliseconds:.3f}"


def _resolver(lookup: Deciding | None) -> str | None:
    if lookup is None:
        return None
    found = (step.detail.get("resolver") for step in lookup.steps)
    return text(next((name for name in found if isinstance(name, str)), None))

"""The columns of sealed days: typed ones for whoever reads them, and SQL for the way back.

``record.rows`` says what goes into them. ``docs/data-format.md`` describes every column.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from probe.core.times import utc_day
from probe.record.codec import decode_event, decode_measurement, decode_verdict
from probe.record.rows import Row, split_event, split_measurement, split_verdict


@dataclass(frozen=True, slots=True)
class Columns:
    """How records of one kind lie in columns.

    ``types`` are DuckDB's; ``moment`` is the column with a record's time; ``text`` is SQL that
    makes the record's line again. ``day`` is the UTC day of a record. ``split`` makes a row of a
    line, with its day; BadLineError if it is no record.
    """

    types: dict[str, str]
    moment: str
    text: str
    decode: Callable[[bytes], Any]
    day: Callable[[Any], str]
    split: Callable[[bytes], tuple[Row, str]]


def string_text(name: str) -> str:
    """SQL for a column of text, or a list of texts, as JSON."""
    return f"coalesce(to_json(\"{name}\")::VARCHAR, 'null')"


def plain_text(name: str) -> str:
    """SQL for a number, or true and false, as JSON."""
    return f"coalesce(\"{name}\"::VARCHAR, 'null')"


def instant_text(name: str) -> str:
    """SQL for an instant as files hold it."""
    return f'strftime(make_timestamp(epoch_us("{name}")), \'"%Y-%m-%dT%H:%M:%S.%fZ"\')'


def object_text(**parts: str) -> str:
    """SQL for the text of a JSON object, its values given as SQL for their text."""
    pairs = (f"'\"{name}\":' || {value}" for name, value in parts.items())
    return "('{' || " + " || ',' || ".join(pairs) + " || '}')"


def _line_or(**parts: str) -> str:
    """SQL for a record's line: the one that was kept whole, else the object of these fields."""
    return f"coalesce(line, {object_text(**parts)})"


def _pair(name: str, first: str, second: str) -> str:
    """SQL for an object of two numbers, or null where there is none."""
    numbers = object_text(
        **{first: plain_text(f"{name}_{first}"), second: plain_text(f"{name}_{second}")}
    )
    return f"CASE WHEN {name}_{first} IS NULL THEN 'null' ELSE {numbers} END"


_VANTAGE: Final = {
    "vantage": "VARCHAR",
    "country": "VARCHAR",
    "asn": "BIGINT",
    "network": "VARCHAR",
}
VANTAGE_TEXT: Final = object_text(
    id=string_text("vantage"),
    country=string_text("country"),
    asn=plain_text("asn"),
    network=string_text("network"),
)


MEASUREMENT: Final = Columns(
    types={
        "schema": "BIGINT",
        "id": "VARCHAR",
        "run": "VARCHAR",
        "cycle": "VARCHAR",
        "started": "TIMESTAMPTZ",
        **_VANTAGE,
        "target": "VARCHAR",
        "service": "VARCHAR",
        "feature": "VARCHAR",
        "url": "VARCHAR",
        "check": "VARCHAR",
        "trial": "BIGINT",
        "origin": "VARCHAR",
        "role": "VARCHAR",
        "followup_of": "VARCHAR",
        "followup": "VARCHAR",
        "steps": "VARCHAR",
        "covered": "VARCHAR",
        "invalid": "VARCHAR",
        "software": "VARCHAR",
        "version": "VARCHAR",
        "objects": "VARCHAR[]",
        "line": "VARCHAR",
    },
    moment="started",
    text=_line_or(
        schema=plain_text("schema"),
        id=string_text("id"),
        run=string_text("run"),
        cycle=string_text("cycle"),
        started=instant_text("started"),
        vantage=VANTAGE_TEXT,
        target=object_text(
            id=string_text("target"),
            service=string_text("service"),
            feature=string_text("feature"),
            url=string_text("url"),
        ),
        check=string_text("check"),
        trial=plain_text("trial"),
        origin=string_text("origin"),
        role=string_text("role"),
        followup_of=string_text("followup_of"),
        followup=string_text("followup"),
        steps="steps",
        covered=string_text("covered"),
        invalid=string_text("invalid"),
        software=object_text(name=string_text("software"), version=string_text("version")),
    ),
    decode=decode_measurement,
    day=lambda found: utc_day(found.started),
    split=split_measurement,
)

VERDICT: Final = Columns(
    types={
        "id": "VARCHAR",
        "at": "TIMESTAMPTZ",
        "cycle": "VARCHAR",
        **_VANTAGE,
        "target": "VARCHAR",
        "service": "VARCHAR",
        "feature": "VARCHAR",
        "url": "VARCHAR",
        "outcome": "VARCHAR",
        "mechanism": "VARCHAR",
        "locus": "VARCHAR",
        "rule": "VARCHAR",
        "rules": "BIGINT",
        "covered": "VARCHAR",
        "control_ids": "VARCHAR[]",
        "control_outcome": "VARCHAR",
        "evidence": "VARCHAR[]",
        "note": "VARCHAR",
        "trials_failed": "BIGINT",
        "trials_needed": "BIGINT",
        "policy": "VARCHAR",
        "members_ok": "BIGINT",
        "members_failed": "BIGINT",
        "partial": "BOOLEAN",
        "line": "VARCHAR",
    },
    moment="at",
    text=_line_or(
        id=string_text("id"),
        at=instant_text("at"),
        cycle=string_text("cycle"),
        vantage=VANTAGE_TEXT,
        target=string_text("target"),
        service=string_text("service"),
        feature=string_text("feature"),
        url=string_text("url"),
        outcome=string_text("outcome"),
        mechanism=string_text("mechanism"),
        locus=string_text("locus"),
        rule=string_text("rule"),
        rules=plain_text("rules"),
        covered=string_text("covered"),
        control=object_text(ids=string_text("control_ids"), outcome=string_text("control_outcome")),
        evidence=string_text("evidence"),
        note=string_text("note"),
        trials=_pair("trials", "failed", "needed"),
        policy=string_text("policy"),
        members=_pair("members", "ok", "failed"),
        partial=plain_text("partial"),
    ),
    decode=decode_verdict,
    day=lambda found: utc_day(found.at),
    split=split_verdict,
)

EVENT: Final = Columns(
    types={"at": "TIMESTAMPTZ", "event": "VARCHAR", "vantage": "VARCHAR", "detail": "VARCHAR"},
    moment="at",
    text=(
        "'{\"at\":' || "
        + instant_text("at")
        + " || ',\"event\":' || "
        + string_text("event")
        + " || ',\"vantage\":' || "
        + string_text("vantage")
        + " || CASE WHEN detail = '{}' THEN '}' ELSE ',' || substr(detail, 2) END"
    ),
    decode=decode_event,
    day=lambda found: utc_day(found.at),
    split=split_event,
)

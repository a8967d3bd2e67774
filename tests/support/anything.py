"""Records of every kind with anything in them, for tests with hypothesis."""

from datetime import UTC, datetime
from typing import get_args

from hypothesis import strategies as st

from probe.core import model
from probe.core.model import (
    Control,
    Event,
    Measurement,
    Members,
    Software,
    Step,
    Target,
    Vantage,
    Verdict,
)

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
maybe = st.none() | text
numbers = st.integers(-(2**63), 2**64 - 1)
finite = st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | finite | text
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
details = st.dictionaries(text, json_values, max_size=4)
instants = st.datetimes(datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
LAST = datetime.max.replace(tzinfo=UTC)


def one_of(literal: object) -> st.SearchStrategy[str]:
    return st.sampled_from(get_args(literal))


vantages = st.builds(
    Vantage,
    id=text,
    country=text,
    asn=st.none() | numbers,
    network=st.none() | one_of(model.Network),
)
steps = st.builds(
    Step,
    op=text,
    transaction=numbers,
    address=maybe,
    t0=finite,
    t=finite,
    failure=maybe,
    detail=details,
)
measurements = st.builds(
    Measurement,
    id=text,
    run=text,
    cycle=text,
    started=instants,
    vantage=vantages,
    target=st.builds(Target, id=text, service=text, feature=text, url=text),
    check=text,
    trial=numbers,
    origin=text,
    role=one_of(model.Role),
    followup_of=maybe,
    steps=st.lists(steps, max_size=3).map(tuple),
    covered=one_of(model.Covered),
    invalid=maybe,
    software=st.builds(Software, name=text, version=text),
)
ids = st.lists(text, max_size=3).map(tuple)
outcomes = one_of(model.Outcome)
verdicts = st.builds(
    Verdict,
    id=text,
    at=instants,
    cycle=text,
    vantage=vantages,
    target=maybe,
    service=text,
    feature=text,
    url=maybe,
    outcome=outcomes,
    mechanism=maybe,
    locus=st.none() | one_of(model.Locus),
    rule=text,
    rules=numbers,
    covered=one_of(model.Covered),
    control=st.builds(Control, ids=ids, outcome=st.none() | outcomes),
    evidence=ids,
    note=maybe,
    policy=maybe,
    members=st.none() | st.builds(Members, ok=numbers, failed=numbers),
    partial=st.none() | st.booleans(),
)
event_details = details.filter(lambda detail: not detail.keys() & {"at", "event", "vantage"})
events = st.builds(Event, at=instants, event=text, vantage=text, detail=event_details)

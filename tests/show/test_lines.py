"""probe.show.lines: JSON that other programs read, whatever the number of records."""

import io
import json
from datetime import UTC, datetime

import pytest

from probe.core.model import Event
from probe.show.lines import write_json, write_jsonl

AT = datetime(2017, 7, 18, tzinfo=UTC)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_both_forms_hold_every_record(count: int) -> None:
    events = [Event(at=AT, event=f"e{n}", vantage="é\n") for n in range(count)]
    lines, array = io.StringIO(), io.StringIO()
    assert write_jsonl(iter(events), lines) == write_json(iter(events), array) == count
    expected = [
        {"at": "2017-07-18T00:00:00.000000Z", "event": f"e{n}", "vantage": "é\n"}
        for n in range(count)
    ]
    assert [json.loads(line) for line in lines.getvalue().splitlines()] == expected
    assert json.loads(array.getvalue()) == expected
    assert array.getvalue().endswith("]\n")

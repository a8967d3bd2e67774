"""probe.checks.expect: an answer is held against what it has to be."""

import pytest
from pydantic import ValidationError

from probe.checks.expect import Expect
from probe.core.failure import NamedFailure
from probe.wire.http1 import Head

HEAD = Head(200, "OK", (("content-type", "text/html; charset=utf-8"), ("server", "nginx")))
BODY = "<title>Wëlcome</title>".encode()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"status": 200},
        {"status": [200, 204]},
        {"body": "Wëlcome"},
        {"header": {"Content-Type": "text/html"}},
        {"status": 200, "body": "title", "header": {"SERVER": "nginx"}},
    ],
)
def test_an_answer_as_expected_passes(options: dict) -> None:
    expect = Expect(**options)
    expect.hold(HEAD, BODY)
    assert expect.met(HEAD, BODY)


@pytest.mark.parametrize(
    ("options", "failure"),
    [
        ({"status": 204}, "http_unexpected_status_code"),
        ({"header": {"server": "apache"}}, "unknown_failure: header server is not as expected"),
        ({"header": {"x-none": "x"}}, "unknown_failure: header x-none is not as expected"),
        ({"body": "Goodbye"}, "unknown_failure: the body lacks the expected text"),
        ({"status": 204, "body": "Goodbye"}, "http_unexpected_status_code"),
    ],
)
def test_any_other_answer_has_a_failures_name(options: dict, failure: str) -> None:
    expect = Expect(**options)
    with pytest.raises(NamedFailure) as caught:
        expect.hold(HEAD, BODY)
    assert caught.value.name == failure
    assert not expect.met(HEAD, BODY)


@pytest.mark.parametrize("options", [{"satus": 200}, {"status": "ok"}, {"header": ["x"]}])
def test_a_misspelt_expectation_is_refused(options: dict) -> None:
    with pytest.raises(ValidationError):
        Expect(**options)

"""probe.judge.pages: what an answer was, and whether another one was of the same kind."""

import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.records import measured, resolve, step

from probe.core.model import Step
from probe.judge.pages import LOOKED_AT, PageFacts, differs, page_of

DIGEST = "5" * 64


def page(
    title: str = "", length: int | None = 1000, status: int | None = 200, body: bytes | None = None
) -> PageFacts:
    kept = f"<html><title>{title}</title>".encode() if title else b"<html>"
    return PageFacts(status, (), kept if body is None else body, length)


def answer(
    status: Any = 200, headers: Any = (), transaction: int = 2, **transfer: Any
) -> list[Step]:
    head = step("http_response", transaction, status=status, headers=headers)
    return [head, step("transfer", transaction, **transfer)]


def of(*steps: Step, bodies: Mapping[str, bytes] | None = None) -> PageFacts | None:
    return page_of(measured("http", [resolve(), step("connect", 2), *steps]), bodies or {})


def test_a_page_is_read_from_the_deciding_transactions_response_and_transfer() -> None:
    failed = step("connect", 2, "connection_refused")
    steps = answer(
        403, [["Server", "x"]], 3, bytes=7, complete=True, body=DIGEST, progress=[], limit=9
    )
    found = page_of(measured("http", [resolve(), failed, *steps]), {DIGEST: b"<title>"})
    assert found == PageFacts(403, (("server", "x"),), b"<title>", 7)


def test_no_response_is_no_page() -> None:
    assert page_of(measured("http", []), {}) is None
    assert of(step("http_response", 2, "generic_timeout_error")) is None


def test_a_body_that_was_not_kept_or_is_lost_is_empty() -> None:
    assert of(*answer(bytes=5, complete=True)).body == b""
    assert of(*answer(bytes=5, complete=True, body=DIGEST)).body == b""


def test_after_a_redirect_that_was_followed_the_last_page_counts_and_the_way_is_kept() -> None:
    first = answer(302, [["location", "http://warning.example/x"], ["server", "a"]])
    last = answer(200, [["location", "/later"], ["server", "b"]], bytes=3, complete=True)
    found = of(*first, *last)
    assert found.status == 200
    assert found.header("server") == ("b",)
    assert found.location_host == "warning.example"


@pytest.mark.parametrize(
    ("transfer", "headers", "length"),
    [
        ({"bytes": 10, "complete": True}, [], 10),
        ({"bytes": 10, "complete": True}, [["content-length", "99"]], 10),
        ({"bytes": 10, "complete": False}, [["content-length", "99"]], 99),
        ({"bytes": 10, "complete": False}, [], None),
        ({}, [["content-length", " 99 "]], 99),
        ({}, [["content-length", "-1"]], None),
        ({}, [["content-length", "٣"]], None),
        ({}, [["content-length", "9" * 5000]], None),
        ({"bytes": True, "complete": True}, [], None),
    ],
)
def test_the_length_is_what_came_or_what_was_promised(
    transfer: dict[str, Any], headers: list[Any], length: int | None
) -> None:
    assert of(*answer(200, headers, **transfer)).length == length


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (b"<TITLE lang=x>\n Blocked \t&amp; gone\n</TITLE>", "Blocked & gone"),
        (b"<title></title><title>second</title>", ""),
        (b"<title>open", "open"),
        (b"no title", ""),
        ("<title>Доступ</title>".encode(), "Доступ"),
        (b'<meta charset="windows-1251"><title>\xc4\xee\xf1\xf2\xf3\xef</title>', "Доступ"),
        (b"<meta charset=rot13><title>\xc4x</title>", "\ufffdx"),
        (b"<title>" + b"x" * 5000, "x" * 1000),
        (b"x" * LOOKED_AT + b"<title>too late</title>", ""),
    ],
)
def test_the_title_is_found_decoded_and_bounded(body: bytes, title: str) -> None:
    assert page(body=body).title == title


def test_the_charset_of_the_header_comes_before_that_of_the_page() -> None:
    body = b"<meta charset=utf-8><title>\xc4\xee</title>"
    assert PageFacts(200, (("content-type", "text/html; charset=CP1251"),), body, 1).title != "До"
    headers = (("content-type", "text/html; charset=Windows-1251"),)
    assert PageFacts(200, headers, body, 1).title == "До"


@pytest.mark.parametrize(
    ("location", "host"),
    [
        ("http://Warning.RT.ru/?id=1", "warning.rt.ru"),
        ("//block.example:8080/", "block.example"),
        ("https://[2001:db8::1]/", "2001:db8::1"),
        ("/here", None),
        ("http://[broken/", None),
        ("", None),
    ],
)
def test_a_redirects_host_is_found(location: str, host: str | None) -> None:
    assert PageFacts(302, (("location", location),), b"", 0).location_host == host


@pytest.mark.parametrize(
    ("here", "there", "result"),
    [
        (page("Shop"), page("Shop"), False),
        (page("Shop", 100), page("Shop", 9000), False),  # the title alone is enough
        (page("Shop", 750), page("Laden", 1000), False),  # and so is the length
        (page("Blocked", 700), page("Shop", 1000), True),  # a ratio of 0.7 is no match
        (page("Blocked", 300), page("Shop", 9000), True),
        (page("", 300), page("Shop", 9000), True),
        (page("", 300), page("", 9000), True),
        (page("Blocked", 300, 403), page("Shop", 9000), True),
        (page("Shop", 1000, 403), page("Shop", 1000), None),  # the status alone
        (page("Blocked", None), page("Shop", 9000), None),
        (page("Shop", None), page("Shop", None), False),
        (page("Shop", status=None), page("Shop", status=None), None),
        (page(body=b"", length=300), page("Shop", 9000), None),  # a body that was not kept
        (page(body=b"", length=0, status=302), page("Shop", 9000), True),
        (page(body=b"", length=0), page(body=b"", length=0), False),
    ],
)
def test_pages_differ_only_if_neither_length_nor_title_is_alike(
    here: PageFacts, there: PageFacts, result: bool | None
) -> None:
    assert differs(here, there) is result
    assert differs(there, here) is result


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["location", "content-length", "content-type"]),
        st.text(max_size=40) | st.sampled_from(["http://[", "text/html; charset=idna", "1e9"]),
    ),
    max_size=3,
)


@given(JUNK, JUNK | HEADERS, st.dictionaries(st.sampled_from(["bytes", "complete", "body"]), JUNK))
def test_nothing_that_a_stored_measurement_may_hold_breaks_it(
    status: Any, headers: Any, transfer: dict[str, Any]
) -> None:
    found = of(*answer(status, headers, **transfer))
    if found is not None:
        assert isinstance(found.status, int)
        assert differs(found, found) in {False, None}
        assert found.location_host is None or isinstance(found.location_host, str)


MARKUP = [
    b"<title",
    b">",
    b"<",
    b"</title>",
    b"charset=",
    b"&#x110000;",
    b"&#",
    b"\xff",
    b"windows-1251",
]


@given(st.binary(max_size=200) | st.lists(st.sampled_from(MARKUP), max_size=60).map(b"".join))
def test_no_body_breaks_it(body: bytes) -> None:
    found = page(body=body)
    assert len(found.title) <= 2000
    assert found.title == " ".join(found.title.split())


@pytest.mark.parametrize("piece", MARKUP)
def test_a_large_hostile_body_is_read_in_bounded_time(piece: bytes) -> None:
    began = time.process_time()
    assert len(page(body=piece * (1024 * 1024 // len(piece))).title) <= 2000
    assert time.process_time() - began < 0.5

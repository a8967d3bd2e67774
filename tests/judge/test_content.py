"""probe.judge.content: whose page it is."""

from dataclasses import replace
from typing import Any

import pytest
from support.cases import (
    BLOCKED_PAGE,
    HOST_OK,
    KNOWN,
    PAGE,
    control,
    evidence,
    follow,
    page,
    trials,
)
from support.records import https, measured, step

from probe.core.model import Measurement
from probe.judge import content
from probe.judge import followups as f
from probe.judge.evidence import Evidence
from probe.judge.verdict import rule_for

BODIES = {"p": b"<title>Something</title>", "q": b"<title>Another</title>", "b": BLOCKED_PAGE}


def plain(*answer: Any, **more: Any) -> Evidence:
    some = trials(answer or page(), 1, "http", target=PAGE)
    return evidence(some, **{"bodies": BODIES, "knowledge": KNOWN, **more})


def there(*answers: Any) -> dict[str, tuple[Measurement, ...]]:
    return control(list(answers) or page(), check="http", target=PAGE)


def test_a_known_block_page_is_proof_over_plain_http_only() -> None:
    assert content.known_page(plain(*page(200, "b")))
    assert not content.known_page(plain(*page(200, "p")))
    secure = https()
    secure[4:] = [step("http_response", 2, status=200, headers=[])]
    secure.append(step("transfer", 2, bytes=9, complete=True, body="b"))
    proven = evidence((measured(steps=secure),), bodies=BODIES, knowledge=KNOWN)
    assert not content.known_page(proven)
    assert rule_for(proven).id == "answered"


def test_a_page_whose_body_is_gone_is_not_known() -> None:
    assert not content.known_page(plain(*page(200, "b"), bodies={}))


@pytest.mark.parametrize(
    ("length", "title", "differs"),
    [
        (300, "q", True),
        (300, "p", False),  # of another length, with the same title
        (5000, "q", False),  # another title, and as long
    ],
)
def test_a_page_differs_when_neither_length_nor_title_agree(
    length: int, title: str, differs: bool
) -> None:
    found = plain(*page(body="p", length=5000), **there(*page(body=title, length=length)))
    assert content.differs_from_controls(found) is differs
    assert (rule_for(found).id == "page-differs") is differs


def test_without_a_control_that_counts_no_page_differs() -> None:
    here = page(body="p", length=5000)
    assert not content.differs_from_controls(plain(*here))
    sick = {**there(*page(body="q", length=300)), "control_anchors": ()}
    assert rule_for(plain(*here, **sick)).id == "answered-unverified"


@pytest.mark.parametrize(
    ("here", "other", "only_here"),
    [
        (403, 200, True),
        (451, 404, True),
        (403, 403, False),
        (403, 451, False),
        (404, 200, False),
        (200, 403, False),
    ],
)
def test_a_refusal_counts_where_no_control_is_refused(
    here: int, other: int, only_here: bool
) -> None:
    assert content.refused_only_here(plain(*page(here), **there(*page(other)))) is only_here
    assert not content.refused_only_here(plain(*page(here)))


@pytest.mark.parametrize(
    ("here", "other", "only_here"), [(502, 200, True), (502, 503, False), (404, 200, False)]
)
def test_a_server_error_counts_where_no_control_gets_one(
    here: int, other: int, only_here: bool
) -> None:
    assert content.server_error_only_here(plain(*page(here), **there(*page(other)))) is only_here
    assert not content.server_error_only_here(plain(*page(here)))


def test_a_refusal_over_plain_http_is_the_server_s_only_when_the_path_is_shown_to_be_clean() -> (
    None
):
    once = plain(*page(403), **there())
    refusal = replace(once, trials=(*once.trials, replace(once.trials[0], trial=2)))
    assert rule_for(refusal).id == "page-differs"
    clean = (HOST_OK, follow(f.HOST_AT_DECOY, [*page(), step("expect")], 1, "http"))
    shown = replace(refusal, followups=clean)
    assert rule_for(shown).id == "denied-here"


@pytest.mark.parametrize(
    ("status", "node"), [(200, "http.blockpage"), (302, "http.redirect"), (403, "http.blockpage")]
)
def test_the_node_is_what_was_put_in_the_page_s_place(status: int, node: str) -> None:
    assert content.foreign_node(plain(*page(status))) == node
    foreign = follow(f.HOST_AT_DECOY, [*page(status), step("expect", 1, "x")], 1, "http")
    assert content.foreign_node(plain(followups=(HOST_OK, foreign))) == node


def test_where_no_response_came_there_is_no_page() -> None:
    bare = plain(*page()[:2], step("http_response", 1, "connection_reset"))
    assert (content.page(bare), content.status(bare)) == (None, None)

"""Answers over plain HTTP, which anyone on the path can write: whose page is this?

A page accuses only if it is a known block page, or if the decoy, asked for the same name, drew a
page that is not its own. That a page differs from the control's is a reason to look closer and no
more: sites differ by country, language and visitor.
"""

from typing import Final

from probe.judge.controls import valid
from probe.judge.deciding import HANDSHAKES, deciding
from probe.judge.decoy import foreign_page
from probe.judge.evidence import Evidence
from probe.judge.knowledge import PageFingerprint
from probe.judge.pages import PageFacts, alike, differs, page_of

REFUSALS: Final = frozenset({401, 402, 403, 407, 451})  # RFC 9110 section 15.5, RFC 7725
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def page(evidence: Evidence) -> PageFacts | None:
    """What was answered here, if it came to an HTTP response."""
    return page_of(evidence.trial, evidence.bodies)


def status(evidence: Evidence) -> int | None:
    """The HTTP status that was answered here."""
    found = page(evidence)
    return found.status if found else None


def known_page(evidence: Evidence) -> PageFingerprint | None:
    """The block page that this is, if it proves blocking: over plain HTTP, scoped, and with no
    known false positive."""
    found = page(evidence)
    steps = evidence.decided.steps if evidence.decided else ()
    if found is None or any(step.op in HANDSHAKES for step in steps):
        return None
    country = evidence.trial.vantage.country
    match = evidence.knowledge.page(found, country)
    return match if match is not None and match.proves(country) else None


def differs_from_controls(evidence: Evidence) -> bool:
    """The generic test: neither length nor title is like that at any control that counts."""
    here = page(evidence)
    there = [page_of(control.measurement, evidence.bodies) for control in valid(evidence)]
    compared = [differs(here, other) for other in there if here is not None and other is not None]
    return bool(compared) and all(result is True for result in compared)


def unlike_controls(evidence: Evidence) -> bool:
    """Whether anything tells the answer from those at the controls: reason to ask the decoy.

    A block page may be as long as the page that it replaces.
    """
    here = page(evidence)
    there = [page_of(control.measurement, evidence.bodies) for control in valid(evidence)]
    compared = [alike(here, other) for other in there if here is not None and other is not None]
    return bool(compared) and not any(compared)


def refused_only_here(evidence: Evidence) -> bool:
    """Whether the answer here is a refusal, and at no control that counts."""
    there = [page_of(control.measurement, evidence.bodies) for control in valid(evidence)]
    found = {other.status for other in there if other is not None}
    return status(evidence) in REFUSALS and bool(found) and not found & REFUSALS


def server_error_only_here(evidence: Evidence) -> bool:
    """Whether the server said here that it has an error of its own."""
    there = [page_of(control.measurement, evidence.bodies) for control in valid(evidence)]
    codes = [other.status for other in there if other is not None and other.status is not None]
    here = status(evidence)
    return here is not None and here >= 500 and bool(codes) and all(code < 500 for code in codes)


def foreign_node(evidence: Evidence) -> str:
    """What the path put in the page's place: a redirect or a page."""
    measurement = foreign_page(evidence) or evidence.trial
    decided = deciding(measurement)
    statuses = [
        step.detail.get("status")
        for step in (decided.steps if decided else ())
        if step.op == "http_response"
    ]
    redirected = bool(statuses) and statuses[-1] in _REDIRECTS
    return "http.redirect" if redirected else "http.blockpage"

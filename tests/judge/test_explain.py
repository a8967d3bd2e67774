"""probe.judge.explain: the chain from facts to conclusion, in words."""

from dataclasses import replace

import pytest
from support.cases import RESET, both, cases, control, evidence, trials
from support.records import https, measured, resolve, step, verdict
from support.virtual import DAY

from probe.judge import followups as f
from probe.judge.evidence import Evidence
from probe.judge.explain import _KINDS, explain, headline, rule_named, told
from probe.judge.rules import RULES, TABLE
from probe.judge.verdict import judge


def parts(case: Evidence) -> dict[str, str]:
    return {part.heading: "\n".join(part.lines) for part in explain(judge(case, DAY), case)}


@pytest.mark.parametrize("name", cases())
def test_every_rule_is_explained_with_its_reason_and_what_would_have_changed_it(name: str) -> None:
    case = cases()[name]
    rule = next(rule for rule in TABLE if rule.id == name)
    said = parts(case)["the rule"]
    assert f"{name} (version {RULES}): {rule.outcome}" in said
    assert rule.comment in said
    assert rule.otherwise in said


def test_every_kind_of_follow_up_has_words_of_its_own() -> None:
    assert _KINDS.keys() == set(f.ALL)
    assert len(set(_KINDS.values())) == len(f.ALL)


def test_what_was_seen_is_told_at_each_place() -> None:
    said = parts(cases()["sni-reset-at-decoy"])
    assert "connection_reset" in said["what was done"]
    assert "1 trial failed at the same place; 3 are needed" in said["what was done"]
    assert "a neutral server name at the decoy: answered at 198.51.100.2:443" in said["follow-ups"]
    assert "the target's server name at the decoy: the TLS handshake" in said["follow-ups"]
    assert said["the control"] == "no control was asked"


def test_every_control_is_told_with_why_it_counts_or_not() -> None:
    sick = control(RESET, id_="b", healthy=False)
    said = parts(evidence(trials(RESET), **both(control(), sick)))["the control"]
    assert "fra-1 (DE) counts" in said
    assert "fra-1: answered at 192.0.2.1:443" in said
    assert "b (DE) does not count: its own network was not in order" in said


def test_a_further_answer_and_a_neighbour_are_mentioned() -> None:
    assert "1 further answer came" in parts(cases()["dns-two-answers"])["what was done"]
    said = parts(cases()["residual-of-another"])["follow-ups"]
    assert "other had failed at the same address" in said


def test_a_success_is_not_reproached_for_what_was_not_asked() -> None:
    said = parts(evidence((measured(steps=https()),), ()))
    assert said.keys() == {"what was done", "the rule"}


@pytest.mark.parametrize(
    ("steps", "text"),
    [
        ([step("connect", address="192.0.2.1:9")], "answered at 192.0.2.1:9 after 0.10 s"),
        ([resolve("dns_nxdomain_error")], "asking the resolver failed after 0.10 s: dns_nxdomain"),
        ([replace(step("connect"), t=0.0123)], "after 12 ms"),
        ([], "nothing was done"),
        ([step("wireguard_initiation", 1, "generic_timeout_error")], "wireguard initiation at"),
    ],
)
def test_a_measurement_is_told_in_a_clause(steps: list, text: str) -> None:
    assert text in told(measured("tcp", steps))


def test_a_transfer_tells_how_far_it_came_and_our_own_error_is_told_as_ours() -> None:
    cut = [*https("http_response")[:5], step("transfer", 2, "generic_timeout_error", bytes=17000)]
    assert told(measured(steps=cut)).endswith("generic_timeout_error, 17000 bytes")
    assert told(measured(steps=https(), invalid="a bug")) == "could not be measured: a bug"
    assert told(measured(steps=https()[:2])) == "broke off at 192.0.2.1:443"


def test_a_verdict_of_another_version_is_told_so() -> None:
    case = cases()["failed-control-fine"]
    old = replace(judge(case, DAY), rules=RULES - 1)
    last = explain(old, case)[-1]
    assert any("--recompute" in line for line in last.lines)
    gone = replace(old, rule="a-rule-of-old")
    assert explain(gone, case)[-1].lines == (f"a-rule-of-old (version {RULES - 1})",)
    assert rule_named("a-rule-of-old") is None


def test_the_headline_names_target_or_feature() -> None:
    assert headline(verdict("shop", "blocked", mechanism="tls.reset")) == (
        "shop: blocked (tls.reset)"
    )
    assert headline(verdict(None)) == "shop web: ok"

"""probe.judge.patterns: regular expressions that cannot be made to take long."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.judge.patterns import refuse_slow


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(a+)+b", "upper bound"),
        ("a*", "upper bound"),
        ("a{2,}", "upper bound"),
        ("a{,5}", "upper bound"),
        ("a{1000}", "upper bound"),
        ("x*?", "upper bound"),
        ("(?:ab){1,3}", "group cannot be repeated"),
        ("(?i)a", "only"),
        ("(?=a)b", "only"),
        ("(?P<n>a)", "only"),
        (r"(a)\1", "references"),
        ("(?:a|b)" * 10, "too long"),
        ("a{0,30}" * 2, "too long"),
        ("a?" * 10, "too long"),
    ],
)
def test_an_expression_whose_work_could_grow_is_refused(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        refuse_slow(pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        r"plain text, escaped: \*\+\{\?",
        "[*+{|?]",
        "[]*]",
        "[^]*]",
        r"[\]*]",
        "a{0,80}b",
        "a{999}",
        "(?:a|b)?c",
        r"10\.10\.34\.3[3-6]",
    ],
)
def test_an_expression_with_bounds_is_allowed(pattern: str) -> None:
    refuse_slow(pattern)
    re.compile(pattern)


@pytest.mark.parametrize("pattern", ["[[a]", "[a--b]", "[a&&b]", "[a~~b]", "[a||b]"])
def test_what_may_become_an_operation_on_sets_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="inside a set"):
        refuse_slow(pattern)


@given(st.text("ab()[]{}|?*+.\\^$01,9:", max_size=30))
def test_whatever_is_allowed_is_quick_on_a_hostile_text(pattern: str) -> None:
    try:
        refuse_slow(pattern)
        compiled = re.compile(pattern)
    except (ValueError, re.error):
        return
    began = time.process_time()
    compiled.search("ab" * 512 + "a" * 1024)
    assert time.process_time() - began < 0.5


def test_the_worst_that_is_allowed_takes_less_than_a_second_for_32_kib() -> None:
    began = time.process_time()
    refuse_slow("a{0,255}a?b")
    assert re.search("a{0,255}a?b", "a" * 32 * 1024) is None
    assert time.process_time() - began < 1

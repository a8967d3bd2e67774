"""probe.show.terminal: text from a server moves no cursor."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.show.terminal import safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("e1.whatsapp.net", "e1.whatsapp.net"),
        ("微信 пример é", "微信 пример é"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # Persian is written with joiners
        ("a\nb\tc\rd", r"a\nb\tc\rd"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("\x9b31m\x7f", r"\x9b31m\x7f"),
        ("safe\u202eexe.txt", r"safe\u202eexe.txt"),
        ("\u2066a\u2069\u200f\ufeff", r"\u2066a\u2069\u200f\ufeff"),
        ("a\u2028b", r"a\u2028b"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_only_what_acts_on_a_terminal_is_made_visible(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text(st.characters()))
def test_nothing_unsafe_is_left_in_any_text(text: str) -> None:
    left = {unicodedata.category(c) for c in safe(text) if c not in "\u200c\u200d"}
    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    assert len(safe(text).splitlines()) <= 1

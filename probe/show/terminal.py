"""Text from servers and files, made harmless for a terminal."""

import unicodedata
from typing import Final

# Control and format characters (bidi overrides among them), surrogates, and line separators:
# all can move the cursor, reorder what is read, or hide it.
_UNSAFE: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_JOINERS: Final = frozenset("\u200c\u200d")  # Persian and Indic words are written with them


def safe(text: str) -> str:
    """The text on one line, with every character that could act on a terminal made visible.

    An escape character becomes ``\\x1b``. Markup of any library is not touched.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character in _JOINERS or unicodedata.category(character) not in _UNSAFE:
        return character
    return character.encode("unicode_escape").decode()

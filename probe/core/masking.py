"""Keeps secrets that stand in a URL out of everything that is shown or stored."""

import re
from typing import Final
from urllib.parse import unquote_plus

MASK: Final = "***"

# A password with a slash in it is no valid URL, but must not show in the message that says so.
_USERINFO: Final = re.compile(r"(?<=://)[^/?#\s]*(?::(?!\d*[/?#])\S*)?@")
# A whole access key of Shadowsocks in base64 (ss://…), which has its host inside.
_ACCESS_KEY: Final = re.compile(r"(?<![\w+.-])ss://(?![^/?#\s]*@)[^?#\s]+", re.IGNORECASE)
_SECRET: Final = re.compile(
    r"(?P<key>(?:^|[?&;#])(?:cert|[^=&?#]*(?:token|secret|passw|password|pwd|apikey|api_key|auth|signature"
    r"|private_key|psk|session)[^=&?#]*)=)[^&#;\s]*",
    re.IGNORECASE,
)


def mask(text: str) -> str:
    """A URL, or a path with its query, without user names, passwords, tokens and keys."""
    text = _ACCESS_KEY.sub(f"ss://{MASK}", _USERINFO.sub(f"{MASK}@", text))
    return _SECRET.sub(rf"\g<key>{MASK}", text)


def secrets_in(text: str) -> set[str]:
    """The values that ``mask`` hides in a query, as they stand there and decoded: a server that
    repeats what it was asked repeats them too."""
    values = {match[0].removeprefix(match["key"]) for match in _SECRET.finditer(text)}
    return {each for value in values for each in (value, unquote_plus(value)) if each}

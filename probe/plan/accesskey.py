"""Access keys of Shadowsocks servers, as Outline and others hand them out: ``ss://…``.

Two forms are in use. That of SIP002 has the method and the password before the ``@``, in base64 or
spelt out; the older one is base64 as a whole. A name may follow after ``#``. The whole key is a
secret: no error repeats any of it but the host.
"""

import base64
import binascii
import re
from typing import Final
from urllib.parse import parse_qs, quote, unquote

SCHEME: Final = "ss"
_MOST: Final = 4096  # characters
_WHERE: Final = re.compile(r"[\w.-]+:\d+|\[[0-9A-Fa-f:.]+\]:\d+")


def is_access_key(text: str) -> bool:
    """Whether this is one, or is meant to be."""
    return text.strip().lower().startswith(f"{SCHEME}://")


def read_access_key(text: str, shown: str) -> str:
    """The target's URL, ``shadowsocks://method:password@host:port``.

    ValueError, in which ``shown`` stands for the key, for what is no such key, and for one whose
    server wants a plugin.
    """
    bare, _, _name = text.strip()[len(f"{SCHEME}://") :].partition("#")
    rest, _, query = bare.partition("?")
    plugin = parse_qs(query).get("plugin", [""])[0].partition(";")[0]
    if plugin:
        raise ValueError(f"'{shown}': its server wants the plugin '{plugin[:40]}', not spoken here")
    rest = rest.rstrip("/")
    login, at, where = rest.rpartition("@")
    if not at:
        login, _, where = _decoded(rest).rpartition("@")
    elif ":" in unquote(login):
        login = unquote(login)
    else:
        login = _decoded(unquote(login))
    method, colon, password = login.partition(":")
    if not colon or not password or not _WHERE.fullmatch(where) or len(text) > _MOST:
        raise ValueError(f"'{shown}' is no access key: it holds no method, password and host")
    return f"shadowsocks://{quote(method.lower(), safe='')}:{quote(password, safe='')}@{where}"


def _decoded(text: str) -> str:
    """The text that stands here in base64, of either alphabet, filled up or not; else nothing."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""

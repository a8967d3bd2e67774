"""Trust policies, and one SSL context for each: making one costs tens of milliseconds.

Trust is the system's store (OpenSSL's default paths, ``SSL_CERT_FILE`` honoured) plus, where a
configuration or a target names one, a file of further authorities.
"""

import hashlib
import re
import ssl
from functools import cache
from pathlib import Path
from typing import NamedTuple

from probe.core.strictyaml import ConfigError


class Policy(NamedTuple):
    """What a handshake offers and demands."""

    verify: bool = True
    ca_file: str | None = None
    alpn: tuple[str, ...] = ()


class Trust:
    """Keeps the contexts; ``prepare`` makes one before anything is timed."""

    def __init__(self) -> None:
        """Start without contexts."""
        self._contexts: dict[Policy, ssl.SSLContext] = {}

    def prepare(self, policy: Policy) -> ssl.SSLContext:
        """The context of a policy, made at its first use. ConfigError if its file is unusable."""
        context = self._contexts.get(policy)
        if context is None:
            context = self._contexts[policy] = _make(policy)
        return context


def _make(policy: Policy) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if policy.ca_file is not None:
        try:
            context.load_verify_locations(policy.ca_file)
        except ssl.SSLError:
            raise ConfigError(f"{policy.ca_file}: no certificates in PEM form in it") from None
        except OSError as exc:
            raise ConfigError(f"{policy.ca_file}: {exc.strerror}") from None
    if not policy.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if policy.alpn:
        context.set_alpn_protocols(list(policy.alpn))
    return context


@cache
def public_roots() -> frozenset[str]:
    """SHA-256 of every authority that browsers trust (Mozilla's list, as certifi ships it).

    An authority beside them was added on this machine, by its owner or by somebody else.
    """
    import certifi

    text = Path(certifi.where()).read_text("ascii", "replace")
    found = re.findall("-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", text, re.DOTALL)
    return frozenset(hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest() for pem in found)

"""Trust policies, and one SSL context for each: making one costs tens of milliseconds.

Trust is the system's store (OpenSSL's default paths, ``SSL_CERT_FILE`` honoured) plus, where a
configuration or a target names one, a file of further authorities. A tunnel's TLS, which no
authority of the public vouches for, has authorities of its own in their place.
"""

import ssl
from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from probe.core.shipped import shipped
from probe.core.strictyaml import ConfigError
from probe.net.identity import Identity
from probe.net.public import authorities_in, public_roots

# What OpenVPN's clients offer by default (ssl_openssl.c, tls-cert-profile legacy).
_TUNNEL_CIPHERS: Final = "DEFAULT:!EXP:!LOW:!MEDIUM:!kDH:!kECDH:!DSS:!PSK:!SRP:!kRSA:@SECLEVEL=1"


class Policy(NamedTuple):
    """What a handshake offers and demands.

    ``authorities``, certificates in PEM form, are trusted in place of all others, and no name is
    demanded of whoever they vouch for: so it is inside a tunnel. Empty: there are none.

    ``roots`` names a shipped file of authorities (``configs/roots``), which are trusted in place of
    all others, as an app does that knows its own servers: the name is demanded as ever.

    ``identity`` is shown to a tunnel's server that asks for one.
    """

    verify: bool = True
    ca_file: str | None = None
    alpn: tuple[str, ...] = ()
    authorities: str | None = None
    roots: str | None = None
    identity: Identity | None = None


class Trust:
    """Keeps the contexts; ``prepare`` makes one before anything is timed."""

    def __init__(self) -> None:
        """Start without contexts."""
        self._contexts: dict[Policy, ssl.SSLContext] = {}
        self._named: dict[str, frozenset[str]] = {}  # by the file, the authorities in it

    def prepare(self, policy: Policy) -> ssl.SSLContext:
        """The context of a policy, made at its first use. ConfigError if its file is unusable."""
        context = self._contexts.get(policy)
        if context is None:
            context = self._contexts[policy] = _make(policy)
            if policy.ca_file is not None:
                self._named[policy.ca_file] = authorities_in(policy.ca_file)
        return context

    def beside_public(self, root: str, policy: Policy, common: str | None) -> dict[str, str | bool]:
        """What a step says of the authority that vouched for a name, if the public trusts it not.

        ``common`` is the file of authorities that all targets share. One that only this target
        names is its own: nobody was led to trust it for anything else.
        """
        if root in public_roots():
            return {}
        named = self._named.get(policy.ca_file or "", frozenset())
        own = policy.ca_file != common and root in named
        return {"private_root": root, **({"own_authority": True} if own else {})}

    def missed(
        self, chain: Sequence[bytes], name: str | None, policy: Policy, when: datetime
    ) -> dict[str, bool]:
        """What a step says of a chain without an authority here, if browsers know one."""
        common = policy.verify and policy.authorities is None and policy.roots is None
        if not common or name is None:
            return {}
        from probe.net.chains import vouched_by_public

        return {"public_authority": True} if vouched_by_public(chain, name, when) else {}


def _make(policy: Policy) -> ssl.SSLContext:
    if policy.authorities is not None:
        return _tunnel(policy.authorities, policy.identity, verify=policy.verify)
    own = str(shipped("roots", f"{policy.roots}.pem")) if policy.roots else None
    context = ssl.create_default_context(cafile=own)
    if policy.ca_file is not None and own is None:
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


def _tunnel(authorities: str, identity: Identity | None, *, verify: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers(_TUNNEL_CIPHERS)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if verify else ssl.CERT_NONE
    if authorities:
        try:
            context.load_verify_locations(cadata=authorities)
        except (ssl.SSLError, ValueError, TypeError):  # the last: it is not all ASCII
            raise ConfigError("no certificates in PEM form where authorities should be") from None
    if identity is not None:
        identity.show_in(context)
    return context


def known_roots(name: str) -> str:
    """The name of shipped authorities, as it is. ValueError if there are none of that name."""
    names = sorted(path.stem for path in shipped("roots").glob("*.pem"))
    if name not in names:
        raise ValueError(f"there are no roots '{name}'; there are {', '.join(names)}")
    return name

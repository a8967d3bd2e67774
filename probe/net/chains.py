"""Whether browsers would accept a chain of certificates that was refused here.

Loaded only when one was: what it needs takes longer to load than most checks take.
"""

import ipaddress
import warnings
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from probe.core.address import is_ip
from probe.net.public import public_list

_LONGEST: Final = 10  # certificates of a chain that are looked at
# cryptography's own errors have no common ancestor, and not all are ValueErrors.
_BROKEN: Final = (
    ValueError,
    TypeError,
    OverflowError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


def vouched_by_public(chain: Sequence[bytes], name: str, when: datetime) -> bool:
    """Whether one of them vouches for this name's certificate (DER, leaf first) at that time."""
    try:
        subject = x509.IPAddress(ipaddress.ip_address(name)) if is_ip(name) else x509.DNSName(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a server's oddities are no news for our terminal
            leaf, *others = map(x509.load_der_x509_certificate, chain[:_LONGEST])
            policy = PolicyBuilder().store(_store()).time(when)
            policy.build_server_verifier(subject).verify(leaf, others)
    except (VerificationError, *_BROKEN):
        return False
    return True


@cache
def _store() -> Store:
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for der in public_list():
            try:
                found.append(x509.load_der_x509_certificate(der))
            except _BROKEN:
                continue  # an old one, made before today's rules
    return Store(found)

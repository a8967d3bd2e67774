"""The facts of a certificate that a reader wants to see beside a failure."""

import warnings
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

from probe.core.model import JSON
from probe.core.times import rfc3339

MAX_NAMES: Final = 20
MAX_TEXT: Final = 200
# cryptography's own errors have no common ancestor, and not all are ValueErrors.
_BROKEN: Final = (
    ValueError,
    TypeError,
    OverflowError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_REMEMBERED: Final = 256  # a schedule meets the same certificates in every round


def describe(der: bytes) -> dict[str, JSON]:
    """Subject, issuer, validity and names of a DER certificate; ``unreadable`` if it is broken."""
    facts = _describe(der)
    return {**facts, "names": [*facts["names"]]} if "names" in facts else {**facts}


@lru_cache(maxsize=_REMEMBERED)
def _describe(der: bytes) -> dict[str, JSON]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a server's oddities are no news for our terminal
        try:
            certificate = x509.load_der_x509_certificate(der)
            return {
                "subject": _common_name(certificate.subject),
                "issuer": _common_name(certificate.issuer),
                "not_before": rfc3339(certificate.not_valid_before_utc),
                "not_after": rfc3339(certificate.not_valid_after_utc),
                "names": _names(certificate),
            }
        except _BROKEN as exc:
            return {"unreadable": str(exc)[:MAX_TEXT]}


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    text = found[0].value if found else name.rfc4514_string()
    return (text if isinstance(text, str) else text.decode("latin-1"))[:MAX_TEXT]


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    texts = [*names.get_values_for_type(x509.DNSName)]
    texts += [str(ip) for ip in names.get_values_for_type(x509.IPAddress)]
    return [text[:MAX_TEXT] for text in texts[:MAX_NAMES]]

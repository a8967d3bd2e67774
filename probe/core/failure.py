"""The one translator from exceptions to failure names.

The names are OONI's (github.com/ooni/spec, df-007), so that results can be compared with theirs.
Two orders matter. *errno before type*: when a peer closes inside a handshake some libraries raise
ConnectionResetError without an errno, and a classifier that looks at the class would report a
clean close as a reset, which is a false sign of interference. *Verification code before type*: an
expired and a self-signed certificate are the same exception.

``classify`` answers None for what the network did not do: a bug, or a limit of this machine. Such
an exception makes a measurement invalid; it never counts against a target.
"""

import errno
import socket
import ssl
from typing import Final

TIMEOUT: Final = "generic_timeout_error"
KERNEL_TIMEOUT: Final = "timed_out"
REFUSED: Final = "connection_refused"
RESET: Final = "connection_reset"
EOF: Final = "eof_error"
HOST_UNREACHABLE: Final = "host_unreachable"
NETWORK_UNREACHABLE: Final = "network_unreachable"
NXDOMAIN: Final = "dns_nxdomain_error"
SERVFAIL: Final = "dns_servfail_error"
DNS_REFUSED: Final = "dns_refused_error"
NO_ANSWER: Final = "dns_no_answer"
DNS_TEMPORARY: Final = "dns_temporary_failure"
DNS_MISBEHAVING: Final = "dns_server_misbehaving"
WRONG_QUERY_ID: Final = "dns_reply_with_wrong_query_id"
CERTIFICATE: Final = "ssl_invalid_certificate"
AUTHORITY: Final = "ssl_unknown_authority"
HOSTNAME: Final = "ssl_invalid_hostname"
HANDSHAKE: Final = "ssl_failed_handshake"
INCOMPATIBLE: Final = "quic_incompatible_version"
HTTP: Final = "http_request_failed"
HTTP_STATUS: Final = "http_unexpected_status_code"
INTERRUPTED: Final = "interrupted"
PERMISSION: Final = "permission_denied"
UNKNOWN: Final = "unknown_failure: "
PROXY_REFUSED: Final = f"{UNKNOWN}refused by the proxy"  # its own word: not the network's doing
CREDENTIALS: Final = f"{UNKNOWN}credentials refused"  # a tunnel's server's own word, likewise

_BY_ERRNO: Final = {
    errno.ECONNREFUSED: REFUSED,
    errno.ECONNRESET: RESET,
    # The kernel reports EPIPE once a reset has followed the peer's FIN: a reset was seen.
    errno.EPIPE: RESET,
    errno.ETIMEDOUT: KERNEL_TIMEOUT,
    errno.EHOSTUNREACH: HOST_UNREACHABLE,
    errno.EHOSTDOWN: HOST_UNREACHABLE,
    errno.ENETUNREACH: NETWORK_UNREACHABLE,
    errno.ENETDOWN: "network_down",
    errno.ENETRESET: "network_reset",
    errno.ECONNABORTED: "connection_aborted",
    errno.EAFNOSUPPORT: "address_family_not_supported",
    errno.EADDRNOTAVAIL: "address_not_available",
    errno.EACCES: PERMISSION,
    errno.EPERM: PERMISSION,
    errno.EMSGSIZE: "message_size",
    errno.EPROTONOSUPPORT: "protocol_not_supported",
    errno.EPROTOTYPE: "wrong_protocol_type",
    errno.ENOPROTOOPT: "no_protocol_option",
    errno.EINTR: INTERRUPTED,
}
# This machine ran out of something: that is never the target's failure.
_OURS: Final = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.ENOSPC, errno.EBADF}

_BY_EAI: Final = {
    socket.EAI_NONAME: NXDOMAIN,
    socket.EAI_NODATA: NO_ANSWER,
    socket.EAI_AGAIN: DNS_TEMPORARY,
    socket.EAI_FAIL: "dns_non_recoverable_failure",
}

# OpenSSL's X509_V_ERR_* codes (x509_vfy.h).
_NOT_YET_VALID, _EXPIRED = 9, 10
UNKNOWN_ISSUER: Final = {2, 18, 19, 20, 21, 27}
_WRONG_NAME: Final = {62, 64}


class EndOfStreamError(Exception):
    """The peer closed in good order (FIN) where data was due."""


class NamedFailure(Exception):  # noqa: N818  (it names what the network did, not our error)
    """A codec or a check found a failure that already has its name."""

    def __init__(self, name: str, raw: str = "") -> None:
        """Keep the failure's name, and in ``raw`` what was seen."""
        super().__init__(raw or name)
        self.name = name
        self.raw = raw


class MalformedReplyError(Exception):
    """What came is no message of the protocol that was spoken; codecs raise nothing else."""

    def __init__(self, protocol: str, raw: str = "") -> None:
        """Name the protocol, as in ``openvpn``, and say in ``raw`` what is wrong with it."""
        super().__init__(f"no {protocol} message: {raw}" if raw else f"no {protocol} message")
        self.protocol = protocol
        self.raw = raw


def classify(exc: BaseException) -> str | None:
    """The failure name of what the network did, or None when the error is our own.

    An ``unknown_failure`` text is not scrubbed here; ``Trace`` does that for all free text.
    """
    name: str | None = None
    match exc:
        case NamedFailure():
            name = exc.name
        case EndOfStreamError():
            name = EOF
        case MalformedReplyError():
            name = f"{UNKNOWN}malformed {exc.protocol} reply"
        case ssl.SSLError():
            name = _tls(exc)
        case socket.gaierror():
            name = _BY_EAI.get(exc.errno or 0, f"{UNKNOWN}{exc.strerror}")
        case OSError(errno=int(number)):
            if number not in _OURS:
                name = _BY_ERRNO.get(number, f"{UNKNOWN}{errno.errorcode.get(number, number)}")
        case TimeoutError():  # no errno: our own deadline
            name = TIMEOUT
        case ConnectionResetError():  # no errno: a library's word for a clean close
            name = EOF
    return name


def _tls(exc: ssl.SSLError) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        code = exc.verify_code
        if code in UNKNOWN_ISSUER:
            return AUTHORITY
        return HOSTNAME if code in _WRONG_NAME else CERTIFICATE
    if isinstance(exc, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return EOF
    if "UNRECOGNIZED_NAME" in (exc.reason or ""):
        return HOSTNAME
    return HANDSHAKE


def outside_validity(verify_code: int | None) -> bool:
    """Whether OpenSSL's verification code says expired or not yet valid."""
    return verify_code in {_NOT_YET_VALID, _EXPIRED}

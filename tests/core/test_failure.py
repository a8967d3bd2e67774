"""probe.core.failure: one translator, errno before type, and what is ours is nobody's failure."""

import asyncio
import errno
import os
import socket
import ssl

import pytest

from probe.core import failure
from probe.core.failure import _BY_EAI as EAI
from probe.core.failure import _BY_ERRNO as ERRNOS
from probe.core.failure import _OURS as OURS
from probe.core.failure import (
    EndOfStreamError,
    MalformedReplyError,
    NamedFailure,
    classify,
    outside_validity,
)


def of_errno(number: int) -> OSError:
    """As the kernel's errors come: Python picks the class by the number."""
    return OSError(number, os.strerror(number))


def unverified(code: int) -> ssl.SSLCertVerificationError:
    exc = ssl.SSLCertVerificationError(1, "certificate verify failed")
    exc.verify_code = code
    exc.reason = "CERTIFICATE_VERIFY_FAILED"
    return exc


def alerted(reason: str | None) -> ssl.SSLError:
    exc = ssl.SSLError(1, f"[SSL: {reason}]")
    exc.reason = reason
    return exc


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (errno.ECONNREFUSED, "connection_refused"),
        (errno.ECONNRESET, "connection_reset"),
        (errno.EPIPE, "connection_reset"),
        (errno.ETIMEDOUT, "timed_out"),
        (errno.EHOSTUNREACH, "host_unreachable"),
        (errno.ENETUNREACH, "network_unreachable"),
        (errno.ENETDOWN, "network_down"),
        (errno.EPERM, "permission_denied"),
        (errno.EINTR, "interrupted"),
        (errno.EMSGSIZE, "message_size"),
        (errno.EADDRINUSE, "unknown_failure: EADDRINUSE"),
        (99999, "unknown_failure: 99999"),
    ],
)
def test_the_kernels_error_numbers_have_names(number: int, name: str) -> None:
    assert classify(of_errno(number)) == name


@pytest.mark.parametrize("number", sorted(ERRNOS))
def test_the_number_decides_whatever_the_class(number: int) -> None:
    expected = ERRNOS[number]
    for kind in (OSError, ConnectionResetError, TimeoutError, ConnectionRefusedError):
        assert classify(kind(number, "text")) == expected


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (socket.EAI_NONAME, "dns_nxdomain_error"),
        (socket.EAI_NODATA, "dns_no_answer"),
        (socket.EAI_AGAIN, "dns_temporary_failure"),
        (socket.EAI_FAIL, "dns_non_recoverable_failure"),
        (socket.EAI_MEMORY, "unknown_failure: text"),
    ],
)
def test_getaddrinfos_numbers_are_no_errnos(number: int, name: str) -> None:
    assert classify(socket.gaierror(number, "text")) == name
    assert EAI.keys() >= {socket.EAI_NONAME, socket.EAI_AGAIN}


def test_a_close_that_a_library_calls_a_reset_is_a_close() -> None:
    assert classify(ConnectionResetError("closed inside the handshake")) == "eof_error"
    assert classify(EndOfStreamError()) == "eof_error"
    assert classify(ConnectionResetError(errno.ECONNRESET, "really")) == "connection_reset"


def test_our_own_deadline_is_told_from_the_kernels() -> None:
    assert classify(TimeoutError()) == "generic_timeout_error"
    assert classify(of_errno(errno.ETIMEDOUT)) == "timed_out"


@pytest.mark.parametrize(
    ("exc", "name"),
    [
        *((unverified(code), "ssl_unknown_authority") for code in (2, 18, 19, 20, 21, 27)),
        *((unverified(code), "ssl_invalid_hostname") for code in (62, 64)),
        *((unverified(code), "ssl_invalid_certificate") for code in (9, 10, 23, 26)),
        (ssl.SSLEOFError(8, "EOF occurred"), "eof_error"),
        (ssl.SSLZeroReturnError(6, "closed"), "eof_error"),
        (alerted("TLSV1_UNRECOGNIZED_NAME"), "ssl_invalid_hostname"),
        (alerted("SSLV3_ALERT_HANDSHAKE_FAILURE"), "ssl_failed_handshake"),
        (alerted("WRONG_VERSION_NUMBER"), "ssl_failed_handshake"),
        (alerted(None), "ssl_failed_handshake"),
    ],
)
def test_tls_errors_are_told_apart_by_code_then_by_reason(exc: ssl.SSLError, name: str) -> None:
    assert classify(exc) == name


def test_expiry_is_told_from_other_bad_certificates() -> None:
    assert outside_validity(9)
    assert outside_validity(10)
    assert not any(outside_validity(code) for code in (None, 0, 18, 62))


def test_a_named_failure_brings_its_name_and_what_was_seen() -> None:
    exc = NamedFailure(failure.HTTP, "garbage")
    assert classify(exc) == "http_request_failed"
    assert (exc.raw, str(exc)) == ("garbage", "garbage")
    assert str(NamedFailure(failure.SERVFAIL)) == "dns_servfail_error"


@pytest.mark.parametrize(
    "exc",
    [
        *(of_errno(number) for number in sorted(OURS)),
        ValueError("a bug"),
        KeyError("x"),
        AssertionError(),
        RuntimeError(),
        MemoryError(),
        OSError("without a number"),
        asyncio.CancelledError(),
        KeyboardInterrupt(),
    ],
    ids=repr,
)
def test_what_the_network_did_not_do_has_no_name(exc: BaseException) -> None:
    assert classify(exc) is None


def test_a_number_is_either_the_networks_or_ours() -> None:
    assert not OURS & ERRNOS.keys()


def test_what_is_no_message_of_the_protocol_is_named_by_the_protocol() -> None:
    assert classify(MalformedReplyError("ikev2", "cut short")) == (
        "unknown_failure: malformed ikev2 reply"
    )

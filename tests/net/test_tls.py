"""probe.net.tls: the handshake, its chain and its alert, read from one and the same connection."""

import asyncio
import ssl

import pytest
from support.authority import ca_file, serving
from support.servers import Serve, closing, page, resetting, silent, tls
from support.virtual import run_virtual

from probe.core.address import Endpoint
from probe.core.failure import EndOfStreamError, classify
from probe.net.fake import FakeNetwork, FakePeer
from probe.net.tls import TlsStream
from probe.net.trust import Policy, Trust

AT = Endpoint("192.0.2.1", 443)
NAME = "shop.example"
TRUST = Trust()
ASK = b"GET / HTTP/1.1\r\n\r\n"


async def opened(serve: Serve, name: str = NAME, **policy: object) -> TlsStream:
    context = TRUST.prepare(Policy(ca_file=ca_file(), **policy))
    stream = await FakeNetwork(tcp={AT: serve}).connect(AT)
    return TlsStream(stream, context, name)


async def read_all(stream: TlsStream) -> bytes:
    data = b""
    while piece := await stream.receive():
        data += piece
    return data


@pytest.mark.parametrize("size", [None, 1, 100])
def test_bytes_go_both_ways_however_the_network_cuts_them(size: int | None) -> None:
    body = page(b"x" * 40_000)

    async def main() -> tuple[dict, tuple[bytes, ...], bytes]:
        stream = await opened(tls(serving(NAME), body, size=size), alpn=("http/1.1",))
        assert stream.local_ip == "198.51.100.77"
        await stream.handshake()
        await stream.send(ASK)
        return stream.facts(), stream.chain(), await read_all(stream)

    facts, chain, received = run_virtual(main())
    assert received == body
    assert facts["tls_version"] == "TLSv1.3"
    assert facts["alpn"] == "http/1.1"
    assert facts["cipher_suite"].startswith("TLS_")
    assert len(chain) == 1


@pytest.mark.parametrize(
    ("kind", "name", "failure"),
    [
        ("expired", NAME, "ssl_invalid_certificate"),
        ("self_signed", NAME, "ssl_unknown_authority"),
        ("wrong_name", NAME, "ssl_invalid_hostname"),
        ("valid", "192.0.2.1", "ssl_invalid_hostname"),
    ],
)
def test_the_chain_is_there_also_when_it_does_not_verify(
    kind: str, name: str, failure: str
) -> None:
    async def main() -> tuple[str | None, tuple[bytes, ...]]:
        stream = await opened(tls(serving(NAME, kind)), name)
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            await stream.handshake()
        return classify(caught.value), stream.chain()

    failed, chain = run_virtual(main())
    assert failed == failure
    (leaf,) = chain
    assert ssl.DER_cert_to_PEM_cert(leaf).startswith("-----BEGIN CERTIFICATE")


def test_an_authority_that_is_not_trusted_is_told() -> None:
    async def main() -> str | None:
        below = await FakeNetwork(tcp={AT: tls(serving(NAME))}).connect(AT)
        stream = TlsStream(below, TRUST.prepare(Policy()), NAME)
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            await stream.handshake()
        return classify(caught.value)

    assert run_virtual(main()) == "ssl_unknown_authority"


def test_with_verification_off_any_certificate_will_do() -> None:
    async def main() -> bytes:
        stream = await opened(tls(serving(NAME, "self_signed"), page(b"hi")), verify=False)
        await stream.handshake()
        await stream.send(ASK)
        return await read_all(stream)

    assert run_virtual(main()).endswith(b"hi")


@pytest.mark.parametrize(
    ("alert", "failure", "reason"),
    [
        (ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME, "ssl_invalid_hostname", "UNRECOGNIZED_NAME"),
        (ssl.ALERT_DESCRIPTION_HANDSHAKE_FAILURE, "ssl_failed_handshake", "HANDSHAKE_FAILURE"),
        (ssl.ALERT_DESCRIPTION_INTERNAL_ERROR, "ssl_failed_handshake", "INTERNAL_ERROR"),
    ],
)
def test_an_alert_is_named(alert: int, failure: str, reason: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda *_: alert

    async def main() -> ssl.SSLError:
        stream = await opened(tls(context))
        with pytest.raises(ssl.SSLError) as caught:
            await stream.handshake()
        assert stream.chain() == ()
        assert stream.facts() == {"tls_version": None, "cipher_suite": None, "alpn": None}
        return caught.value

    exc = run_virtual(main())
    assert classify(exc) == failure
    assert reason in exc.reason


async def plain_http(peer: FakePeer) -> None:
    await peer.receive()
    peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    ("serve", "failure"),
    [
        (closing, "eof_error"),
        (resetting, "connection_reset"),
        (plain_http, "ssl_failed_handshake"),
        (silent, "generic_timeout_error"),
    ],
)
def test_a_handshake_fails_by_what_the_network_did(serve: Serve, failure: str) -> None:
    async def main() -> str | None:
        stream = await opened(serve)
        with pytest.raises((OSError, EndOfStreamError)) as caught:
            async with asyncio.timeout(10):
                await stream.handshake()
        return classify(caught.value)

    assert run_virtual(main()) == failure


def test_the_reason_for_failing_is_not_lost_when_the_peer_is_gone() -> None:
    """The alert that tells the peer why cannot be sent any more; that is not the failure."""

    async def main() -> str | None:
        stream = await opened(tls(serving(NAME, "expired")))
        sent = 0

        async def send_once(data: bytes, send=stream._stream.send) -> None:
            nonlocal sent
            sent += 1
            if sent > 1:
                raise BrokenPipeError(32, "Broken pipe")
            await send(data)

        stream._stream.send = send_once
        with pytest.raises(ssl.SSLError) as caught:
            await stream.handshake()
        assert sent == 2
        return classify(caught.value)

    assert run_virtual(main()) == "ssl_invalid_certificate"


def test_a_close_without_a_word_ends_the_stream_like_one_with_it() -> None:
    async def main() -> bytes:
        stream = await opened(tls(serving(NAME), b""))
        await stream.handshake()
        await stream.send(ASK)
        data = await read_all(stream)
        stream.close()
        stream.close()
        return data

    assert run_virtual(main()) == b""

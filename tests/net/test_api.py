"""probe.net.api: a service is asked over real sockets, and all that can go wrong."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from support.authority import authority, ca_file, serving
from support.control import Asked, Playing, playing, response

from probe.core.strictyaml import ConfigError
from probe.net.api import Api, ApiError

QUICK = (0.0, 0.0)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def post(
    control: Playing | str, *, within: float = 5.0, limit: int = 100, **more: object
) -> bytes:
    url = control if isinstance(control, str) else control.url
    api = Api(url, **{"token": "tok", "pauses": QUICK, **more})  # type: ignore[arg-type]
    try:
        return await api.post("/v1/x", b"{}", within=within, limit=limit)
    finally:
        await api.aclose()


def refused(*answers: bytes, tries: int, told: str, **more: object) -> None:
    """These answers, one after the other and then the last one, end in this error."""

    async def main() -> None:
        left = list(answers)
        async with playing(lambda _: left.pop(0) if len(left) > 1 else left[0]) as control:
            with pytest.raises(ApiError, match=told) as error:
                await post(control, **more)  # type: ignore[arg-type]
            assert len(control.asked) == tries
            assert "tok" not in str(error.value).replace("token", "")

    asyncio.run(main())


def test_json_is_posted_with_the_token_and_the_answer_comes_back() -> None:
    async def main() -> None:
        async with playing(lambda _: response(b'{"a": 1}')) as control:
            assert await post(control) == b'{"a": 1}'
            (asked,) = control.asked
            assert (asked.path, asked.body) == ("/v1/x", b"{}")
            assert asked.headers["authorization"] == "Bearer tok"
            assert asked.headers["content-type"] == "application/json"

    asyncio.run(main())


def test_what_may_pass_is_tried_again() -> None:
    busy = [
        b"",
        response(b"", "503 Service Unavailable", "Retry-After: 0"),
        response(b"at last"),
    ]

    async def main() -> None:
        async with playing(lambda _: busy.pop(0)) as control:
            assert await post(control) == b"at last"
            assert len(control.asked) == 3

    asyncio.run(main())


def test_it_gives_up_after_three_tries_and_says_why() -> None:
    error = response(b'{"error": "too many at once"}', "503 Service Unavailable")
    refused(error, tries=3, told="it answered 503: too many at once")


def test_a_short_pause_that_is_asked_for_is_kept_and_a_long_one_is_not_waited_for() -> None:
    refused(response(b"", "429 Too Many", "Retry-After: 60"), tries=1, told="it answered 429")
    # The deadline ends the pause: a second try before it would show as a second request.
    short = response(b"", "429 Too Many", "Retry-After: 4")
    refused(short, tries=1, told="it answered 429", within=1.5)


def test_what_will_not_pass_is_tried_once() -> None:
    for answer, told in (
        (response(b'{"error": "no"}', "401 Unauthorized"), "does not know us"),
        (response(b'{"error": "field url"}', "422 Unprocessable"), "it answered 422: field url"),
        (response(b'{"error": ["x"]}', "413 Too Large"), "it answered 413$"),
        (response(b"<html>", "404 Not Found"), "it answered 404$"),
        (response(b"[]", "400 Bad Request"), "it answered 400$"),
        (response(b"", "204 No Content"), "it answered 204"),
        (response(b"x", "302 Found", "Location: http://127.0.0.1:1/"), "302.*not followed"),
        (response(b"x" * 101), "larger than 100 bytes"),
        (response(b"x", "200 OK", "Content-Encoding: gzip"), "compressed"),
    ):
        refused(answer, tries=1, told=told)


def test_a_service_that_keeps_silent_or_stops_midway_is_an_error() -> None:
    async def silent(_: Asked) -> bytes:
        await asyncio.get_running_loop().create_future()
        return b""

    async def main() -> None:

        async with playing(silent) as control:
            with pytest.raises(ApiError, match="no answer in time"):
                await post(control, within=0.1)
        async with playing(lambda _: response(b"x" * 50)[:-20]) as control:
            with pytest.raises(ApiError, match="peer closed"):
                await post(control)

    asyncio.run(main())


def test_nobody_there_is_an_error_too() -> None:
    with pytest.raises(ApiError):
        asyncio.run(post("http://127.0.0.1:1"))


def test_tls_is_verified_by_the_system_and_the_file_that_is_given() -> None:
    async def main() -> None:
        async with playing(lambda _: response(b"ok"), serving("localhost")) as control:
            assert await post(control, ca_file=ca_file()) == b"ok"
            with pytest.raises(ApiError, match="CERTIFICATE_VERIFY_FAILED"):
                await post(control)
            assert len(control.asked) == 1
        async with playing(lambda _: response(b"ok"), serving("other.example")) as control:
            with pytest.raises(ApiError, match="CERTIFICATE_VERIFY_FAILED"):
                await post(control, ca_file=ca_file())

    asyncio.run(main())


def client_pair(folder: Path) -> str:
    """A self-signed certificate for a client, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "probe")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    certificate = (
        builder.not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "client.pem"
    path.write_bytes(certificate.public_bytes(Encoding.PEM) + secret)
    return str(path)


def test_a_client_certificate_is_shown(tmp_path: Path) -> None:
    pair = client_pair(tmp_path)
    demanding = authority().context("localhost", "valid")
    demanding.verify_mode = ssl.CERT_REQUIRED
    demanding.load_verify_locations(pair)

    async def main() -> None:
        async with playing(lambda _: response(b"ok"), demanding) as control:
            trusting = {"ca_file": ca_file(), "token": None}
            assert await post(control, client_cert=pair, **trusting) == b"ok"
            assert "authorization" not in control.asked[0].headers
            with pytest.raises(ApiError):
                await post(control, **trusting)
            assert len(control.asked) == 1

    asyncio.run(main())


def test_a_file_that_cannot_be_used_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("nothing")
    for files in (
        {"ca_file": str(tmp_path / "gone.pem")},
        {"ca_file": str(text)},
        {"client_cert": str(text)},
        {"client_cert": str(tmp_path / "gone.pem")},
        {"client_cert": ca_file()},
    ):
        with pytest.raises(ConfigError, match=r"\.pem|notes\.txt"):
            Api("https://control.example", **files)


def test_a_proxy_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://127.0.0.1:1")
    with pytest.raises(ConfigError, match="proxy"):
        Api("https://control.example")

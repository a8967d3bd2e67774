"""What OONI's records hold, as far as it is read here (ooni/spec, data-formats).

Reading is tolerant where versions differ: a missing key and ``null`` are the same, unknown keys
are passed over. A value of another type than any version wrote makes the record malformed.
"""

import base64
import binascii
from typing import Any, Final

import msgspec

_Text = str | None
_Time = float | None
_Number = int | None


class Binary(msgspec.Struct):
    """Bytes that are no UTF-8."""

    format: str
    data: str

    def bytes(self) -> bytes:
        """The bytes. ValueError if they cannot be read."""
        if self.format != "base64":
            raise ValueError(f"binary data in the form '{self.format[:20]}'")
        try:
            return base64.b64decode(self.data, validate=True)
        except binascii.Error as exc:
            raise ValueError(f"binary data is no base64: {exc}") from None


class Event(msgspec.Struct, kw_only=True):
    """What every entry of a layer has. Times are seconds since the measurement began."""

    failure: _Text = None
    t0: _Time = None
    t: _Time = None
    transaction_id: _Number = None


class Answer(msgspec.Struct):
    """One record of a DNS answer."""

    answer_type: str
    ipv4: _Text = None
    ipv6: _Text = None
    hostname: _Text = None
    ttl: float | None = None


class Query(Event, kw_only=True):
    """One query of one name (df-002)."""

    hostname: str
    query_type: str
    engine: _Text = None
    resolver_address: _Text = None
    answers: list[Answer] | None = None


class Status(msgspec.Struct):
    """What became of a connection."""

    success: bool
    failure: _Text = None


class Connect(Event, kw_only=True):
    """One TCP connection (df-005)."""

    ip: str
    port: int
    status: Status


class Handshake(Event, kw_only=True):
    """One TLS handshake (df-006)."""

    network: _Text = None
    address: _Text = None
    server_name: _Text = None
    cipher_suite: _Text = None
    negotiated_protocol: _Text = None
    tls_version: _Text = None
    no_tls_verify: bool | None = None
    peer_certificates: list[Binary] | None = None


class Asked(msgspec.Struct):
    """The request of an HTTP exchange."""

    url: str
    method: _Text = None


class Answered(msgspec.Struct):
    """Its response; code 0 or null where none came."""

    code: _Number = None
    headers: dict[str, Any] | None = None
    headers_list: list[list[Any]] | None = None
    body: str | Binary | None = None
    body_is_truncated: bool | None = None


class Request(Event, kw_only=True):
    """One HTTP exchange (df-001)."""

    request: Asked
    response: Answered | None = None
    network: _Text = None


class HelperStatus(msgspec.Struct):
    """What a connection or handshake came to at the test helper."""

    status: bool | None = None
    failure: _Text = None
    server_name: _Text = None


class HelperPage(msgspec.Struct):
    """The page as the test helper got it."""

    body_length: _Number = None
    failure: _Text = None
    status_code: _Number = None
    headers: dict[str, Any] | None = None


class HelperLookup(msgspec.Struct):
    """The name as the test helper looked it up."""

    failure: _Text = None
    addrs: list[str] | None = None


class Helper(msgspec.Struct):
    """All that the test helper answered."""

    dns: HelperLookup | None = None
    tcp_connect: dict[str, HelperStatus] | None = None
    tls_handshake: dict[str, HelperStatus] | None = None
    http_request: HelperPage | None = None


class TestKeys(msgspec.Struct):
    """The layers of a measurement."""

    queries: list[Query] | None = None
    tcp_connect: list[Connect] | None = None
    tls_handshakes: list[Handshake] | None = None
    requests: list[Request] | None = None
    control: Helper | None = None
    control_failure: _Text = None
    tunnel: _Text = None
    socksproxy: _Text = None


class Place(msgspec.Struct):
    """Where a test helper is."""

    address: _Text = None


class Envelope(msgspec.Struct):
    """One measurement (df-000)."""

    test_name: str
    measurement_start_time: str
    test_keys: TestKeys
    input: _Text = None
    probe_asn: _Text = None
    probe_cc: _Text = None
    probe_ip: _Text = None
    report_id: _Text = None
    measurement_uid: _Text = None
    software_name: _Text = None
    software_version: _Text = None
    test_version: _Text = None
    test_runtime: float | None = None
    annotations: dict[str, Any] | None = None
    test_helpers: Any = None


DECODER: Final = msgspec.json.Decoder(Envelope)

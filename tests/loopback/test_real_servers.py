"""The same checks against servers that other people wrote: nginx and unbound, from Debian."""

from collections.abc import Iterator

import pytest
from cryptography import x509
from loopback.probing import Probe, failures
from loopback.programs import MANY, Internet
from loopback.servers import Certificates

from probe.core.model import Measurement, Step
from probe.judge.deciding import deciding

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def internet(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Internet]:
    with Internet(tmp_path_factory.mktemp("internet"), certificates).running() as started:
        yield started


def only(measurement: Measurement, op: str) -> Step:
    (step,) = [step for step in measurement.steps if step.op == op]
    return step


def data(step: Step) -> list[str]:
    return [record["data"] for record in step.detail["answers"]]


# --- unbound -------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["udp", "tcp", "dot", "doh"])
@pytest.mark.parametrize(
    ("name", "type_", "answers", "failure"),
    [
        ("alpha.example", "A", ["127.0.0.1"], None),
        ("alpha.example", "AAAA", ["::1"], None),
        ("beta.example", "AAAA", [], "dns_no_answer"),
        ("text.example", "TXT", ['"words"'], None),
        ("nobody.example", "A", [], "dns_nxdomain_error"),
        ("forbidden.example", "A", [], "dns_refused_error"),
        ("name.broken.example", "A", [], "dns_servfail_error"),
    ],
)
async def test_unbound_answers(
    internet: Internet,
    probe: Probe,
    way: str,
    name: str,
    type_: str,
    answers: list[str],
    failure: str | None,
) -> None:
    resolver = internet.resolvers[way]
    measurement = await probe(f"dns://{name}?type={type_}&resolver={resolver}")
    resolve = only(measurement, "resolve")
    assert measurement.invalid is None
    assert (resolve.failure, data(resolve)) == (failure, answers)
    assert resolve.detail["engine"] == way
    assert resolve.detail["edns"] is True
    assert measurement.covered == "lookup"


async def test_what_unbound_truncates_is_asked_for_over_tcp(
    internet: Internet, probe: Probe
) -> None:
    measurement = await probe(f"dns://many.example?resolver={internet.resolvers['udp']}")
    udp, tcp = [step for step in measurement.steps if step.op == "resolve"]
    decided = deciding(measurement)
    assert (udp.failure, udp.detail["truncated"]) == ("dns_server_misbehaving", True)
    assert (tcp.failure, tcp.detail["engine"]) == (None, "tcp")
    assert len(data(tcp)) == min(MANY, 64)
    assert decided is not None
    assert decided.succeeded


# --- nginx ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["alpha", "beta", "fallback"])
async def test_nginx_shows_each_name_its_own_certificate(
    internet: Internet, probe: Probe, name: str
) -> None:
    measurement = await probe(f"tls://{name}.example:{internet.tls}?addresses=127.0.0.1")
    detail = only(measurement, "tls_handshake").detail
    assert failures(measurement) == []
    assert detail["tls_version"] == "TLSv1.3"
    assert detail["leaf"]["names"] == [f"{name}.example"]
    chain = [
        x509.load_der_x509_certificate(probe.objects.get(kept))
        for kept in detail["peer_certificates"]
    ]
    assert len(chain) == 2
    chain[0].verify_directly_issued_by(chain[1])
    assert measurement.covered == "handshake"


async def test_a_name_that_nginx_does_not_serve_gets_another_names_certificate(
    internet: Internet, probe: Probe
) -> None:
    measurement = await probe(f"tls://gamma.example:{internet.tls}?addresses=127.0.0.1")
    assert failures(measurement) == [("tls_handshake", "ssl_invalid_hostname")]
    assert only(measurement, "tls_handshake").detail["leaf"]["names"] == ["fallback.example"]


async def test_https_by_name_through_unbound(internet: Internet, probe: Probe) -> None:
    target = f"https://beta.example:{internet.tls}/"
    resolvers = ",".join(internet.resolvers.values())
    measurement = await probe(target, {"resolver": resolvers.replace("%23", "#")})
    assert {step.failure for step in measurement.steps} == {None, "dns_no_answer"}  # no AAAA
    connect, handshake, request, response, transfer = [
        step for step in measurement.steps if "resolver" not in step.detail
    ]
    assert [step.op for step in (connect, handshake, request, response, transfer)] == [
        "connect",
        "tls_handshake",
        "http_request",
        "http_response",
        "transfer",
    ]
    assert connect.t <= handshake.t0 <= handshake.t <= request.t0 <= request.t <= response.t0
    assert response.t0 <= response.detail["first_byte"] <= response.t <= transfer.t0
    assert (response.detail["status"], transfer.detail["bytes"]) == (200, len("beta\n"))
    assert measurement.covered == "response"


async def test_every_address_of_a_name_is_tried(internet: Internet, probe: Probe) -> None:
    resolver = internet.resolvers["udp"]
    measurement = await probe(f"tcp://alpha.example:{internet.tls}?resolver={resolver}")
    connects = {step.address: step for step in measurement.steps if step.op == "connect"}
    assert set(connects) == {f"127.0.0.1:{internet.tls}", f"[::1]:{internet.tls}"}
    assert connects[f"127.0.0.1:{internet.tls}"].failure is None
    # nginx listens on IPv4 only, so IPv6 fails one way or another: one success is enough.
    assert connects[f"[::1]:{internet.tls}"].failure is not None
    decided = deciding(measurement)
    assert decided is not None
    assert decided.succeeded


async def test_a_file_is_transferred_whole_or_to_the_limit(
    internet: Internet, probe: Probe
) -> None:
    url = f"https://alpha.example:{internet.tls}/large#addresses=127.0.0.1&transfer="
    whole = only(await probe(f"{url}256KiB"), "transfer").detail
    part = only(await probe(f"{url}100KiB"), "transfer").detail
    assert (whole["bytes"], whole["complete"]) == (200 * 1024, True)
    assert (part["bytes"], part["complete"]) == (100 * 1024, False)


async def test_a_status_451_is_an_answer_and_its_page_is_kept(
    internet: Internet, probe: Probe
) -> None:
    url = f"https://alpha.example:{internet.tls}/denied#addresses=127.0.0.1"
    measurement = await probe(url)
    expecting = await probe(url, {"expect": {"status": 200}})
    assert failures(measurement) == []
    assert only(measurement, "http_response").detail["status"] == 451
    kept = only(measurement, "transfer").detail["body"]
    assert probe.objects.get(kept) == b"not in your country\n"
    assert failures(expecting) == [("expect", "http_unexpected_status_code")]


async def test_a_redirect_to_another_name_is_followed_through_unbound(
    internet: Internet, probe: Probe
) -> None:
    url = f"http://beta.example:{internet.http}/moved#follow=1"
    options = {"resolver": internet.resolvers["udp"], "expect": {"body": "alpha"}}
    measurement = await probe(url, options)
    assert set(failures(measurement)) <= {("resolve", "dns_no_answer")}
    statuses = [s.detail["status"] for s in measurement.steps if s.op == "http_response"]
    assert statuses == [301, 200]
    assert only(measurement, "tls_handshake").detail["server_name"] == "alpha.example"


@pytest.mark.parametrize(
    ("path", "failed"),
    [
        ("https://alpha.example:{http}/", ("tls_handshake", "ssl_failed_handshake")),
        ("http://alpha.example:{http}/refused", ("http_response", "eof_error")),
        ("tcp://alpha.example:{closed}", ("connect", "connection_refused")),
    ],
    ids=["TLS to a plain port", "closed without an answer", "nobody there"],
)
async def test_nginx_fails_as_the_hostile_servers_do(
    internet: Internet, probe: Probe, path: str, failed: tuple[str, str]
) -> None:
    url = path.format(http=internet.http, closed=internet.closed)
    measurement = await probe(url, {"addresses": "127.0.0.1"})
    assert failures(measurement) == [failed]


async def test_plain_http_to_a_tls_port_is_an_answer_with_status_400(
    internet: Internet, probe: Probe
) -> None:
    measurement = await probe(f"http://127.0.0.1:{internet.tls}/")
    assert failures(measurement) == []
    assert only(measurement, "http_response").detail["status"] == 400

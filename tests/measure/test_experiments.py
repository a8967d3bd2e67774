"""probe.measure.experiments: each follow-up differs from the target in one thing only."""

from typing import Any

import pytest
from support.plans import planned

from probe.core.address import Endpoint
from probe.measure import experiments as make
from probe.plan.jobs import Job
from probe.plan.question import Session

PLACE, DECOY = Endpoint("192.0.2.1", 8443), Endpoint("198.51.100.2", 443)
SESSION = Session(
    decoys=(DECOY,),
    leaf="a" * 64,
    page="own page",
    bytes_token="t0ken",
    bytes_max=1 << 20,
    client="203.0.113.1",
    expires=600.0,
)


def job(url: str = "https://shop.example:8443/", **more: Any) -> Job:
    return planned(targets=[{"id": "shop", "url": url, **more}]).jobs[0]


def test_the_name_that_is_sent_is_the_targets_sni_before_its_host() -> None:
    assert make.server_name(job()) == "shop.example"
    assert make.server_name(job("tls://192.0.2.1", sni="front.example")) == "front.example"
    assert make.server_name(job("tls://shop.example?sni=front.example")) == "front.example"


@pytest.mark.parametrize(
    ("url", "alpn"),
    [
        ("https://shop.example/", ("http/1.1",)),
        ("tls://shop.example", ()),
        ("tls://shop.example?alpn=h2", ("h2",)),
        ("http://shop.example/", ()),
    ],
)
def test_handshakes_elsewhere_offer_what_the_targets_own_offers(
    url: str, alpn: tuple[str, ...]
) -> None:
    here = job(url)
    for made in (
        make.tls_at(here, DECOY, SESSION, "a.example"),
        make.named_at(here, PLACE, "a.example"),
        make.certificate_at(here, "93.184.1.1"),
    ):
        check: Any = made.check
        assert check.alpn == alpn


def test_the_decoy_must_show_its_own_certificate_under_whatever_name() -> None:
    check: Any = make.tls_at(job(), DECOY, SESSION, "shop.example").check
    assert (check.host, check.port, check.addresses) == ("shop.example", 443, (DECOY.ip,))
    assert check.pin == SESSION.leaf
    assert not check.lookup


def test_the_decoy_must_show_its_own_page_under_whatever_host() -> None:
    check: Any = make.http_at(job(), DECOY, SESSION, "shop.example").check
    assert (check.host_header, check.addresses) == ("shop.example", (DECOY.ip,))
    assert check.expect.body == SESSION.page


def test_a_certificate_is_looked_at_as_the_target_s_own_would_be() -> None:
    check: Any = make.certificate_at(job(), "93.184.1.1").check
    assert (check.host, check.port, check.addresses) == ("shop.example", 8443, ("93.184.1.1",))
    assert check.verify
    assert check.pin is None
    plain: Any = make.certificate_at(job("http://shop.example:8080/"), "93.184.1.1").check
    assert plain.port == 443
    pinned: Any = make.certificate_at(
        job(f"sstp://vpn.example:4433?pin={'a' * 64}"), "93.184.1.1"
    ).check
    assert (pinned.name, pinned.port, pinned.pin) == ("tls", 4433, "a" * 64)


def test_a_neutral_name_at_the_target_accepts_whatever_certificate_comes() -> None:
    check: Any = make.named_at(job(), PLACE, "neutral.example").check
    assert (check.host, check.port, check.addresses) == ("neutral.example", 8443, (PLACE.ip,))
    assert not check.verify


def test_the_neutral_name_goes_over_quic_where_the_target_s_own_did() -> None:
    made = make.named_at(job("quic://shop.example:8443?request=/"), PLACE, "neutral.example")
    check: Any = made.check
    assert made.target.url == "quic://192.0.2.1:8443?sni=neutral.example"
    assert (check.name, check.host, check.addresses) == ("quic", "neutral.example", (PLACE.ip,))
    assert (check.mode, check.request, check.alpn) == ("handshake", None, ("h3",))
    assert not check.verify


def test_harmless_bytes_carry_no_name() -> None:
    made = make.harmless_at(job(), PLACE)
    check: Any = made.check
    assert (check.name, check.host, check.port) == ("harmless", PLACE.ip, PLACE.port)
    assert "shop.example" not in made.target.url


@pytest.mark.parametrize("ip", ["198.51.100.2", "2001:db8::2"])
def test_a_query_to_no_resolver_goes_to_that_host_alone_and_waits_briefly(ip: str) -> None:
    made = make.query_at(job(), ip, "shop.example")
    (resolver,) = made.resolvers
    assert (resolver.kind, resolver.host, resolver.port) == ("udp", ip, 53)
    assert made.timeouts.dns == 2.0
    assert make.query_at(job(timeouts={"dns": "1s"}), ip, "x.example").timeouts.dns == 1.0


def test_transfers_that_are_compared_are_of_one_size_and_have_the_same_time() -> None:
    again = make.transfer_again(job(), "93.184.1.1", 70_000)
    decoy = make.transfer_at(job(), DECOY, SESSION, "shop.example", 70_000)
    assert again.timeouts.transfer == decoy.timeouts.transfer == make.WINDOW
    here: Any = again.check
    there: Any = decoy.check
    assert here.transfer == there.transfer == 70_000
    assert (here.addresses, here.lookup) == (("93.184.1.1",), False)
    assert (there.path, there.pin) == ("/bytes/70000?token=t0ken", SESSION.leaf)
    assert "t0ken" not in decoy.target.url


def test_every_follow_up_keeps_the_target_s_id_and_takes_a_short_time() -> None:
    slow = job(timeout="10m", timeouts={"connect": "60s", "tls": "60s", "transfer": "60s"})
    for made in (
        make.tls_at(slow, DECOY, SESSION, "a.example"),
        make.http_at(slow, DECOY, SESSION, "a.example"),
        make.transfer_at(slow, DECOY, SESSION, "a.example", 1),
        make.transfer_again(slow, "93.184.1.1", 1),
        make.query_at(slow, DECOY.ip, "a.example"),
        make.certificate_at(slow, "93.184.1.1"),
        make.named_at(slow, PLACE, "a.example"),
        make.harmless_at(slow, PLACE),
    ):
        assert made.target.id == "shop"
        assert made.timeout <= 15
        assert max(made.timeouts.connect, made.timeouts.tls, made.timeouts.transfer) <= 5


def test_deadlines_are_never_longer_than_the_target_s_own() -> None:
    quick = job(timeout="3s", timeouts={"connect": "1s", "tls": "2s"})
    made = make.tls_at(quick, DECOY, SESSION, "a.example")
    assert (made.timeout, made.timeouts.connect, made.timeouts.tls) == (3.0, 1.0, 2.0)


def test_random_names_stand_beside_the_neutral_one_and_never_come_twice() -> None:
    names = {make.random_neighbour("www.neutral.example") for _ in range(50)}
    assert len(names) == 50
    assert all(name.endswith(".neutral.example") for name in names)
    assert make.random_neighbour("example").endswith(".example")

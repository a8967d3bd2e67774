"""probe.control.service: whatever leads inwards, or to the control itself, is refused."""

from collections.abc import Callable

import dns.message
import pytest
from support.measuring import (
    INNER,
    LOCAL_RESOLVER,
    NOT_PUBLIC,
    OTHER,
    OURS,
    SITE,
    asked,
    asking,
    made,
    site,
)
from support.nameservers import knowing, knowing_over_tcp, over_udp, reply
from support.servers import http, page
from support.virtual import run_virtual

from probe.core.address import Endpoint
from probe.net.fake import FakePeer
from probe.plan.question import Question, Reply


@pytest.mark.parametrize("ip", INNER)
@pytest.mark.parametrize("scheme", ["http", "tcp", "tls"])
def test_an_inner_address_in_the_url_is_refused_and_nothing_is_sent(ip: str, scheme: str) -> None:
    net = site()
    host = f"[{ip}]" if ":" in ip else ip
    (found,) = asking(net, f"{scheme}://{host}:443").measurements
    assert (found.invalid, found.steps, net.dialled) == (NOT_PUBLIC, (), [])


@pytest.mark.parametrize("ip", INNER)
def test_a_name_that_resolves_to_an_inner_address_is_refused(ip: str) -> None:
    net = site(inner_example=(ip,))
    (found,) = asking(net, "http://inner.example/").measurements
    assert (found.invalid, found.steps, net.dialled) == (NOT_PUBLIC, (), [])


def test_one_inner_address_among_public_ones_refuses_the_whole_measurement() -> None:
    net = site(both_example=(SITE, "10.0.0.1"))
    (found,) = asking(net, "http://both.example/").measurements
    assert (found.invalid, found.steps) == (NOT_PUBLIC, ())
    assert Endpoint("10.0.0.1", 80) not in net.dialled


def rebinding(*answers: str) -> Callable[[FakePeer, bytes], object]:
    """A resolver that gives another address for each question for A."""
    left = list(answers)

    def answer(peer: FakePeer, query: bytes) -> None:
        wants_a = dns.message.from_wire(query).question[0].to_text().endswith(" A")
        peer.send(reply(query, *([left.pop(0)] if wants_a and left else ())))

    return answer


def test_a_name_that_turns_inwards_at_its_second_lookup_is_refused() -> None:
    net = site()
    net.udp[Endpoint(SITE, 53)] = over_udp(rebinding(OTHER, "127.0.0.1"))

    async def main() -> list[tuple[str | None, int]]:
        measuring = made(net, resolvers=[f"udp://{SITE}"])
        seen = []
        for _ in range(2):
            raw = await measuring.reply(asked("http://turning.example/"), "198.51.100.7")
            (found,) = Reply.from_json(raw).measurements
            seen.append((found.invalid, bool(found.steps)))
        return seen

    assert run_virtual(main()) == [(None, True), (NOT_PUBLIC, False)]
    assert Endpoint("127.0.0.1", 80) not in net.dialled


def test_a_lookup_of_a_redirect_inside_one_measurement_that_turns_inwards_is_refused() -> None:
    net = site()
    net.udp[Endpoint(OTHER, 53)] = over_udp(rebinding(SITE, "224.0.0.1"))
    to = page(b"", "302 Found", "Location: http://second.example/")
    net.tcp[Endpoint(SITE, 80)] = http(to)
    question = Question(url="http://first.example/", options={"follow": 3})
    (found,) = asking(net, question, resolvers=[f"udp://{OTHER}"]).measurements
    assert (found.invalid, found.steps) == (NOT_PUBLIC, ())
    assert Endpoint("224.0.0.1", 80) not in net.dialled


@pytest.mark.parametrize("where", [*INNER, "localhost", "inner.example", "240.0.0.1"])
def test_a_redirect_to_an_inner_address_is_refused_and_not_followed(where: str) -> None:
    net = site(inner_example=("192.168.1.1",))
    host = f"[{where}]" if ":" in where else where
    net.tcp[Endpoint(SITE, 80)] = http(page(b"", "302 Found", f"Location: http://{host}/secret"))
    (found,) = asking(net, Question(url=f"http://{SITE}/", options={"follow": 2})).measurements
    assert (found.invalid, found.steps) == (NOT_PUBLIC, ())
    assert set(net.dialled) == {Endpoint(SITE, 80)}


def test_a_redirect_that_is_not_followed_is_an_answer_like_any_other() -> None:
    net = site()
    net.tcp[Endpoint(SITE, 80)] = http(page(b"", "302 Found", "Location: http://10.0.0.1/"))
    (found,) = asking(net, f"http://{SITE}/").measurements
    assert found.invalid is None


def test_the_controls_own_addresses_are_refused() -> None:
    net = site(ours_example=(OURS,))
    for url in (f"tcp://{OURS}:443", "tcp://ours.example:443"):
        (found,) = asking(net, url).measurements
        assert found.invalid == "refused: it leads to the control itself"
    assert net.dialled == []


def test_what_the_asker_was_told_of_inner_addresses_is_left_out() -> None:
    net = site(shop_example=(SITE,))
    question = Question(url="http://shop.example/", addresses=("127.0.0.1", OURS, "10.1.1.1"))
    (found,) = asking(net, question).measurements
    assert found.invalid is None
    assert set(net.dialled) == {Endpoint(SITE, 80)}


@pytest.mark.parametrize("kind", ["udp", "tcp"])
def test_the_controls_own_resolver_may_be_private_but_is_no_target(kind: str) -> None:
    net = site()
    at = Endpoint(LOCAL_RESOLVER, 53)
    net.udp[at] = knowing(SITE)
    if kind == "tcp":
        net.tcp[at] = knowing_over_tcp(SITE)
    resolvers = [f"{kind}://{LOCAL_RESOLVER}"]
    (found,) = asking(net, "http://shop.example/", resolvers=resolvers).measurements
    assert found.invalid is None
    assert Endpoint(SITE, 80) in net.dialled

    net.udp[at] = knowing(LOCAL_RESOLVER)
    if kind == "tcp":
        net.tcp[at] = knowing_over_tcp(LOCAL_RESOLVER)
    for url in (f"tcp://{LOCAL_RESOLVER}:53", "tcp://evil.example:53"):
        net.dialled.clear()
        (found,) = asking(net, url, resolvers=resolvers).measurements
        assert found.invalid == NOT_PUBLIC
        assert len(net.dialled) == (0 if url.startswith("tcp://127") else 2)  # the two lookups


@pytest.mark.parametrize("ip", ["10.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"])
def test_what_the_operators_own_names_lead_to_is_not_told(ip: str) -> None:
    net = site(intern_example=(ip,), shop_example=(SITE,))
    inner, outer = asking(net, "dns://intern.example", "dns://shop.example").measurements
    assert (inner.invalid, inner.steps) == (NOT_PUBLIC, ())
    assert outer.invalid is None


def test_private_targets_are_measured_where_they_are_allowed() -> None:
    (found,) = asking(site(), "tcp://127.0.0.1:80", allow_private=True).measurements
    assert found.invalid is None

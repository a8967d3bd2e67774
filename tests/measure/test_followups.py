"""probe.measure.followups: what is sent after which failure, where, and within which bounds."""

import pytest
from support.authority import serving
from support.investigating import (
    DECOY,
    NAME,
    NEUTRAL,
    PAGE,
    RESET,
    SECOND,
    TIMEOUT,
    World,
    by_name,
    failed,
    hello,
    honest,
    valid_control,
)
from support.nameservers import over_udp, reply
from support.records import https, measured, resolve, step
from support.servers import http, page, resetting, silent, tls

from probe.core.address import Endpoint
from probe.core.model import Step
from probe.judge import followups as f
from probe.judge.evidence import Evidence
from probe.net.fake import FakePeer


def test_a_reset_handshake_is_tried_at_the_decoy_with_a_neutral_name_first() -> None:
    world = World(tcp={DECOY: by_name(honest(), resetting)})
    evidence = hello(RESET)
    assert world.investigate(evidence)[:2] == [f.NEUTRAL_AT_DECOY, f.NAME_AT_DECOY]
    assert world.names()[:2] == [NEUTRAL, NAME]
    assert world.failures()[:2] == [None, RESET]
    assert world.net.dialled[:2] == [DECOY, DECOY]


def test_follow_ups_are_marked_measurements_of_the_failure_that_they_follow() -> None:
    world = World(tcp={DECOY: by_name(honest(), resetting)})
    evidence = hello(RESET)
    world.investigate(evidence)
    for measurement in world.recorded:
        assert measurement.role == "followup"
        assert measurement.followup_of == evidence.trial.id
        assert measurement.cycle == evidence.trial.cycle
        assert measurement.followup in f.ALL
        assert measurement.target.id == evidence.trial.target.url
        assert measurement.invalid is None
    assert world.recorded[1].target.url == f"tls://{DECOY}?sni={NAME}"


def test_where_the_neutral_name_does_not_pass_the_target_s_is_not_sent() -> None:
    world = World(tcp={DECOY: resetting})
    kinds = world.investigate(hello(RESET))
    assert f.NAME_AT_DECOY not in kinds
    assert NAME not in world.names()


def test_silence_at_the_decoy_is_asked_for_twice_but_not_at_the_same_place() -> None:
    script = by_name(honest(), silent)
    world = World(tcp={DECOY: script, SECOND: script}, decoys=(DECOY, SECOND))
    evidence = hello(TIMEOUT)
    kinds = world.investigate(evidence)
    pair = [f.NEUTRAL_AT_DECOY, f.NAME_AT_DECOY]
    assert kinds == pair * 2
    assert [m.trial for m in world.recorded] == [1, 1, 2, 2]
    assert world.net.dialled == [DECOY, DECOY, SECOND, SECOND]


def test_a_decoy_in_quarantine_is_left_alone_and_no_other_one_is_made_up() -> None:
    world = World(tcp={DECOY: by_name(honest(), silent)})
    assert world.investigate(hello(TIMEOUT)) == [f.NEUTRAL_AT_DECOY, f.NAME_AT_DECOY]
    world.recorded.clear()
    assert world.investigate(hello(TIMEOUT)) == []
    assert world.net.dialled == [DECOY, DECOY]


def test_a_name_that_passes_at_the_decoy_does_so_once() -> None:
    world = World(tcp={DECOY: honest()})
    kinds = world.investigate(hello(RESET))
    assert kinds.count(f.NAME_AT_DECOY) == 1


@pytest.mark.parametrize(
    "steps",
    [
        https("connect", "connection_refused"),
        https("connect", TIMEOUT),
        https("http_response", RESET),
    ],
)
def test_no_server_name_goes_to_the_decoy_after_a_failure_outside_the_handshake(
    steps: list[Step],
) -> None:
    world = World(tcp={DECOY: honest()})
    assert world.investigate(failed(steps)) == []
    assert world.net.dialled == []


def test_without_a_decoy_nothing_is_sent_there() -> None:
    world = World(decoys=())
    assert [k for k in world.investigate(hello(RESET)) if "decoy" in k] == []


def test_plain_http_is_tried_with_the_host_header_against_the_decoy_s_known_page() -> None:
    forged = http(page(b"<title>This site is blocked</title>"))
    world = World(tcp={DECOY: by_name(http(page(PAGE.encode())), forged)})
    steps = [*https("http_response", RESET)[:2], step("http_response", 2, RESET)]
    kinds = world.investigate(failed(steps, "http"))
    assert kinds == [f.NEUTRAL_HOST_AT_DECOY, f.HOST_AT_DECOY]
    assert world.names("host") == [NEUTRAL, NAME]
    first, second = (m.steps[-1] for m in world.recorded)
    assert (first.op, first.failure) == ("expect", None)
    assert second.op == "expect"
    assert second.failure


def test_a_failed_lookup_is_tried_at_a_host_that_is_no_resolver_with_a_random_twin() -> None:
    asked: list[bytes] = []
    nobody = over_udp(lambda _, query: asked.append(query))
    world = World(udp={Endpoint(DECOY.ip, 53): nobody})
    evidence = failed([resolve("dns_nxdomain_error")])
    twin = [f.NEUTRAL_AT_NON_RESOLVER, f.NAME_AT_NON_RESOLVER]
    assert world.investigate(evidence) == twin * 2
    assert [m.trial for m in world.recorded] == [1, 1, 2, 2]
    hosts = world.names("hostname")
    assert hosts[1] == hosts[3] == NAME
    assert hosts[0] != hosts[2]
    assert all(name.endswith(".neutral.example") for name in hosts[::2])
    assert len(asked) == 4


def test_an_answer_from_nobody_is_shown_again_and_again() -> None:
    def inject(peer: FakePeer, query: bytes) -> None:
        if b"\x04shop" in query:
            peer.send(reply(query, "203.0.113.9"))

    world = World(udp={Endpoint(DECOY.ip, 53): over_udp(inject)})
    evidence = failed([resolve("dns_nxdomain_error")])
    twin = [f.NEUTRAL_AT_NON_RESOLVER, f.NAME_AT_NON_RESOLVER]
    assert world.investigate(evidence) == twin * 3
    hosts = world.names("hostname")
    assert hosts[2] == "www.neutral.example"
    assert len(set(hosts[::2])) == 3


def test_who_answers_for_a_neutral_name_is_not_asked_for_the_targets() -> None:
    lost: list[bytes] = []

    def proxy(peer: FakePeer, query: bytes) -> None:
        if lost:
            peer.send(reply(query, "203.0.113.9"))
        else:
            lost.append(query)  # the first is lost, as datagrams are

    world = World(udp={Endpoint(DECOY.ip, 53): over_udp(proxy)})
    evidence = failed([resolve("dns_nxdomain_error")])
    twin = [f.NEUTRAL_AT_NON_RESOLVER, f.NAME_AT_NON_RESOLVER]
    assert world.investigate(evidence) == [*twin, f.NEUTRAL_AT_NON_RESOLVER]


@pytest.mark.parametrize(
    ("steps", "doubtful"),
    [
        ([resolve(TIMEOUT)], True),
        ([resolve(), *https("connect", RESET)[1:]], False),
        (
            [resolve(answers=[{"type": "A", "data": "127.0.0.1"}]), *https("connect", RESET)[1:]],
            True,
        ),
        (
            [
                resolve(answers=[{"type": "A", "data": "93.184.1.1"}]),
                step("extra_answer", 1, answers=[{"type": "A", "data": "93.184.1.2"}]),
                *https("connect", RESET)[1:],
            ],
            True,
        ),
    ],
)
def test_only_a_lookup_that_is_in_doubt_is_looked_into(steps: list[Step], doubtful: bool) -> None:
    world = World(udp={Endpoint(DECOY.ip, 53): silent})
    kinds = world.investigate(failed(steps))
    assert (f.NAME_AT_NON_RESOLVER in kinds) is doubtful


def test_a_target_without_a_name_has_no_lookup_to_doubt() -> None:
    world = World(udp={Endpoint(DECOY.ip, 53): silent})
    trial = measured("https", https("connect", RESET), url="https://192.0.2.1/")
    assert world.investigate(Evidence(trials=(trial,), **valid_control("93.184.1.1"))) == []


def test_an_odd_answer_is_asked_for_the_name_s_certificate_and_so_is_the_control_s() -> None:
    odd, good = Endpoint("93.184.1.1", 443), Endpoint("93.184.9.9", 443)
    world = World(tcp={odd: tls(serving(NAME, "self_signed")), good: tls(serving(NAME))}, decoys=())
    here = resolve(answers=[{"type": "A", "data": odd.ip}])
    refused = step("connect", 2, RESET, address=str(odd))
    kinds = world.investigate(failed([here, refused], **valid_control(good.ip)))
    assert kinds == [f.CERTIFICATE_AT_ANSWER, f.CERTIFICATE_AT_CONTROL_ANSWER]
    assert world.net.dialled == [odd, good]
    assert world.names() == [NAME, NAME]
    assert world.failures() == ["ssl_unknown_authority", None]


def test_a_few_odd_answers_suffice_and_impossible_or_known_ones_are_not_contacted() -> None:
    answered = [f"93.184.1.{n}" for n in range(1, 9)]
    impossible = ["127.0.0.1", "10.0.0.1", "192.168.1.1"]
    data = [{"type": "A", "data": ip} for ip in (*answered, *impossible)]
    world = World(decoys=())
    trial = [resolve(answers=data), step("connect", 2, RESET, address="93.184.1.1:443")]
    world.investigate(failed(trial, **valid_control("93.184.9.9", "93.184.9.8")))
    assert world.kinds.count(f.CERTIFICATE_AT_ANSWER) == 3
    assert world.kinds.count(f.CERTIFICATE_AT_CONTROL_ANSWER) == 1
    assert not {e.ip for e in world.net.dialled} & set(impossible)


def test_a_control_s_answer_from_its_own_network_is_not_contacted() -> None:
    world = World(decoys=())
    trial = [
        resolve(answers=[{"type": "A", "data": "93.184.1.1"}]),
        step("connect", 2, RESET, address="93.184.1.1:443"),
    ]
    world.investigate(failed(trial, **valid_control("192.168.1.1")))
    assert "192.168.1.1" not in {endpoint.ip for endpoint in world.net.dialled}

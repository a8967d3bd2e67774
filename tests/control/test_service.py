"""probe.control.service: what is measured for clients, and everything that is refused to them."""

import asyncio
import hashlib
from typing import Any

import pytest
from support.measuring import OTHER, SITE, asked, asking, made, site
from support.servers import http, page, silent
from support.virtual import run_virtual

from probe.control.limits import BusyError, Places
from probe.control.service import LONGEST
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.plan.question import MAX_REPLY, Question, Reply


def test_a_target_is_measured_at_what_the_asker_knows_and_at_what_is_looked_up_here() -> None:
    net = site(shop_example=(OTHER,))
    reply = asking(net, Question(url="http://shop.example/", addresses=(SITE,)))
    (found,) = reply.measurements
    assert found.invalid is None
    assert {step.address for step in found.steps if step.op == "connect"} == {
        f"{SITE}:80",
        f"{OTHER}:80",
    }
    assert (reply.control.id, reply.control.country, reply.control.asn) == ("berlin", "DE", 64500)
    assert reply.client == "198.51.100.7"
    body = next(step.detail["body"] for step in found.steps if step.op == "transfer")
    assert reply.objects[body] == b"hello"


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (Question(url="gopher://x.example/"), "no check is called 'gopher'"),
        (Question(url="nonsense"), "names no host"),
        (Question(url="https://x.example/", options={"resolver": "udp://1.1.1.1"}), "no option"),
        (Question(url="https://x.example/", options={"ca_file": "/etc/passwd"}), "no option"),
        (Question(url="https://x.example/#addresses=1.1.1.1"), "beside the URL"),
        (Question(url="https://x.example/", options={"follow": 99}), "10"),
        (Question(url="dns://x.example", options={"type": "MX"}), "no resolver here"),
    ],
)
def test_what_no_control_measures_comes_back_with_the_reason(
    question: Question, reason: str
) -> None:
    net = site(x_example=(SITE,))
    found, other = asking(net, question, "tcp://x.example:80").measurements
    assert found.invalid is not None and found.invalid.startswith("refused: ")
    assert reason in found.invalid
    assert found.steps == ()
    assert other.invalid is None  # the request's other targets are measured


def test_a_round_of_anchors_is_shared_for_a_minute_and_may_be_private() -> None:
    net = site(anchor_example=("10.0.0.1",), shop_example=(SITE,))

    async def main() -> list[Reply]:
        measuring = made(net, anchors={"international": ["http://anchor.example/"]})
        once = [measuring.reply(asked("tcp://shop.example:80"), "198.51.100.7") for _ in range(6)]
        replies = [Reply.from_json(raw) for raw in await asyncio.gather(*once)]
        await asyncio.sleep(61)
        later = await measuring.reply(asked("tcp://shop.example:80"), "198.51.100.7")
        return [*replies, Reply.from_json(later)]

    *replies, later = run_virtual(main())
    assert {len(each.anchors) for each in replies} == {1}
    assert len({each.anchors[0].id for each in replies}) == 1
    assert later.anchors[0].id != replies[0].anchors[0].id
    (anchor,) = later.anchors
    assert (anchor.role, anchor.target.feature, anchor.invalid) == ("anchor", "international", None)
    body = next(step.detail["body"] for step in anchor.steps if step.op == "transfer")
    assert later.objects[body] == b"hello"


def test_a_silent_target_is_told_before_the_asker_gives_up() -> None:
    net = site()
    net.tcp[Endpoint(SITE, 443)] = silent

    async def main() -> tuple[Reply, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        measuring = made(net, timeouts={"tls": "5m"}, timeout="10m")
        raw = await measuring.reply(asked(f"tls://{SITE}"), "198.51.100.7")
        return Reply.from_json(raw), loop.time() - began

    reply, took = run_virtual(main())
    assert reply.measurements[0].steps[-1].failure == "generic_timeout_error"
    assert took == pytest.approx(LONGEST, abs=0.1)


def test_beyond_the_places_targets_wait_a_little_and_then_are_told_to_come_again() -> None:
    net = site()
    net.tcp[Endpoint(SITE, 443)] = silent

    async def main() -> list[Any]:
        measuring = made(net, places=Places(2, 3))
        slow = [measuring.reply(asked(f"tls://{SITE}"), "198.51.100.7") for _ in range(7)]
        return await asyncio.gather(*slow, return_exceptions=True)

    told = run_virtual(main())
    assert [type(each) for each in told] == [bytes] * 2 + [BusyError] * 5


def test_in_a_large_request_what_found_no_place_says_so_and_the_rest_counts() -> None:
    net = site()
    net.tcp[Endpoint(SITE, 443)] = silent
    questions = [f"tls://{SITE}", f"tcp://{OTHER}:80"]
    reply = asking(net, *questions, places=Places(1, 1))
    assert [m.invalid for m in reply.measurements] == [
        None,
        "busy: no place became free in time",
    ]


def test_an_answer_keeps_to_its_size_whatever_the_targets_send() -> None:
    net = FakeNetwork()
    targets = [f"93.184.1.{number}" for number in range(1, 17)]
    for ip in targets:
        noise = hashlib.shake_256(ip.encode()).digest(200_000)
        many = [f"X-{n}: {'y' * 8000}" for n in range(6)]
        net.tcp[Endpoint(ip, 80)] = http(page(noise, "500 Broken", *many))
    questions = [Question(url=f"http://{ip}/", addresses=tuple(targets[:8])) for ip in targets]

    async def main() -> bytes:
        return await made(net).reply(questions, "198.51.100.7")

    raw = run_virtual(main())
    assert MAX_REPLY / 4 < len(raw) <= MAX_REPLY
    assert len(Reply.from_json(raw).measurements) == 16

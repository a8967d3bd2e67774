"""The path of the replay: what it does to a connection at one place, at one time, to one name."""

import asyncio
import errno
import socket
import ssl
from datetime import UTC, datetime

import pytest

from probe.core.address import Endpoint
from probe.demo.filter import Path
from probe.demo.jumping import JumpingClock, run_jumping
from probe.demo.scripted import accepting
from probe.demo.story import read_story

MEDIA, CHAT = "mmg.whatsapp.example", "e1.whatsapp.example"
NOON = datetime(2017, 7, 18, 12, tzinfo=UTC)


def place(name):
    story = read_story()
    return next(one for one in (*story.vantages, story.control) if one.id == f"replay-{name}")


def hello(name):
    context = ssl.create_default_context()
    outgoing = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


def at(where, when, *, losses=0.0):
    """A path at this time, with a host for every name that accepts and says ``ok``."""
    story = read_story().model_copy(update={"losses": losses})

    async def greeting(peer, first):
        peer.send(b"ok")
        await accepting(peer, first)

    path = Path(story, place(where), JumpingClock(when))
    path.serve(dict.fromkeys(story.hosts, greeting))
    return path


def said(path, sent, host=MEDIA):
    """What comes back for these bytes at a host."""

    async def main():
        (ip,) = await path.lookup(host)
        async with asyncio.timeout(10):
            stream = await path.connect(Endpoint(ip, 443))
            await stream.send(sent)
            return await stream.receive()

    return run_jumping(main())


def test_the_name_is_reset_wherever_it_is_sent_and_no_other_is():
    path = at("shanghai-mobile", NOON)
    for host in (MEDIA, CHAT):
        with pytest.raises(ConnectionResetError):
            said(path, hello(MEDIA), host)
    assert said(path, hello("www.example.com")) == b"ok"
    assert said(path, b"harmless bytes\r\n") == b"ok"


@pytest.mark.parametrize("where", ["shanghai-line", "control"])
def test_whom_the_filter_does_not_concern_is_never_cut(where):
    assert said(at(where, NOON), hello(MEDIA)) == b"ok"


@pytest.mark.parametrize("day", [17, 22])
def test_the_filter_has_a_beginning_and_an_end(day):
    assert said(at("shanghai-mobile", NOON.replace(day=day)), hello(MEDIA)) == b"ok"


def test_where_it_comes_and_goes_an_hour_has_one_answer():
    answers = []
    for hour in range(24):
        found = set()
        for minute in (1, 59):
            when = NOON.replace(day=19, hour=hour, minute=minute)
            try:
                found.add(said(at("beijing-home", when), hello(MEDIA)))
            except ConnectionResetError:
                found.add(b"")
        answers.append(found)
    assert all(len(found) == 1 for found in answers)
    assert 4 <= answers.count({b"ok"}) <= 20


def test_offline_nothing_can_be_reached_nor_looked_up():
    path = at("guangzhou-home", datetime(2017, 7, 5, tzinfo=UTC))
    with pytest.raises(socket.gaierror):
        run_jumping(path.lookup(MEDIA))
    with pytest.raises(OSError, match="unreachable") as caught:
        run_jumping(path.connect(Endpoint("3ffe:b::3", 443)))
    assert caught.value.errno == errno.ENETUNREACH


def test_a_provider_that_is_gone_answers_nobody():
    gate = "gate.greenvpn.example"
    for where in ("shanghai-line", "control"):
        assert said(at(where, datetime(2017, 6, 30, tzinfo=UTC)), hello(gate), gate) == b"ok"
        with pytest.raises(TimeoutError):
            said(at(where, datetime(2017, 7, 1, tzinfo=UTC)), hello(gate), gate)


def test_everyday_losses_spare_the_control():
    with pytest.raises(ConnectionResetError):
        said(at("shanghai-line", NOON, losses=1.0), hello(MEDIA))
    assert said(at("control", NOON, losses=1.0), hello(MEDIA)) == b"ok"


def test_lines_are_longer_in_the_evening():
    def mean(hour):
        path = at("beijing-home", NOON.replace(hour=hour))
        return sum(path.distance() for _ in range(200)) / 200

    assert 0.21 < mean(0) < mean(12) < 0.42

"""probe.checks.tunnel_echo, by WireGuard's: loss is no failure, an end is, and silence inside the
tunnel is told from silence on the way by what the server itself acknowledges."""

import asyncio
import base64
import errno
import itertools
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from pydantic import SecretStr
from support.kits import run_check
from wire.test_icmp_echo import replied
from wire.wg_responder import Responder

from probe.checks.wireguard import WireguardCheck
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.plan.target import OptionError, parse_target
from probe.wire.wireguard import public_of

AT, SECOND = Endpoint("192.0.2.6", 51820), Endpoint("192.0.2.7", 51820)
OURS = bytes(range(32))
PUBLIC = public_of(X25519PrivateKey.from_private_bytes(OURS))
SERVER = X25519PrivateKey.generate()
KEY = base64.b64encode(public_of(SERVER)).decode()
INSIDE = {"tunnel_address": "10.99.0.2", "tunnel_peer": "10.99.0.1"}
WHERE = {"host": AT.ip, "port": AT.port, "public_key": KEY}
KNOWN = SecretStr(base64.b64encode(OURS).decode())
SILENCE = "generic_timeout_error"


class Server:
    """A server and the way to it.

    ``there`` and ``back`` say which messages with data pass, by their number; ``lag`` is how long
    the way back takes; ``inside`` how many are answered in the tunnel, and ``wait`` how long it is
    until it acknowledges. ``got`` is what reached it: the length of each packet, 0 for a keepalive.
    """

    def __init__(
        self, *, there=None, back=None, shakes=None, lag=0.0, inside=99, wait=10.0, junk=0
    ):
        self.responder = Responder(PUBLIC, private=SERVER)
        self.got: list[int] = []
        self._there, self._back, self._shakes = there, back, shakes
        self._lag, self._inside, self._wait, self._junk = lag, inside, wait, junk
        self._numbers = {"there": 0, "back": 0, "shakes": 0}
        self._due = None

    async def __call__(self, peer):
        while data := await peer.receive():
            if data[0] == 1:
                if self._passes("shakes", self._shakes):
                    self._say(peer, self.responder.response(data))
            elif self._passes("there", self._there):
                self._data(peer, data)

    def _passes(self, way, rule):
        self._numbers[way] += 1
        return rule is None or rule(self._numbers[way])

    def _say(self, peer, data):
        asyncio.get_running_loop().call_later(self._lag, peer.send, data)

    def _data(self, peer, data):
        packet = self.responder.session.open(data)
        if packet is None:
            return  # of a session that it has forgotten
        self.got.append(len(packet))
        for _ in range(self._junk):
            peer.send(data[:4] + os.urandom(92))
        if packet and len(self.got) <= self._inside:
            self._seal(peer, replied(packet[:84]))
        elif packet and self._due is None:
            self._due = asyncio.get_running_loop().call_later(self._wait, self._acknowledge, peer)

    def _acknowledge(self, peer):
        self._due = None
        self._seal(peer, b"")

    def _seal(self, peer, packet):
        sealed = self.responder.session.seal(packet)
        if self._passes("back", self._back):
            self._say(peer, sealed)


def run(server, *, timeouts=None, **options):
    check = WireguardCheck(**{**WHERE, "private_key": KNOWN, **INSIDE, **options})
    return run_check(check, FakeNetwork(udp={AT: server}), timeouts=timeouts)


def data(server, **options):
    return run(server, **options).only("data_exchange")


def up_to(count):
    return lambda number: number <= count


def test_packets_go_through_the_tunnel_and_come_back():
    server = Server()
    step = data(server)
    assert (step.failure, step.transaction, step.address) == (None, 1, str(AT))
    told = {key: step.detail[key] for key in ("sent", "received", "keepalives", "others", "strays")}
    assert told == {"sent": 20, "received": 20, "keepalives": 0, "others": 0, "strays": 0}
    assert step.detail["bytes"] == 20 * 128
    times, counts = zip(*step.detail["progress"], strict=True)
    assert list(times) == sorted(times)
    assert counts == tuple(range(128, 2561, 128))
    assert "stops" not in step.detail
    assert step.t - step.t0 < 3.0
    assert server.got[-1] == 0  # the last word is ours
    assert server.got[:-1] == [96] * 20


@pytest.mark.parametrize("way", ["there", "back"])
@pytest.mark.parametrize(
    ("lost", "received"),
    [
        (lambda number: number % 3 == 0, 14),
        (lambda number: number > 18, 18),
        (lambda number: 18 <= number <= 20, 18),  # and one more, because the last three were lost
        (lambda number: 5 <= number < 27, 5),  # eight seconds of nothing, and on it goes
    ],
    ids=["now and then", "the last two", "the last three", "a gap"],
)
def test_loss_is_no_failure(way, lost, received):
    step = data(Server(**{way: lambda number: not lost(number)}))
    assert step.failure is None
    assert step.detail["received"] == received
    assert step.detail["sent"] >= received


@pytest.mark.parametrize("way", ["there", "back"])
def test_an_end_after_some_packets_is_a_failure(way):
    step = data(Server(**{way: up_to(6)}))
    assert (step.failure, step.detail["stops"], step.detail["received"]) == (SILENCE, 6, 6)
    assert step.detail["again"] is True  # a handshake still passes
    assert "never" not in step.detail
    assert 13.0 < step.t - step.t0 < 20.0
    assert step.detail["sent"] > 23  # it went on trying


def test_where_nothing_passes_any_more_the_next_handshake_is_not_answered_either():
    step = data(Server(back=up_to(6), shakes=up_to(1)))
    assert (step.failure, step.detail["stops"], step.detail["again"]) == (SILENCE, 6, False)


@pytest.mark.parametrize("way", ["there", "back"])
def test_that_nothing_ever_came_is_told(way):
    step = data(Server(**{way: up_to(0)}))
    assert (step.failure, step.detail["never"], step.detail["stops"]) == (SILENCE, True, 0)


def test_nobody_inside_who_answers_is_no_failure_because_the_server_acknowledges():
    step = data(Server(inside=0))
    assert (step.failure, step.detail["received"], step.detail["keepalives"]) == (None, 0, 1)
    assert 10.0 < step.t - step.t0 < 13.0


def test_a_host_inside_that_has_enough_of_it_is_no_failure_either():
    # The acknowledgement comes 12.7 seconds after the last answer, and a second passes after it.
    step = data(Server(inside=6, wait=12.6))
    assert (step.failure, step.detail["received"], step.detail["keepalives"]) == (None, 6, 1)
    assert step.t - step.t0 > 13.0
    assert {"one_way", "stops"}.isdisjoint(step.detail)


def test_an_acknowledgement_that_takes_long_is_still_waited_for():
    step = data(Server(inside=0, lag=2.5))
    assert (step.failure, step.detail["keepalives"]) == (None, 1)
    assert step.t - step.t0 > 13.0  # it came while another handshake was tried
    assert "stops" not in step.detail


def test_a_silence_that_was_too_short_is_not_called_an_end():
    step = data(Server(back=up_to(6)), timeouts={"transfer": 8.0})
    assert step.failure == SILENCE
    assert "stops" not in step.detail


def test_what_the_keys_do_not_open_is_counted():
    step = data(Server(junk=1))
    assert (step.failure, step.detail["strays"], step.detail["received"]) == (None, 20, 20)


def test_on_a_slow_way_the_session_of_the_second_handshake_is_the_one_that_counts():
    done = run(Server(lag=1.5))
    assert done.only("wireguard_initiation").detail["packets"] == 2
    step = done.only("data_exchange")
    # Meanwhile the server has forgotten the first session; its answer to the second initiation
    # comes a second after that to the first.
    assert (step.failure, step.detail["received"]) == (None, 10)


def test_a_port_that_closes_meanwhile_says_so():
    class Closing(Server):
        def _data(self, peer, data):
            peer.outbox.put_nowait(OSError(errno.ECONNREFUSED, "closed"))

    assert data(Closing()).failure == "connection_refused"


def test_without_the_right_pre_shared_key_nothing_can_be_sent():
    server = Server()
    server.responder.psk = b"\7" * 32
    assert run(server).ops() == [("wireguard_initiation", 1, None)]


def test_addresses_are_tried_one_after_another_because_a_key_has_one_tunnel():
    first, second = Server(), Server()
    check = WireguardCheck(
        **{**WHERE, **INSIDE, "private_key": KNOWN, "addresses": (AT.ip, SECOND.ip)}
    )
    steps = run_check(check, FakeNetwork(udp={AT: first, SECOND: second})).steps
    assert [(s.address, s.op) for s in steps] == [
        (str(at), op) for at in (AT, SECOND) for op in ("wireguard_initiation", "data_exchange")
    ]
    assert all(before.t <= after.t0 for before, after in itertools.pairwise(steps))


def test_an_address_for_which_no_time_is_left_is_not_called_silent():
    check = WireguardCheck(
        **{**WHERE, **INSIDE, "private_key": KNOWN, "addresses": (AT.ip, SECOND.ip)}
    )
    net = FakeNetwork(udp={AT: Server(back=up_to(6)), SECOND: Server()})
    assert {step.address for step in run_check(check, net, budget=25.0).steps} == {str(AT)}


def test_more_packets_or_none_as_it_is_told():
    assert data(Server(), data=30).detail["received"] == 30
    assert run(Server(), data=0).ops() == [("wireguard_initiation", 1, None)]
    bare = {"tunnel_address": None, "tunnel_peer": None}
    assert run(Server(), **bare).ops() == [("wireguard_initiation", 1, None)]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("tunnel_address=10.9.0.2", "need both"),
        ("tunnel_peer=10.9.0.1", "need both"),
        ("data=20", "need both"),
        ("tunnel_address=10.9.0.2&tunnel_peer=fd99::1", "same IP version"),
        ("tunnel_address=ten&tunnel_peer=10.9.0.1", "ten"),
        ("tunnel_address=10.9.0.2&tunnel_peer=10.9.0.1&data=19", "20 to 30 packets"),
        ("tunnel_address=10.9.0.2&tunnel_peer=10.9.0.1&data=31", "20 to 30 packets"),
    ],
)
def test_wrong_options_are_told(options, told):
    with pytest.raises((OptionError, ValueError), match=told):
        parse_target(f"wireguard://vpn.example?public_key={KEY}&{options}")


def test_the_options_stand_in_a_url_too():
    inside = "tunnel_address=10.9.0.2/32&tunnel_peer=10.9.0.1&data=25"
    check = parse_target(f"wireguard://vpn.example?public_key={KEY}&{inside}").check
    assert (check.tunnel_address, check.tunnel_peer, check.data) == ("10.9.0.2", "10.9.0.1", 25)


def test_the_plan_says_what_goes_through_the_tunnel():
    sent = list(WireguardCheck(**WHERE, **INSIDE, private_key=KNOWN).sends())
    assert [s.what for s in sent][1].startswith("WireGuard data: 20 echo requests")
    assert sent[1].what.endswith("to 10.99.0.1 inside")
    assert len(list(WireguardCheck(**WHERE, **INSIDE).sends())) == 1  # without the key none

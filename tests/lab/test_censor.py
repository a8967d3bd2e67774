"""The censor and the middle do what their rules say, as plain clients see it."""

from collections.abc import Iterator
from typing import Any

import pytest
from lab import rules as r
from lab.clients import PATIENCE
from lab.needed import laboratory
from lab.network import Lab
from lab.places import FRONT, RESOLVER, RESOLVER6, WILDCARD
from lab.rules import Act, Rule, Where
from lab.servers import BIG, Servers, Site, World

pytestmark = [pytest.mark.lab, laboratory]
NAME, OTHER, HOST, NEXT = "name.example", "other.example", "93.184.10.1", "93.184.10.2"
SIX = "2606:2800:10::1"
WORLD = World(
    sites=(
        Site(names=(NAME, OTHER), addresses=(HOST, NEXT, SIX)),
        Site(names=("fence.example",), addresses=("93.184.10.3",), here_status=451),
        Site(
            names=("cdn.example",), addresses=("93.184.10.4",), control_addresses=("93.184.10.5",)
        ),
        Site(names=("dead.example",), addresses=(FRONT,), resets=True),
        Site(names=("alive.example",), addresses=(FRONT,)),
        Site(names=("expired.example",), addresses=("93.184.10.6",), certificate="expired"),
        Site(names=("off.example",), addresses=("93.184.200.1",)),
    )
)


class Path:
    """What clients at the vantage see."""

    def __init__(self, lab: Lab, servers: Servers) -> None:
        self.lab, self.servers = lab, servers

    def censor(self, act: Act, **where: Any) -> None:
        """From now on only this."""
        self.lab.censor(Rule(where=Where(**where), act=act))

    def call(self, function: str, space: str = "vantage", **arguments: Any) -> Any:
        return self.lab.run_python(space, f"lab.clients:{function}", **arguments)

    def tls(self, name: str, host: str = HOST, **more: Any) -> Any:
        return self.call("web", host=host, name=name, trust=str(self.servers.trust), **more)

    def http(self, name: str, host: str = HOST, **more: Any) -> Any:
        return self.call("web", host=host, name=name, **more)

    def lookup(self, name: str, host: str = RESOLVER, **more: Any) -> Any:
        return self.call("lookup", host=host, name=name, **more)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        yield Path(lab, Servers(lab, WORLD))


@pytest.fixture
def path(built: Path) -> Path:
    built.lab.censor()
    return built


# --- the world without a censor ------------------------------------------------------------------


def test_the_world_answers(path: Path) -> None:
    assert path.lookup(NAME) == [["NOERROR", [HOST, NEXT]]]
    assert path.lookup(NAME, type_="AAAA", host=RESOLVER6) == [["NOERROR", [SIX]]]
    assert path.lookup("nobody.example") == [["NXDOMAIN", []]]
    assert path.lookup("nobody.example", host=WILDCARD) == [["NOERROR", [WILDCARD]]]
    assert (path.tls(NAME)["status"], path.http(NAME)["status"]) == (200, 200)
    assert path.tls(NAME, host=SIX)["status"] == 200
    assert path.tls(NAME, path="/big")["bytes"] > BIG
    assert path.call("ask_udp", host=HOST) == "ECONNREFUSED"


def test_the_lookalikes_look_so(path: Path) -> None:
    assert path.tls("fence.example", "93.184.10.3")["status"] == 451
    there = {"host": "93.184.10.3", "name": "fence.example", "trust": str(path.servers.trust)}
    assert path.call("web", space="control", **there)["status"] == 200
    assert path.lookup("cdn.example") == [["NOERROR", ["93.184.10.4"]]]
    elsewhere = path.call("lookup", space="control", host=RESOLVER, name="cdn.example")
    assert elsewhere == [["NOERROR", ["93.184.10.5"]]]
    assert path.tls("dead.example", FRONT)["failure"] == "ECONNRESET"
    assert path.tls("alive.example", FRONT)["status"] == 200
    assert path.tls("expired.example", "93.184.10.6")["failure"] == "certificate has expired"
    assert path.call("connect", host="93.184.200.1", port=443, within=0.5)["failure"] == "timeout"


# --- names ---------------------------------------------------------------------------------------

BOGON = r.Forged(addresses=("10.0.0.1",))
SECOND = r.Forged(addresses=("31.13.0.9",), after=0.003, injector=1)


@pytest.mark.parametrize("host", [RESOLVER, "93.184.77.77"], ids=["resolver", "nobody"])
def test_forged_answers_come_first_whoever_is_asked(path: Path, host: str) -> None:
    path.censor(r.DnsInject(answers=(BOGON, SECOND)), names=(NAME,))
    forged = [["NOERROR", ["10.0.0.1"]], ["NOERROR", ["31.13.0.9"]]]
    real = [["NOERROR", [HOST, NEXT]]] if host == RESOLVER else []
    assert path.lookup(NAME, host=host, most=len(forged + real)) == forged + real
    assert path.lookup(OTHER)[0][1] == [HOST, NEXT]


def test_the_real_answer_can_be_suppressed(path: Path) -> None:
    path.censor(r.DnsInject(answers=(BOGON,), suppress=True), names=(NAME,))
    assert path.lookup(NAME) == [["NOERROR", ["10.0.0.1"]]]


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "REFUSED", "SERVFAIL", "NOERROR"])
def test_answers_without_addresses_are_forged_too(path: Path, rcode: Any) -> None:
    path.censor(r.DnsInject(answers=(r.Forged(rcode=rcode),), suppress=True), names=(NAME,))
    assert path.lookup(NAME) == [[rcode, []]]


def test_an_address_is_forged_only_for_its_own_type(path: Path) -> None:
    path.censor(r.DnsInject(answers=(r.Forged(addresses=("2001::1",)),)), names=(NAME,))
    assert path.lookup(NAME) == [["NOERROR", [HOST, NEXT]]]
    assert path.lookup(NAME, type_="AAAA", most=2)[0] == ["NOERROR", ["2001::1"]]


def test_queries_vanish_are_proxied_or_doubled(path: Path) -> None:
    path.censor(r.DnsDrop(), names=(NAME,))
    assert path.lookup(NAME, most=0) == []
    path.censor(r.DnsProxy(upstream=RESOLVER))
    assert path.lookup(NAME, host="93.184.77.77") == [["NOERROR", [HOST, NEXT]]]
    path.censor(r.DnsDuplicate(), names=(NAME,))
    assert path.lookup(NAME, most=2) == [["NOERROR", [HOST, NEXT]]] * 2


# --- addresses -----------------------------------------------------------------------------------


@pytest.mark.parametrize("direction", ["both", "in", "out"])
def test_an_address_is_null_routed(path: Path, direction: Any) -> None:
    path.censor(r.NullRoute(direction=direction), addresses=(HOST,))
    assert path.call("connect", host=HOST, port=443, within=0.5)["failure"] == "timeout"
    assert path.call("connect", host=NEXT, port=443)["failure"] is None


def test_one_port_or_protocol_only(path: Path) -> None:
    path.censor(r.NullRoute(), addresses=(HOST,), ports=(443,), protocol="tcp")
    assert path.call("connect", host=HOST, port=443, within=0.5)["failure"] == "timeout"
    assert path.http(NAME)["status"] == 200
    path.censor(r.NullRoute(), ports=(443,), protocol="udp")
    assert path.call("ask_udp", host=HOST, within=0.5) == "timeout"
    assert path.tls(NAME)["status"] == 200


@pytest.mark.parametrize(
    ("act", "failure"),
    [
        (r.IcmpUnreachable(code=0), "ENETUNREACH"),
        (r.IcmpUnreachable(code=1), "EHOSTUNREACH"),
        (r.IcmpUnreachable(code=13), "EHOSTUNREACH"),
        (r.RstToSyn(), "ECONNREFUSED"),
    ],
)
def test_a_connection_is_refused_in_the_servers_name(path: Path, act: Act, failure: str) -> None:
    path.censor(act, addresses=(HOST,))
    found = path.call("connect", host=HOST, port=443)
    assert (found["stage"], found["failure"]) == ("connect", failure)


def test_any_first_data_are_reset(path: Path) -> None:
    path.censor(r.RstAnyData(), addresses=(HOST,))
    found = path.call("connect", host=HOST, port=443, say="anything at all")
    assert (found["stage"], found["failure"]) == ("data", "ECONNRESET")


# --- server names --------------------------------------------------------------------------------


@pytest.mark.parametrize("fingerprint", ["gfw1", "gfw2", "gfw3", "henan"])
@pytest.mark.parametrize("layer", ["tls", "http"])
def test_a_name_is_reset_and_another_is_not(path: Path, fingerprint: Any, layer: Any) -> None:
    path.censor(
        r.NameReset(fingerprint=fingerprint, layer=layer, delay=0.05, hold=True), names=(NAME,)
    )
    ask = path.tls if layer == "tls" else path.http
    assert ask(NAME)["failure"] == "ECONNRESET"
    assert ask(NAME)["stage"] in {"tls", "response"}
    assert ask(OTHER)["status"] == 200


def test_an_innocent_header_is_spared_by_who_looks_at_bare_ones_only(path: Path) -> None:
    path.censor(r.NameReset(bare_only=True, hold=True), names=(NAME,))
    assert path.tls(NAME)["status"] == 200  # Linux sends timestamps


@pytest.mark.parametrize("direction", ["both", "out"])
def test_a_name_is_dropped(path: Path, direction: Any) -> None:
    path.censor(r.NameDrop(direction=direction), names=(NAME,))
    found = path.tls(NAME, within=0.5)
    assert (found["stage"], found["failure"]) == ("tls", "timeout")
    assert path.tls(OTHER)["status"] == 200


@pytest.mark.parametrize(("by", "failure"), [("reset", "ECONNRESET"), ("drop", "timeout")])
def test_after_the_trigger_the_place_is_blocked_for_every_name(
    path: Path, by: Any, failure: str
) -> None:
    residual = r.Residual(seconds=600, by=by)
    path.censor(r.NameReset(hold=True, residual=residual), names=(NAME,))
    assert path.tls(OTHER)["status"] == 200
    assert path.tls(NAME)["failure"] == "ECONNRESET"
    patience = 0.5 if failure == "timeout" else PATIENCE
    assert path.tls(OTHER, within=patience, connecting=patience)["failure"] == failure
    assert path.tls(OTHER, host=NEXT)["status"] == 200
    path.lab.censor()
    assert path.tls(OTHER)["status"] == 200


@pytest.mark.parametrize(
    ("signer", "issuer"), [("self", "self-signed certificate"), ("authority", None)]
)
def test_a_man_in_the_middle_takes_one_name(path: Path, signer: Any, issuer: str | None) -> None:
    honest = path.tls(NAME)["issuer"]
    path.censor(r.Mitm(signer=signer), names=(NAME,), addresses=(HOST,))
    found = path.tls(NAME)
    assert found["failure"] == issuer
    if issuer is None:
        own = {"host": HOST, "name": NAME, "trust": str(path.servers.ca_file)}
        assert found["status"] == 200
        assert path.call("web", **own)["failure"] == "unable to get local issuer certificate"
    assert path.tls(OTHER)["issuer"] == honest


# --- pages ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "status", "word"),
    [
        (r.HttpPage(), 200, "Blocked"),
        (r.HttpPage(status=403, end="fin"), 403, "Blocked"),
        (r.HttpPage(status=302, location="http://93.184.0.77/"), 302, "93.184.0.77"),
        (r.HttpPage(way="race"), 200, "Blocked"),
    ],
)
def test_a_page_is_put_in_anothers_place(path: Path, act: Act, status: int, word: str) -> None:
    path.censor(act, names=(NAME,))
    found = path.http(NAME)
    assert found["status"] == status
    assert word in found["head"]
    assert path.http(OTHER)["status"] == 200


@pytest.mark.parametrize("https", ["reset", "certificate"])
def test_a_portal_stands_before_everything(path: Path, https: Any) -> None:
    path.censor(r.Captive(https=https))
    assert path.http(NAME)["status"] == 302
    failure = {"reset": "ECONNRESET", "certificate": "self-signed certificate"}[https]
    assert path.tls(NAME)["failure"] == failure


# --- rates ---------------------------------------------------------------------------------------


def test_a_transfer_freezes(path: Path) -> None:
    path.censor(r.Freeze(after=16 * 1024), addresses=(HOST,))
    found = path.tls(NAME, path="/big", within=3.0)
    assert found["failure"] == "timeout"
    assert 0 < found["bytes"] < 20 * 1024
    assert path.tls(NAME, host=NEXT, path="/big")["bytes"] > BIG
    assert path.tls(NAME)["status"] == 200


@pytest.mark.parametrize("shape", [True, False])
@pytest.mark.parametrize(
    "where", [{"addresses": (HOST,)}, {"names": (NAME,)}], ids=["address", "name"]
)
def test_a_transfer_is_throttled(path: Path, where: dict[str, Any], shape: bool) -> None:
    path.censor(r.Throttle(kbit=100, shape=shape), **where)
    found = path.tls(NAME, path="/big", within=2.0)
    assert found["failure"] == "timeout"
    assert found["bytes"] < 10_000 + found["seconds"] * 100_000 / 8  # the burst, and the rate
    spared = {"host": NEXT, "name": NAME} if "addresses" in where else {"name": OTHER}
    assert path.tls(path="/big", **spared)["bytes"] > BIG


# --- several at once -----------------------------------------------------------------------------


def test_rules_stand_beside_each_other(path: Path) -> None:
    def ask(name: str) -> Any:
        return path.tls(name)["failure"]

    path.lab.censor(
        Rule(where=Where(names=(NAME,)), act=r.NameReset(hold=True)),
        Rule(where=Where(addresses=(NEXT,)), act=r.RstToSyn()),
    )
    assert (ask(NAME), ask(OTHER)) == ("ECONNRESET", None)
    assert path.tls(OTHER, host=NEXT)["failure"] == "ECONNREFUSED"


# --- protocols by their shape --------------------------------------------------------------------


def test_a_shape_is_swallowed_over_udp_and_what_follows_it_for_a_while(path: Path) -> None:
    residual = r.Residual(seconds=60.0)
    path.censor(r.ShapeFilter(protocol="wireguard", residual=residual), protocol="udp")
    greeting = (b"\1\0\0\0" + bytes(144)).hex()
    assert path.call("ask_udp", host=HOST, port=9, payload="ff") == "ECONNREFUSED"
    assert path.call("ask_udp", host=HOST, port=9, payload=greeting, within=0.5) == "timeout"
    assert path.call("ask_udp", host=HOST, port=9, payload="ff", within=0.5) == "timeout"
    assert path.call("ask_udp", host=NEXT, port=9, payload="ff") == "ECONNREFUSED"


def test_a_shape_is_reset_over_tcp(path: Path) -> None:
    path.censor(r.ShapeFilter(protocol="openvpn", by="reset"), protocol="tcp")
    reset = (b"\0\x0e\x38" + bytes(13)).hex()
    assert path.call("say", host=HOST, port=80, payload=reset) == "ECONNRESET"
    assert path.http(NAME)["status"] == 200

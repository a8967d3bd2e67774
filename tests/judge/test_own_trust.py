"""What a target's own ``ca_file``, ``ca`` or ``pin`` refuses, from real checks to the verdict.

Behind one address stand servers with different certificates, or the operator has just renewed
them: this vantage meets one, a control the other, and nobody interferes. The control asks what a
question of this job would have it ask: it gets no file of this machine's.
"""

import ssl
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from loopback.servers import Certificates
from support.authority import ca_file, serving
from support.cases import control, evidence
from support.kits import run_check
from support.openvpn import PAIRS, Server
from support.openvpn import serving as openvpn
from support.plans import planned
from support.records import measured
from support.servers import page, tls
from support.virtual import DAY

from probe.core.address import Endpoint
from probe.core.model import Step, Verdict
from probe.demo.authority import Authority
from probe.judge.verdict import judge
from probe.net.fake import FakeNetwork, Serve
from probe.plan.jobs import Job
from probe.plan.question import aim_of, question

NAME, IP = "vpn.example", "93.184.1.1"
FORM = (
    b'<config-auth client="vpn" type="auth-request">'
    b'<auth><form action="/auth"/></auth></config-auth>'
)
OPENVPN = ("openvpn+udp", "openvpn+tcp")
GATEWAYS = ("anyconnect", "sstp", "softether")
OVER_TLS = ("tls", "https", "trojan", "anyconnect")  # those whose answer after TLS is scripted


class Servers:
    """Whoever may be met at the address: each a server's TLS settings."""

    def __init__(self, folder: Path) -> None:
        made = {name: folder / name for name in ("strangers", "office", "second")}
        for path in made.values():
            path.mkdir()
        now = datetime.now(UTC)
        office = Authority(made["office"], now, name="The Office")
        self.strangers = Certificates(made["strangers"]).ca_file  # has signed none of them
        self.office_file = str(office.ca_file)
        self.good = serving(NAME)
        self.alone = serving(NAME, "self_signed")
        self.also_alone = Authority(made["second"], now).context(NAME, "self_signed")
        self.of_office, self.renewed = (office.context(NAME, "valid") for _ in range(2))


@pytest.fixture
def servers(tmp_path: Path) -> Servers:
    return Servers(tmp_path)


def job(scheme: str, **options: Any) -> Job:
    """A target that is shown to controls, unlike most of those with a file of their own."""
    target = {"url": f"{scheme}://{NAME}", "addresses": [IP], "private": False, **options}
    return planned(targets=[target]).jobs[0]


def steps(check: Any, shown: ssl.SSLContext, **kit: Any) -> tuple[Step, ...]:
    """What a check meets where this certificate is shown."""
    at = Endpoint(IP, check.port)
    names = {NAME: (IP,)}
    serve: Serve = tls(shown, page(FORM))
    if check.name in OPENVPN:
        over_tcp = check.name == "openvpn+tcp"
        serve = openvpn(Server(PAIRS["none"][1]()), shown, tcp=over_tcp)
        if not over_tcp:
            return tuple(run_check(check, FakeNetwork(names=names, udp={at: serve}), **kit).steps)
    return tuple(run_check(check, FakeNetwork(names=names, tcp={at: serve}), **kit).steps)


def met(
    asked: Job, here: ssl.SSLContext, there: ssl.SSLContext, *, own: Any = None, **kit: Any
) -> Verdict:
    """The verdict where three trials meet one server, and a control, later, the other. ``own`` is
    the control's own check of the target, in place of the question's."""
    elsewhere = own or aim_of(question(asked, [IP])).check
    named = {"check": asked.check.name, "target": asked.target}
    found = measured(asked.check.name, steps(asked.check, here, **kit), target=asked.target)
    repeats = tuple(replace(found, id=f"{found.id}-{n}", trial=n) for n in (1, 2, 3))
    return judge(evidence(repeats, **control(steps(elsewhere, there), **named)), DAY)


def told(verdict: Verdict) -> tuple[str, str | None, str]:
    return verdict.outcome, verdict.mechanism, verdict.rule


UNCLEAR = ("inconclusive", "tls.cert.untrusted")
NOBODY = (*UNCLEAR, "certificate-vouched-by-nobody")
DIFFERS = (*UNCLEAR, "certificate-differs")


# --- OpenVPN: the authorities are the target's own, and no control has them -----------------------


@pytest.mark.parametrize("scheme", OPENVPN)
@pytest.mark.parametrize("there", ["of_office", "renewed", "good", "alone"])
def test_a_wrong_ca_file_accuses_nobody_whatever_the_control_is_shown(
    servers: Servers, scheme: str, there: str
) -> None:
    wrong = job(scheme, ca_file=servers.strangers)
    found = met(wrong, servers.of_office, getattr(servers, there))
    assert told(found) == NOBODY
    assert found.note and "ca_file or pin is missing, wrong or outdated" in found.note


@pytest.mark.parametrize("own", ["office_file", "strangers"])
def test_nor_does_it_where_the_control_has_authorities_of_its_own(
    servers: Servers, own: str
) -> None:
    wrong = job("openvpn+udp", ca_file=servers.strangers)
    theirs = job("openvpn+udp", ca_file=getattr(servers, own)).check
    found = met(wrong, servers.of_office, servers.renewed, own=theirs)
    assert told(found) == (DIFFERS if own == "office_file" else NOBODY)


def test_the_right_ca_file_vouches_for_every_server_behind_the_address(servers: Servers) -> None:
    right = job("openvpn+udp", ca_file=servers.office_file)
    assert met(right, servers.of_office, servers.renewed).outcome == "ok"


# --- certificates of a server's own making --------------------------------------------------------


@pytest.mark.parametrize("scheme", ["tls", "https", "trojan", *GATEWAYS])
@pytest.mark.parametrize("there", ["alone", "also_alone", "of_office"])
def test_a_certificate_that_nobody_trusts_is_no_server_that_is_down(
    servers: Servers, scheme: str, there: str
) -> None:
    found = met(job(scheme), servers.alone, getattr(servers, there))
    assert told(found) == NOBODY
    assert found.control.outcome == "unreachable"
    assert found.note and "ca_file or pin" in found.note


@pytest.mark.parametrize("scheme", OVER_TLS)
def test_another_certificate_than_the_pinned_one_is_one_of_several(
    servers: Servers, scheme: str
) -> None:
    (shown,) = (s for s in steps(job("tls").check, servers.alone) if s.op == "tls_handshake")
    asked = job(scheme, pin=shown.detail["peer_certificates"][0])
    assert told(met(asked, servers.also_alone, servers.alone)) == DIFFERS
    assert told(met(asked, servers.good, servers.alone)) == DIFFERS  # renewed
    assert told(met(asked, servers.good, servers.good)) == NOBODY  # and at the control as well


# --- authorities that the target names beside the common ones -------------------------------------


@pytest.mark.parametrize("scheme", OVER_TLS)
def test_an_authority_that_only_the_control_s_own_target_names_proves_nothing(
    servers: Servers, scheme: str
) -> None:
    theirs = job(scheme, ca_file=servers.office_file).check
    assert told(met(job(scheme), servers.alone, servers.of_office, own=theirs)) == DIFFERS


@pytest.mark.parametrize("scheme", OVER_TLS)
def test_a_server_that_the_target_s_own_authority_vouches_for_is_ok_beside_a_public_one(
    servers: Servers, scheme: str
) -> None:
    asked = job(scheme, ca_file=servers.office_file)
    assert met(asked, servers.of_office, servers.good).outcome == "ok"
    # Among the authorities of all targets it may be one that users were told to trust.
    everywhere = met(job(scheme), servers.of_office, servers.good, ca_file=servers.office_file)
    assert everywhere.rule == "certificate-of-private-authority"


# --- and what is still shown ----------------------------------------------------------------------


@pytest.mark.parametrize("scheme", OVER_TLS)
@pytest.mark.parametrize(("here", "node"), [("alone", "self_signed"), ("of_office", "ca_signed")])
def test_where_every_control_meets_one_that_is_commonly_trusted_it_was_replaced(
    servers: Servers, scheme: str, here: str, node: str
) -> None:
    for options in ({}, {"ca_file": ca_file()}):
        found = met(job(scheme, **options), getattr(servers, here), servers.good)
        assert told(found) == ("blocked", f"tls.mitm.{node}", "certificate-replaced")


def test_one_of_several_servers_that_lacks_its_chain_is_known_by_its_issuer(
    servers: Servers, tmp_path: Path
) -> None:
    (tmp_path / "alike").mkdir()
    alike = Authority(tmp_path / "alike", datetime.now(UTC)).context(NAME, "valid")
    assert told(met(job("https"), alike, servers.good)) == DIFFERS

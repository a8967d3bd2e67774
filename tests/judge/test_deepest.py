"""probe.judge.deepest: no deeper a node than the evidence supports."""

import pytest
from support.cases import CLEAN, RESET, SILENT, control, evidence, follow, tls, trials
from support.records import https, resolve, step

from probe.core.model import Measurement, Step
from probe.judge import followups as f
from probe.judge.deepest import deepest, protocol_step

NEUTRAL_HERE = follow(f.NEUTRAL_AT_TARGET, tls())
OVER_QUIC = [resolve(), step("quic_handshake", 2, "generic_timeout_error")]
NEUTRAL_QUIC = follow(f.NEUTRAL_AT_TARGET, [step("quic_handshake", verify=False)], check="quic")
NEUTRAL_CUT = follow(f.NEUTRAL_AT_TARGET, tls("connection_reset"))
HARMLESS_CUT = follow(f.HARMLESS_AT_TARGET, [step("first_payload", 1, "connection_reset")])


@pytest.mark.parametrize(
    ("steps", "followups", "node"),
    [
        (RESET, (), "tls.reset"),
        (RESET, (NEUTRAL_HERE,), "tls.reset.sni"),
        (OVER_QUIC, (), "quic.timeout"),
        (OVER_QUIC, (NEUTRAL_QUIC,), "quic.timeout.sni"),
        (SILENT, (NEUTRAL_HERE,), "tls.timeout.sni"),
        # The name passed at the decoy: then it is the name together with the address, or neither.
        (RESET, (NEUTRAL_HERE, *CLEAN), "tls.reset"),
        (RESET, (NEUTRAL_CUT,), "tls.reset"),
        (RESET, (NEUTRAL_CUT, HARMLESS_CUT), "tcp.reset"),
        (https("tls_handshake", "eof_error"), (NEUTRAL_CUT, HARMLESS_CUT), "tcp.reset"),
        (https("tls_handshake", "eof_error"), (NEUTRAL_HERE,), "tls.close"),
        (SILENT, (NEUTRAL_CUT, HARMLESS_CUT), "tls.timeout"),
        (https("connect", "generic_timeout_error"), (NEUTRAL_HERE,), "tcp.timeout"),
        (https("http_response", "connection_reset"), (NEUTRAL_HERE,), "http.reset"),
    ],
)
def test_a_name_is_blamed_only_where_another_one_passes(
    steps: list[Step], followups: tuple[Measurement, ...], node: str
) -> None:
    assert deepest(evidence(trials(steps), followups=followups, **control())) == node


@pytest.mark.parametrize(
    ("steps", "own"),
    [
        ([resolve(), step("openvpn_reset", 2, "generic_timeout_error")], True),
        ([resolve(), step("openvpn_reset", 2)], False),
        (RESET, False),
        ([resolve(), step("quic_handshake", 2, "generic_timeout_error")], False),
        ([resolve(), step("quic_version", 2, "generic_timeout_error")], False),
        ([step("first_payload", 1, "connection_reset")], False),
    ],
)
def test_what_no_other_check_does_is_a_protocol_s_own(steps: list[Step], own: bool) -> None:
    assert (protocol_step(evidence(trials(steps, check="vpn"))) is not None) is own

"""The contract's failure names, each made to happen on real sockets.

``CONTRACT`` is written out here, not imported: a name that changes in the program must fail a test.
"""

from dataclasses import replace
from typing import Final

import pytest
from cryptography import x509
from loopback.probing import PATIENT, Probe, failures
from loopback.servers import Loopback
from loopback.table import ROWS, Row

from probe.core.model import Step

# What happens, and the name it has to get. A colon at the end: free text follows.
CONTRACT: Final = {
    "our deadline": "generic_timeout_error",
    "silence": "generic_timeout_error",
    "stalled body": "generic_timeout_error",
    "the kernel's ETIMEDOUT": "timed_out",
    "RST in answer to SYN": "connection_refused",
    "ICMP port unreachable": "connection_refused",
    "RST later": "connection_reset",
    "FIN where data was due": "eof_error",
    "FIN inside a handshake": "eof_error",
    "NXDOMAIN": "dns_nxdomain_error",
    "EAI_NONAME": "dns_nxdomain_error",
    "SERVFAIL": "dns_servfail_error",
    "REFUSED": "dns_refused_error",
    "no records": "dns_no_answer",
    "EAI_AGAIN": "dns_temporary_failure",
    "garbage answer": "dns_server_misbehaving",
    "truncated answer": "dns_server_misbehaving",
    "wrong query id": "dns_reply_with_wrong_query_id",
    "expired certificate": "ssl_invalid_certificate",
    "certificate not yet valid": "ssl_invalid_certificate",
    "unknown issuer": "ssl_unknown_authority",
    "self-signed certificate": "ssl_unknown_authority",
    "wrong name": "ssl_invalid_hostname",
    "unrecognized_name": "ssl_invalid_hostname",
    "another alert": "ssl_failed_handshake",
    "no TLS on the port": "ssl_failed_handshake",
    "broken HTTP": "http_request_failed",
    "endless HTTP": "http_request_failed",
    "an unexpected status": "http_unexpected_status_code",
    "another name": "host_unreachable",
    "anything else": "unknown_failure:",
}
# The contract's last event, "body limit reached", is no failure: test_web has it.
SILENT: Final = {"generic_timeout_error", "dns_reply_with_wrong_query_id"}
DEADLINES: Final = {  # which one ends which step
    "connect": "connect",
    "tls_handshake": "tls",
    "http_response": "first_byte",
    "transfer": "transfer",
    "resolve": "dns",
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.event}: {row.how}")
async def test_what_the_network_does_fails_the_right_step_under_its_name(
    row: Row, loopback: Loopback, probe: Probe
) -> None:
    name = CONTRACT[row.event]
    timeouts = PATIENT
    if name in SILENT:
        timeouts = replace(PATIENT, **{DEADLINES[row.op]: 0.3})
    url = row.url.format(port=row.start(loopback))

    measurement = await probe(url, row.options, net=row.net(), timeouts=timeouts)

    assert measurement.invalid is None
    ((op, failure),) = failures(measurement)
    assert op == row.op
    assert failure == name or (name.endswith(":") and failure.startswith(f"{name} "))
    failed = next(step for step in measurement.steps if step.failure)
    assert row.detail.items() <= failed.detail.items()
    assert failed.t - failed.t0 < PATIENT.dns  # no other deadline is shorter
    if op == "tls_handshake":
        assert _leaf_name(failed, probe) == row.leaf


def _leaf_name(handshake: Step, probe: Probe) -> str | None:
    """The name on the kept leaf, which the step has to give as well; None if none was kept."""
    kept = [probe.objects.get(name) for name in handshake.detail["peer_certificates"]]
    if not kept:
        assert "leaf" not in handshake.detail
        return None
    leaf = x509.load_der_x509_certificate(kept[0])
    (common,) = leaf.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    assert handshake.detail["leaf"]["subject"] == common.value
    assert handshake.detail["leaf"]["names"] == [common.value]
    return str(common.value)


def test_every_event_of_the_contract_has_a_row_and_no_row_stands_twice() -> None:
    assert {row.event for row in ROWS} == set(CONTRACT)
    names = [(row.event, row.how) for row in ROWS]
    assert len(names) == len(set(names))

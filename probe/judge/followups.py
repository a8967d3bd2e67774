"""The kinds of follow-up measurements, by the names that they are recorded under.

A follow-up is a measurement of its own with the role ``followup``; ``Measurement.followup`` holds
one of these names. *Decoy* is the control helper's second address or port, which answers every
server name alike; *neutral* is a name that nobody blocks. ``trial`` counts repeats of one kind.
"""

from typing import Final

# TLS at the decoy, pinned to the certificate that the helper told: a neutral name, then the
# target's. Only the names differ, so a difference is the path's doing (ooni/spec ts-024).
NEUTRAL_AT_DECOY: Final = "neutral-at-decoy"
NAME_AT_DECOY: Final = "name-at-decoy"
# A neutral handshake while a silent target is tried again: whether the line itself loses packets.
NEUTRAL_TWIN: Final = "neutral-twin-at-decoy"
# The same over plain HTTP with the Host header; the decoy's page is known.
NEUTRAL_HOST_AT_DECOY: Final = "neutral-host-at-decoy"
HOST_AT_DECOY: Final = "host-at-decoy"
# At the target's own address and port, before the trigger or after the quarantine.
NEUTRAL_AT_TARGET: Final = "neutral-at-target"  # TLS with a neutral server name, unverified
NAME_AT_TARGET: Final = "name-at-target"  # and with the target's, in turns with the one before
HARMLESS_AT_TARGET: Final = "harmless-at-target"  # a first payload that is nothing's protocol
# A query to a host that is no resolver: whoever answers is not that host (Bhaskar 2022).
NEUTRAL_AT_NON_RESOLVER: Final = "neutral-at-non-resolver"
NAME_AT_NON_RESOLVER: Final = "name-at-non-resolver"
# TLS for the target's name at an address of a DNS answer: the resolvers' here, the control's.
CERTIFICATE_AT_ANSWER: Final = "certificate-at-answer"
CERTIFICATE_AT_CONTROL_ANSWER: Final = "certificate-at-control-answer"
# Interleaved transfers on the same line, in pairs or triples that share their ``trial`` number.
TRANSFER_FROM_TARGET: Final = "transfer-from-target"
TRANSFER_NEUTRAL: Final = "transfer-neutral-at-decoy"
TRANSFER_NAME: Final = "transfer-name-at-decoy"
# First packets at the control's echo, which has nothing to do with the target: as many harmless
# bytes, then some of the shape and length of the target's protocol, with fresh randomness.
HARMLESS_AT_ECHO: Final = "harmless-at-echo"
PROTOCOL_AT_ECHO: Final = "protocol-at-echo"
# Which routers answer on the way (TTL-limited packets); they decide nothing.
TRACE_UDP: Final = "trace-udp"
TRACE_SYN: Final = "trace-syn"
TRACE_HELLO: Final = "trace-hello"

ALL: Final = (
    NEUTRAL_AT_DECOY,
    NAME_AT_DECOY,
    NEUTRAL_TWIN,
    NEUTRAL_HOST_AT_DECOY,
    HOST_AT_DECOY,
    NEUTRAL_AT_TARGET,
    NAME_AT_TARGET,
    HARMLESS_AT_TARGET,
    NEUTRAL_AT_NON_RESOLVER,
    NAME_AT_NON_RESOLVER,
    CERTIFICATE_AT_ANSWER,
    CERTIFICATE_AT_CONTROL_ANSWER,
    TRANSFER_FROM_TARGET,
    TRANSFER_NEUTRAL,
    TRANSFER_NAME,
    HARMLESS_AT_ECHO,
    PROTOCOL_AT_ECHO,
    TRACE_UDP,
    TRACE_SYN,
    TRACE_HELLO,
)

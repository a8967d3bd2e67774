"""Proof from the path itself: it needs no control (law 2)."""

from typing import Final

from probe.judge import answers, certificates, content, decoy
from probe.judge import conditions as when
from probe.judge.rule import Rule, named

PATH: Final = (
    Rule(
        id="page-known",
        when=when.known_page,
        outcome="blocked",
        locus="network",
        mechanism=content.foreign_node,
        note="the answer is a known block page",
        comment="A scoped fingerprint without known false positives is proof from the path (law "
        "2; ooni/blocking-fingerprints).",
        otherwise="a page that no fingerprint knows",
    ),
    Rule(
        id="dns-from-nobody",
        when=when.from_nobody,
        outcome="blocked",
        locus="network",
        mechanism=lambda e: answers.injection(e, answers.answered_by_nobody(e) or frozenset()),
        note="a host that is no resolver answered for this name, and not for a random one",
        comment="Injectors answer whatever the destination, even a closed port (Bhaskar et al. "
        "2022); the neutral twin excludes an honest proxy.",
        otherwise="silence for this name too, or an answer for the random one",
    ),
    Rule(
        id="dns-two-answers",
        when=when.two_answers,
        outcome="blocked",
        locus="network",
        mechanism=lambda e: answers.injection(e, answers.two_answers(e)),
        note="two answers to one query differ, and one of them is forged",
        comment="An injected answer races the genuine one (Duan et al. 2012); a difference alone "
        "is not enough, the address must be impossible, known, or fail the certificate "
        "test.",
        otherwise="addresses that prove the name by their certificate",
    ),
    Rule(
        id="sni-reset-at-decoy",
        when=lambda e: when.failed(e) and decoy.sni_reset(e),
        outcome="blocked",
        locus="network",
        mechanism=named("tls.reset.sni"),
        note="the server name is cut off at an address that does not serve it, where a neutral "
        "name passes",
        comment="Resets triggered by the server name (GFW, fingerprints in sp25-regional); only "
        "the name differed, so neither the server nor the line is the cause.",
        otherwise="the name passing at the decoy",
    ),
    Rule(
        id="sni-dropped-at-decoy",
        when=lambda e: when.failed(e) and decoy.sni_dropped(e) and not when.lossy(e),
        outcome="blocked",
        locus="network",
        mechanism=named("tls.timeout.sni"),
        note="the server name stays unanswered at an address that does not serve it, where a "
        "neutral name passes",
        comment="Packets with the name are dropped (ESNI in China, TSPU SNI-IV). Silence must be "
        "seen at both places, because loss looks like it once.",
        otherwise="the name passing at the decoy",
    ),
)

# What else the decoy shows is no proof by itself: it needs a control that is fine, and repeats.
DECOY: Final = (
    Rule(
        id="page-at-decoy",
        when=lambda e: when.page_at_decoy(e) and when.compared(e),
        outcome="blocked",
        locus="network",
        mechanism=content.foreign_node,
        note="the decoy, asked for this name, drew a page that is not its own",
        comment="The decoy does not serve the name, so the page was written on the path.",
        otherwise="the decoy's own page under this name",
    ),
    Rule(
        id="certificate-at-decoy",
        when=lambda e: when.mitm_at_decoy(e) and when.compared(e),
        outcome="blocked",
        locus="network",
        mechanism=certificates.mitm_node,
        note="under this name even the decoy shows a certificate that is not its own",
        comment="The decoy's certificate is known to the probe: another one was put in between.",
        otherwise="the decoy's own certificate under this name",
    ),
    Rule(
        id="reply-at-decoy",
        when=lambda e: when.reply_at_decoy(e) and when.compared(e),
        outcome="blocked",
        locus="network",
        mechanism=named("tls.injection"),
        note="under this name even the decoy gives an answer that is not its own",
        comment="The decoy completes a handshake under any name: garbage, an alert or another "
        "protocol in its place was written on the path.",
        otherwise="the decoy's own answer under this name",
    ),
    Rule(
        id="host-reset-at-decoy",
        when=lambda e: e.neutral == "http.reset" and decoy.host_reset(e) and when.compared(e),
        outcome="blocked",
        locus="network",
        mechanism=named("http.reset.host"),
        note="the Host header is cut off at an address that does not serve it, where a neutral "
        "one passes",
        comment="Keyword resets on plain HTTP (Rambert et al. 2021).",
        otherwise="the name passing at the decoy",
    ),
)

"""probe.checks.resolver: one resolver, one URL."""

import pytest

from probe.checks.resolver import SYSTEM, Resolver, parse_resolver


@pytest.mark.parametrize(
    ("text", "kind", "host", "port", "path", "addresses"),
    [
        ("udp://192.0.2.53", "udp", "192.0.2.53", 53, "", ()),
        ("udp://[2001:db8::53]:5353", "udp", "2001:db8::53", 5353, "", ()),
        ("tcp://192.0.2.53", "tcp", "192.0.2.53", 53, "", ()),
        ("tls://dns.example", "tls", "dns.example", 853, "", ()),
        ("tls://dns.example#addresses=192.0.2.1,2001:db8::1", "tls", "dns.example", 853, "",
         ("192.0.2.1", "2001:db8::1")),
        ("https://dns.example", "https", "dns.example", 443, "/dns-query", ()),
        ("https://dns.example:8443/q?a=1", "https", "dns.example", 8443, "/q?a=1", ()),
    ],
)  # fmt: skip
def test_a_resolver_is_read(
    text: str, kind: str, host: str, port: int, path: str, addresses: tuple[str, ...]
) -> None:
    expected = Resolver(
        url=text, kind=kind, host=host, port=port, path=path, addresses=addresses
    )  # fmt: skip
    assert parse_resolver(text) == expected


def test_each_way_of_asking_has_its_engines_name() -> None:
    assert parse_resolver("system") is SYSTEM
    urls = ("system", "udp://192.0.2.1", "tcp://192.0.2.1", "tls://a.example", "https://a.example")
    engines = [parse_resolver(url).engine for url in urls]
    assert engines == ["getaddrinfo", "udp", "tcp", "dot", "doh"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("192.0.2.1", "write udp://192.0.2.1"),
        ("", "write system, udp://"),
        ("google", "write system, udp://"),
        ("quic://dns.example", "write system, udp://"),
        ("udp://", "write system, udp://"),
        ("udp://dns.example", "given by its address, not by a name"),
        ("https://user:hunter2@dns.example", "takes no user name or password"),
        ("tls://dns.example#adresses=192.0.2.1", "unknown option 'adresses'"),
        ("tls://dns.example#addresses=dns.example", "'dns.example' is no IP address"),
        ("https://dns.example/?token=hunter2#addresses=x", "'x' is no IP address"),
        ("udp://192.0.2.1:99999", "look at its host and its port"),
        ("https://user:hunter2/x@dns.example", "look at its host and its port"),
        ("udp://[192.0.2.1", "look at its host and its port"),
    ],
)
def test_a_mistake_says_what_to_write(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse_resolver(text)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)

"""probe.plan.target: what a URL means, how it is shown, and what is told of a wrong one."""

import pytest
from support.locked import CHECKS

from probe.plan.target import OptionError, parse_target, secrets_of

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "url", "host", "port"),
    [
        ("https://Shop.EXAMPLE", "https://shop.example/", "shop.example", 443),
        ("HTTPS://shop.example:443/", "https://shop.example/", "shop.example", 443),
        ("https://shop.example:84/A?b=C", "https://shop.example:84/A?b=C", "shop.example", 84),
        ("http://shop.example:80", "http://shop.example/", "shop.example", 80),
        ("  tls://shop.example  ", "tls://shop.example", "shop.example", 443),
        ("tls://shop.example./", "tls://shop.example", "shop.example", 443),
        ("tcp://shop.example:22/", "tcp://shop.example:22", "shop.example", 22),
        ("dns://shop.example", "dns://shop.example", "shop.example", 53),
        ("dns://_x._tcp.shop.example", "dns://_x._tcp.shop.example", "_x._tcp.shop.example", 53),
        ("tls://Bücher.example", "tls://xn--bcher-kva.example", "xn--bcher-kva.example", 443),
        ("https://例え.テスト/", "https://xn--r8jz45g.xn--zckzah/", "xn--r8jz45g.xn--zckzah", 443),
        ("tcp://192.0.2.1:1", "tcp://192.0.2.1:1", "192.0.2.1", 1),
        ("tcp://[2001:DB8::1]:443", "tcp://[2001:db8::1]:443", "2001:db8::1", 443),
        ("https://[2001:db8::1]/x", "https://[2001:db8::1]/x", "2001:db8::1", 443),
        ("https://[2001:db8::1]:444", "https://[2001:db8::1]:444/", "2001:db8::1", 444),
    ],
)  # fmt: skip
def test_one_target_has_one_spelling(text: str, url: str, host: str, port: int) -> None:
    aim = parse_target(text)
    assert (aim.url, aim.host, aim.check.host, aim.check.port) == (url, host, host, port)
    assert parse_target(aim.url).url == url


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("shop.example", "write it as in https://host/path"),
        ("https://", "names no host"),
        ("https:///path", "names no host"),
        ("htps://shop.example", "did you mean https://?"),
        ("carrier-pigeon://shop.example", "there are dns, tcp, tls, http, https"),
        ("tcp://shop.example", "a port is needed, as in tcp://shop.example:443"),
        ("tcp://shop.example:0", "a port is needed"),
        ("tcp://shop.example:65536", "look at its host and its port"),
        ("tcp://shop.example:https", "look at its host and its port"),
        ("tcp://shop.example:-1", "look at its host and its port"),
        ("tls://[::1", "look at its host and its port"),
        ("tls://2001:db8::1", "look at its host and its port"),
        ("tls://300.1.2.3", "'300.1.2.3' is neither an IP address nor a name"),
        ("tls://127.1", "'127.1' is neither an IP address nor a name"),
        ("tls://a..b", "'a..b' is no host name"),
        (f"tls://{'a' * 64}.example", "is no host name"),
        (f"tls://{'a.' * 127}example", "is no host name"),
        ("tls://sh!op.example", "'sh!op.example' is no host name"),
        ("https://shop.example/ä", "write characters outside ASCII as %XX"),
        ("https://shop.example/a b", "blank or control character"),
        ("https://shop.example/a\x7fb", "blank or control character"),
    ],
)
def test_an_impossible_url_is_refused_with_what_to_change(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r"^'") as refused:
        parse_target(text)
    assert told in str(refused.value)
    assert text.strip() in str(refused.value)
    assert not isinstance(refused.value, OptionError)


@pytest.mark.parametrize(
    "text",
    [
        f"https://me:{SECRET}@shop.example/",
        f"tcp://{SECRET}@shop.example:1",
        "https://me:hunter2/with/slash@shop.example/",
        f"https://shop.example:x/?token={SECRET}",
        f"https://shop.example/ä?password={SECRET}",
        f"https://shop.example/a b?api_key={SECRET}&b=c",
        f"htps://shop.example/?session={SECRET}",
        f"tcp://shop.example?psk={SECRET}",
        f"tls://shop.example?pasword={SECRET}",
    ],
)
def test_a_message_never_repeats_a_secret(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_target(text)
    assert SECRET not in str(refused.value)


def test_a_secret_is_sent_and_shown_to_nobody() -> None:
    aim = parse_target(f"https://shop.example/x?token={SECRET}&b=c#every=5m")
    assert aim.check.path == f"/x?token={SECRET}&b=c"
    assert aim.url == "https://shop.example/x?token=***&b=c"


def test_options_stand_in_the_query_unless_that_belongs_to_the_server() -> None:
    assert parse_target("tls://shop.example?sni=other.example").check.sni == "other.example"
    assert parse_target("tls://shop.example#sni=other.example").check.sni == "other.example"
    web = parse_target("https://shop.example/?sni=x&follow=1#follow=2&transfer=128KiB")
    assert (web.check.sni, web.check.path) == (None, "/?sni=x&follow=1")
    assert (web.check.follow, web.check.transfer) == (2, 128 * 1024)
    assert web.url == "https://shop.example/?sni=x&follow=1"


def test_options_of_a_configuration_override_the_urls() -> None:
    given = {"sni": "b.example", "addresses": ["192.0.2.1"], "alpn": "h2,http/1.1", "verify": False}
    check = parse_target("tls://shop.example?sni=a.example", given).check
    assert (check.sni, check.addresses) == ("b.example", ("192.0.2.1",))
    assert (check.alpn, check.verify) == (("h2", "http/1.1"), False)


def test_lists_and_switches_are_read_from_text() -> None:
    url = "tls://shop.example?addresses=192.0.2.1,2001:db8::1&lookup=on&verify=off"
    check = parse_target(url).check
    assert (check.addresses, check.lookup, check.verify) == (
        ("192.0.2.1", "2001:db8::1"),
        True,
        False,
    )


def test_every_check_takes_the_common_options() -> None:
    for url in ("dns://a.example", "tcp://a.example:1", "tls://a.example", "https://a.example/"):
        common = parse_target(
            f"{url}#timeout=1500ms&every=1h&resolver=system,udp://192.0.2.53"
        ).common
        assert (common["timeout"], common["every"]) == (1.5, 3600.0)
        assert [resolver.url for resolver in common["resolver"]] == ["system", "udp://192.0.2.53"]
    assert parse_target("tcp://a.example:1").common == {}


@pytest.mark.parametrize(
    ("text", "key", "told"),
    [
        ("tls://a.example?snii=x", ("snii",), "unknown key for tls://; did you mean 'sni'?"),
        ("tcp://a.example:1?tiemout=3s", ("tiemout",), "did you mean 'timeout'?"),
        ("tcp://a.example:1?sni=x", ("sni",), "unknown key for tcp://"),
        ("tls://a.example?host=b.example", ("host",), "unknown key for tls://"),
        ("https://a.example/#path=/b", ("path",), "unknown key for https://"),
        ("tls://a.example?verify=maybe", ("verify",), "valid boolean"),
        ("tls://a.example?addresses=192.0.2.1,b.example", ("addresses",), "'b.example' is no IP"),
        ("tcp://a.example:1?timeout=soon", ("timeout",), "'soon' is no duration"),
        ("tcp://a.example:1?timeout=0s", ("timeout",), "no time at all"),
        ("tcp://a.example:1?every=367d", ("every",), "longer than a year"),
        ("tcp://a.example:1?resolver=192.0.2.1", ("resolver",), "write udp://192.0.2.1"),
        ("https://a.example/#transfer=much", ("transfer",), "'much' is no size"),
        ("https://a.example/#transfer=0", ("transfer",), "greater than 0"),
        ("https://a.example/#follow=11", ("follow",), "less than or equal to 10"),
    ],
)
def test_a_wrong_option_is_named(text: str, key: tuple[str, ...], told: str) -> None:
    with pytest.raises(OptionError) as refused:
        parse_target(text)
    assert refused.value.key == key
    assert told in str(refused.value)


def test_a_mistake_inside_an_option_is_found_where_it_stands() -> None:
    with pytest.raises(OptionError) as refused:
        parse_target("https://a.example/", {"expect": {"statsu": 200}})
    assert (refused.value.key, str(refused.value)) == (("expect", "statsu"), "unknown key")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tcp://a.example:443/path", "tcp takes no path"),
        ("tls://a.example?sni=b.example&sni=c.example", "stands there twice"),
        ("tcp://a.example:1?every=10ms", "more than once in 1s"),
    ],
)
def test_what_would_be_ignored_or_flood_a_target_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        parse_target(text)


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probe.plan.target.load", lambda: CHECKS)


@pytest.mark.usefixtures("locked")
def test_a_user_name_and_a_password_go_to_a_check_that_has_them_and_show_nowhere() -> None:
    aim = parse_target(f"locked://someone:{SECRET}%21@shop.example")
    assert (aim.check.username, aim.check.password.get_secret_value()) == ("someone", f"{SECRET}!")
    assert aim.url == "locked://shop.example"
    assert SECRET not in repr(aim)
    assert secrets_of(aim.check) == ("password",)


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize("option", ["password_file=key", "password_env=KEY"])
def test_options_that_lead_to_a_secret_are_told_apart_from_others(option: str) -> None:
    aim = parse_target(f"locked://shop.example?{option}&ca_file=ca.pem")
    assert secrets_of(aim.check) == (option.partition("=")[0],)
    assert secrets_of(parse_target("locked://shop.example?ca_file=ca.pem").check) == ()


@pytest.mark.usefixtures("locked")
def test_a_secret_is_no_option() -> None:
    with pytest.raises(OptionError, match="unknown key for locked://"):
        parse_target(f"locked://shop.example?password={SECRET}")
    with pytest.raises(OptionError, match="unknown key"):
        parse_target("locked://shop.example", {"password": SECRET})

"""What is to be measured: URLs, configurations, services, and what comes near to one of them."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from support.command import Command, Run, one_line

SECRET = "hunter2"
JSONL = ("--format", "jsonl")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("whatsap", "did you mean 'whatsapp'?"),
        ("example.com", "did you mean 'https://example.com'?"),
        ("example.com/path", "did you mean 'https://example.com/path'?"),
        ("127.0.0.1:80", "did you mean 'https://127.0.0.1:80'?"),
        ("::1", "did you mean 'https://[::1]'?"),
        ("expressvpn.com", "did you mean 'https://expressvpn.com'?"),
        ("prob.yaml", "did you mean 'probe.yaml'?"),
        ("probe.yml", "did you mean 'probe.yaml'?"),
        ("below/prboe.yaml", "did you mean 'below/probe.yaml'?"),
        ("clent.ovpn", "did you mean 'client.ovpn'?"),
        ("office.ovpn", "there is no such file, and it is no URL"),
        ("other.yaml", "there is no such file, and it is no URL"),
        ("no/such/file", "there is no such file, and it is no URL"),
        ("below", "is a folder, not a configuration file"),
        ("quux", "no URL, no file and no service; the services are: "),
        ("", "an empty text is no URL, no file and no service"),
        ("x" * 300, "no URL, no file and no service"),
        (f"user:{SECRET}@example.com", "did you mean 'https://***@example.com'?"),
        (f"example.com?token={SECRET}", "did you mean 'https://example.com?token=***'?"),
        ("htps://example.com/", "did you mean https://?"),
        ("gopher://example.com/", "no check is called 'gopher'; there are"),
        ("tcp://127.0.0.1", "a port is needed, as in tcp://127.0.0.1:443"),
        ("tcp://127.0.0.1:99999", "is no URL"),
        ("tcp://300.1.2.3:80", "neither an IP address nor a name"),
        (f"https://u:{SECRET}@localhost/", "https takes no user name or password"),
        ("tls://localhost?snii=x", "snii: unknown key for tls://; did you mean 'sni'?"),
        ("https:///path", "names no host"),
    ],
)
def test_a_near_miss_is_one_line_with_what_was_meant(
    tmp_path: Path,
    here: Run,
    what: str,
    said: str,
) -> None:
    (tmp_path / "below").mkdir()
    for folder in (".", "below"):
        (tmp_path / folder / "probe.yaml").write_text("")
    (tmp_path / "client.ovpn").write_text("")
    done = here("check", what)
    one_line(done, 2, said)
    assert SECRET not in done.err
    assert not (tmp_path / "results").exists()


def test_a_folder_that_is_called_like_a_service_does_not_hide_it(probe: Command) -> None:
    (probe.folder / "whatsapp").mkdir()
    assert "whatsapp.net" in probe("plan", "whatsapp").out


def test_a_configuration_takes_urls_beside_it_but_no_other_configuration(
    probe: Command, ports: Any
) -> None:
    url = f"tcp://127.0.0.1:{ports.tcp}"
    first = probe.configure(f"id: a, url: '{url}'", vantage="{id: sh-1}")
    done = probe("check", f"{url}/", "-c", first, f"http://127.0.0.1:{ports.http}/", "-v")
    assert done.code == 0
    seen = {(m["target"]["id"], m["vantage"]["id"]) for m in probe.stored()}
    assert seen == {
        ("a", "sh-1"),
        (url, "sh-1"),
        (f"http://127.0.0.1:{ports.http}/", "sh-1"),
    }
    second = probe.configure(f"id: a, url: '{url}'", name="second.yaml")
    one_line(probe("check", first, second), 2, "only one configuration file at a time, not 2")


PROFILE = "remote vpn.example.net 1194 udp\nremote 192.0.2.7 443 tcp\n"


def test_a_profile_stands_for_every_server_in_it(probe: Command) -> None:
    (probe.folder / "client.ovpn").write_text(PROFILE)
    planned = [json.loads(line) for line in probe("plan", "client.ovpn", *JSONL).out.splitlines()]
    asked = {(p["host"], p["port"], p["via"]): p for p in planned if "OpenVPN" in p["what"]}
    assert set(asked) == {("vpn.example.net", 1194, "udp"), ("192.0.2.7", 443, "tcp")}
    assert {p["for"] for p in asked.values()} == {
        "vpn.example.net tunnel, private",
        "192.0.2.7 tunnel, private",
    }


def test_a_configuration_may_name_a_profile(probe: Command) -> None:
    (probe.folder / "client.ovpn").write_text(PROFILE)
    told = "profile: client.ovpn, service: office, every: 1h, private: false"
    planned = probe("plan", probe.configure(told), *JSONL).out
    purposes = [json.loads(line) for line in planned.splitlines() if "OpenVPN" in line]
    assert [(p["for"], p["every"]) for p in purposes] == [("office tunnel", "1h")] * 2
    for wrong, said in (
        (f"{told}, url: 'tcp://h:1'", "url: not with a profile"),
        (f"{told}, id: x", "id: not with a profile"),
        (told.replace("client", "none"), "none.ovpn: no such file"),
        (f"{told}, digset: SHA1", "digset: unknown key for openvpn+udp://; did you mean 'digest'?"),
        ("service: office", "give a url, or a profile"),
    ):
        one_line(probe("plan", probe.configure(wrong)), 2, said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("http-proxy p 8080\n" + PROFILE, "client.ovpn: line 1: http-proxy: goes through a proxy"),
        (PROFILE + "tls-crypt none.key\n", "none.key: no such file or directory"),
        (PROFILE + f"<tls-crypt>\n{SECRET}\n</tls-crypt>\n", "tls_crypt: the key has no line"),
        ("client", "client.ovpn: names no server"),
    ],
)
def test_a_profile_that_cannot_be_used_is_one_line(probe: Command, text: str, said: str) -> None:
    (probe.folder / "client.ovpn").write_text(text)
    done = probe("check", "client.ovpn")
    one_line(done, 2, said)
    assert SECRET not in done.err
    one_line(probe("check", "-c", "client.ovpn"), 2, "is a profile, not a configuration")


def test_a_target_that_is_named_twice_is_measured_once(probe: Command, ports: Any) -> None:
    url = f"tcp://127.0.0.1:{ports.tcp}"
    assert len(probe("check", url, url, "--format", "jsonl").out.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{url}\ncolour: red\n", ["2: colour: unknown key"]),
        ("{url}\nresutls: here\n", ["2: resutls: unknown key; did you mean 'results'?"]),
        ("vantage:\n  contry: CN\n{url}\n", ["2: vantage.contry: ", "did you mean 'country'?"]),
        ("targets:\n - url: tls://localhost\n   snii: x\n", ["3: targets[0].snii: unknown key"]),
        ("{url}\nschedule: {{every: often}}\n", ["2: schedule.every: 'often' is no duration"]),
        ("{url}\nmax_addresses: many\n", ["2: max_addresses: ", "integer"]),
        ("targets: tcp://127.0.0.1:1\n", ["1: targets: ", "list"]),
        (
            "targets:\n - {{id: a, url: 'tcp://h:1'}}\n - {{id: a, url: 'tcp://h:2'}}\n",
            ["3: targets[1].id: 'a' is the id of targets[0] already"],
        ),
        ("targets:\n - url: tcp://127.0.0.1:99999\n", ["2: targets[0].url: ", "is no URL"]),
        ("targets:\n - url: tcp://300.1.2.3:1\n", ["2: targets[0].url: ", "neither an IP address"]),
        ("{url}\nresolvers: [8.8.8.8]\n", ["2: resolvers[0]: ", "write udp://8.8.8.8"]),
        ("services: [whatsap]\n", ["1: services[0]: there is no service 'whatsap'"]),
        ("{url}\n{url}\n", ["2: targets: stands here twice"]),
        ("targets:\n\t- url: tcp://127.0.0.1:1\n", ["2: ", "indented with spaces, not tabs"]),
        ("targets: [\n", ["2: "]),
        ("", ["the file is empty"]),
        ("# nothing yet\n", ["the file is empty"]),
        ("- a\n- b\n", ["1: expected keys and values, found a list"]),
        ("targets: []\n", ["1: nothing to measure"]),
        (f"targets:\n - url: https://u:{SECRET}@h/\n", ["2: targets[0].url: 'https://***@h/'"]),
        ("\x00\x01", ["not a YAML text file"]),
    ],
)
def test_a_mistake_in_the_configuration_is_one_line_with_file_line_and_key(
    tmp_path: Path,
    here: Run,
    text: str,
    said: list[str],
) -> None:
    url = "targets: [{url: 'tcp://127.0.0.1:1'}]"
    (tmp_path / "bad.yaml").write_text(text.format(url=url) if SECRET not in text else text)
    for command in (["check", "bad.yaml"], ["run", "-c", "bad.yaml"], ["plan", "bad.yaml"]):
        done = here(*command)
        one_line(done, 2, "probe: bad.yaml:", *said)
        assert SECRET not in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]


def test_several_mistakes_are_a_line_each(probe: Command) -> None:
    path = probe.folder / "bad.yaml"
    path.write_text("vantage: {id: '?'}\nresolvers: [x]\ntargets:\n  - {url: 'tcp://h'}\nmore: 1\n")
    done = probe("check", "bad.yaml")
    assert (done.code, done.out) == (2, "")
    assert [line.split()[1] for line in done.err.splitlines()] == [
        "bad.yaml:1:",
        "bad.yaml:2:",
        "bad.yaml:4:",
        "bad.yaml:5:",
    ]


def test_a_file_that_cannot_be_read_is_one_line(probe: Command) -> None:
    one_line(probe("check", "-c", "none.yaml"), 2, "none.yaml: no such file or directory")
    (probe.folder / "folder.yaml").mkdir()
    one_line(probe("check", "-c", "folder.yaml"), 2, "folder.yaml: is a folder")
    (probe.folder / "huge.yaml").write_bytes(b"#" * (5 * 1024**2))
    one_line(probe("check", "huge.yaml"), 2, "huge.yaml: larger than 4 MiB")
    if os.geteuid():  # root may read everything
        (probe.folder / "secret.yaml").touch(0)
        one_line(probe("check", "secret.yaml"), 2, "secret.yaml: permission denied")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--vantage", "city=x"], "write KEY=VALUE with one of id, country, asn, network"),
        (["--vantage", "CN"], "write KEY=VALUE"),
        (["--vantage", "country=China"], "--vantage country: "),
        (["--vantage", "asn=four"], "--vantage asn: "),
        (["--vantage", "network=dsl"], "'residential', 'mobile', 'datacenter' or 'leased_line'"),
        (["--resolver", "1.1.1.1"], "--resolver: '1.1.1.1' is no resolver: write udp://1.1.1.1"),
        (["--resolver", f"https://u:{SECRET}@h/"], "takes no user name or password"),
        (["--control", "control.example"], "--control: 'control.example' is no control: write "),
        (["--control", "http://control.example"], "write https://, or the token could be read"),
        (["--control", f"https://u:{SECRET}@h/"], "a control's URL holds no user name"),
        (["-o", "/nonexistent/file"], "cannot write '/nonexistent/file'"),
        (["--results", "file/below"], "a file stands where a folder is needed"),
        (["--results", "/proc/results"], "/proc/results: cannot write results there"),
    ],
)
def test_a_wrong_option_is_one_line_before_anything_is_measured(
    tmp_path: Path,
    here: Run,
    given: list[str],
    said: str,
) -> None:
    (tmp_path / "file").write_text("")
    done = here("check", "tcp://127.0.0.1:1", *given)
    one_line(done, 2, said)
    assert SECRET not in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_control_without_its_token_is_told_before_anything_is_measured(
    probe: Command, here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROBE_CONTROL_TOKEN", raising=False)
    given = ("tcp://127.0.0.1:1", "--control", "https://control.example")
    one_line(here("check", *given), 2, "PROBE_CONTROL_TOKEN is not set")
    assert probe.stored() == []


def test_a_plan_lists_a_control_and_needs_no_token(
    here: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROBE_CONTROL_TOKEN", raising=False)
    done = here("plan", "tcp://192.0.2.1:1", "--control", "https://control.example")
    assert done.code == 0
    assert "control control.example, after a failure or an unproven answer" in done.out


def test_a_file_of_wg_quick_is_read_only_where_its_key_is_a_dedicated_one(probe: Command) -> None:
    text = (
        "[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=\n"
        "[Peer]\nPublicKey = xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=\n"
        "Endpoint = 127.0.0.1:51820\n"
    )
    (probe.folder / "office.conf").write_text(text)
    for command in ("check", "plan"):
        done = probe(command, "office.conf")
        one_line(done, 2, "office.conf: dedicated_key: its key would be used", "--dedicated-key")
    done = probe("plan", "office.conf", "--dedicated-key")
    assert (done.code, "WireGuard handshake initiation" in done.out) == (0, True)
    assert "yAnz5TF" not in done.out
    told = "profile: office.conf, service: office, dedicated_key: true"
    assert probe("plan", probe.configure(told)).code == 0
    assert probe("plan", probe.configure("profile: office.conf")).code == 2

"""probe.plan.config: every mistake in a configuration is one line with file, line and key."""

from pathlib import Path

import pytest

from probe.core.strictyaml import ConfigError
from probe.plan.anchors import DEFAULT_ANCHORS
from probe.plan.config import USER_AGENT, read_config

CONFIGS = Path(__file__).parents[1] / "configs"

MISTAKES = {
    "unknown-key.yaml": "3: plumbing: unknown key",
    "misspelt-key.yaml": "1: resolver: unknown key; did you mean 'resolvers'?",
    "misspelt-nested-key.yaml": "1: schedule.evry: unknown key; did you mean 'every'?",
    "wrong-type.yaml": "2: max_addresses: input should be a valid integer (found 'many')",
    "list-for-keys.yaml": "2: vantage: expected keys and values, found a list",
    "duplicate-id.yaml": "4: targets[1].id: 'office' is the id of targets[0] already",
    "duplicate-url.yaml": (
        "3: targets[1].url: 'https://shop.example/' is the id of targets[0] already"
    ),
    "duplicate-control.yaml": (
        "4: controls[1].id: 'control.example' is the id of an earlier one; give one an id"
    ),
    "control-in-clear.yaml": (
        "3: controls[0].url: 'http://control.example': write https://, or the token could be "
        "read on the way"
    ),
    "duplicate-key.yaml": "3: services: stands here twice",
    "impossible-url.yaml": (
        "4: targets[0].url: 'tcp://vpn.example': a port is needed, as in tcp://vpn.example:443"
    ),
    "unknown-check.yaml": (
        "2: targets[0].url: 'htps://shop.example': no check is called 'htps'; did you mean https://?"
    ),
    "secret-in-url.yaml": (
        "2: targets[0].url: 'https://***@shop.example/': https takes no user name or password"
    ),
    "empty.yaml": (
        " the file is empty"
    ),
    "only-comments.yaml": (
        " the file is empty"
    ),
    "tabs.yaml": (
        "3: found character that cannot start any token (YAML is indented with spaces, not tabs)"
    ),
    "list.yaml": "1: expected keys and values, found a list",
    "misspelt-option.yaml": (
        "4: targets[0].snii: unknown key for tls://; did you mean 'sni'?"
    ),
    "misspelt-expectation.yaml": "5: targets[0].expect.statsu: unknown key",
    "unknown-service.yaml": (
        "3: services[1]: there is no service 'watsapp'; did you mean 'whatsapp'?"
    ),
    "bad-duration.yaml": (
        "2: schedule.every: '10 minutes' is no duration: write a number and ms, s, m, h or d, "
        "as in 30s"
    ),
    "endless-duration.yaml": "2: timeout: '1000d' is longer than a year",
    "bad-country.yaml": (
        "1: vantage.country: string should match pattern '^[A-Z]{2}$' (found 'China')"
    ),
    "bad-vantage.yaml": (
        "1: vantage.id: 'my house' is no vantage id: use letters, digits, '.', '_' and '-'"
    ),
    "bad-asn.yaml": "1: vantage.asn: input should be a valid integer (found 'AS4134')",
    "bad-network.yaml": (
        "1: vantage.network: input should be 'residential', 'mobile', 'datacenter' or "
        "'leased_line' (found 'wifi')"
    ),
    "bad-resolver.yaml": "4: resolvers[1]: '192.0.2.53' is no resolver: write udp://192.0.2.53",
    "no-resolver.yaml": (
        "2: resolvers: list should have at least 1 item after validation, not 0"
    ),
    "bad-anchor.yaml": (
        "4: anchors.domestic[0]: 'www.example.cn' names no host; write it as in https://host/path"
    ),
    "bad-policy.yaml": (
        "3: policies.whatsapp.media: 'most' is no policy: write any, all, or quorum and a number"
    ),
    "policy-for-nothing.yaml": (
        "5: policies.whatsapp.voice: nothing here has this service and feature"
    ),
    "nothing-to-measure.yaml": "1: nothing to measure: give targets or services",
}  # fmt: skip


@pytest.mark.parametrize("file", MISTAKES)
def test_a_mistake_is_one_line_that_says_where_and_what(
    file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(CONFIGS)
    with pytest.raises(ConfigError) as refused:
        read_config(Path(file))
    assert refused.value.lines == (f"{file}:{MISTAKES[file]}",)


def test_every_broken_file_is_in_the_table() -> None:
    assert {path.name for path in CONFIGS.glob("*.yaml")} == {*MISTAKES, "whole.yaml"}


def test_several_mistakes_are_all_told(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("vantage: {country: China}\nservices: [nope]\nresults: 3\n")
    with pytest.raises(ConfigError) as refused:
        read_config(path)
    lines = [line.removeprefix(str(tmp_path)) for line in refused.value.lines]
    assert [line.split(" ")[0:2] for line in lines] == [
        ["/c.yaml:1:", "vantage.country:"],
        ["/c.yaml:2:", "services[0]:"],
        ["/c.yaml:3:", "results:"],
    ]


def test_what_is_no_readable_file_is_told_without_a_traceback(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"/absent\.yaml: no such file or directory$"):
        read_config(tmp_path / "absent.yaml")
    with pytest.raises(ConfigError, match=r": is a folder, not a configuration file$"):
        read_config(tmp_path)
    loop = tmp_path / "loop.yaml"
    loop.symlink_to(loop)
    with pytest.raises(ConfigError, match=r"/loop\.yaml: too many levels of symbolic links$"):
        read_config(loop)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"vantage: \xff\xfe\x00")
    with pytest.raises(ConfigError, match="not a YAML text file"):
        read_config(binary)


def test_a_configuration_with_everything_in_it_is_understood() -> None:
    config = read_config(CONFIGS / "whole.yaml")
    assert config.vantage.vantage().country == "CN"
    assert (config.vantage.asn, config.vantage.network) == (4134, "residential")
    assert config.resolvers == ["system", "udp://223.5.5.5"]
    assert config.trusted_resolvers == ["https://dns.example/dns-query"]
    assert (config.controls[0].url, config.controls[0].token_env) == (
        "https://control.example.net",
        "PROBE_CONTROL_TOKEN",
    )
    assert config.anchors.domestic == ["https://www.example.cn/"]
    assert (config.schedule.every, config.schedule.spread) == (600.0, 30.0)
    assert config.services == ["whatsapp"]
    office, shop = config.targets
    assert (office.id, office.service, office.feature, office.every) == (
        "office",
        "office-vpn",
        "tunnel",
        300.0,
    )
    assert office.private
    assert (shop.timeout, shop.timeouts.dns, shop.options["transfer"]) == (30.0, 5.0, "128KiB")
    assert config.tls.ca_file == "ca.pem"


def test_what_is_not_said_has_a_safe_default(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("services: [whatsapp]\n")
    config = read_config(path)
    assert (config.vantage.id, config.vantage.country, config.vantage.asn) == ("local", "ZZ", None)
    assert (config.resolvers, config.trusted_resolvers, config.controls) == (["system"], [], [])
    assert config.anchors.international == list(DEFAULT_ANCHORS)
    assert all(url.startswith("https://") for url in DEFAULT_ANCHORS)
    assert (config.timeout, config.schedule.every, config.results) == (30.0, 600.0, "results")
    assert "probe" not in USER_AGENT.lower()


def test_norway_is_a_country_and_no_anchor_is_no_mistake(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("vantage: {country: NO}\nanchors: {international: []}\nservices: [whatsapp]\n")
    config = read_config(path)
    assert (config.vantage.country, config.anchors.international) == ("NO", [])

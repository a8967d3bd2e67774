"""probe.plan.jobs: from targets, services and defaults to what is measured, and how."""

from pathlib import Path
from typing import Any

import pytest
from support.locked import CHECKS

from probe.checks.kit import Timeouts
from probe.core.model import Vantage
from probe.core.strictyaml import ConfigError
from probe.plan.catalogue import Service
from probe.plan.config import Config, TargetSection
from probe.plan.controls import ControlPlace
from probe.plan.jobs import ANCHORS, Job, Plan, Planner

BASE = Path("/etc/measuring")
NO_ANCHORS = {"international": []}
SHOP = {
    "id": "shop",
    "title": "Shop",
    "features": {
        "web": {
            "policy": "all",
            "targets": [
                {
                    "urls": ["https://{a,b}.shop.example/"],
                    "about": "Pages.",
                    "source": "the shop",
                    "date": "2024-01-05",
                    "transfer": "1KiB",
                    "timeout": "7s",
                    "every": "1h",
                }
            ],
        }
    },
}


def planner(**config: Any) -> Planner:
    # Without validation of the whole: a test may have nothing to measure, or policies alone.
    sections = {name: value for name, value in config.items() if name != "targets"}
    whole = Config.model_validate({"targets": [{"url": "tcp://192.0.2.1:9"}], **sections})
    targets = [TargetSection.model_validate(target) for target in config.get("targets", ())]
    whole = whole.model_copy(update={"targets": targets})
    return Planner(whole, BASE, Vantage(id="local"))


def plan(**config: Any) -> Plan:
    made = planner(**config)
    made.add_config()
    return made.plan()


def job(target: dict[str, Any], **config: Any) -> Job:
    return plan(targets=[target], **config).jobs[0]


def test_a_target_is_recorded_under_what_the_configuration_calls_it() -> None:
    named = {"id": "office", "service": "vpn", "feature": "tunnel", "url": "tcp://VPN.example:1"}
    told = job(named).target
    assert (told.id, told.service, told.feature, told.url) == (
        "office",
        "vpn",
        "tunnel",
        "tcp://vpn.example:1",
    )
    bare = job({"url": "https://shop.example/?token=x"}).target
    assert (bare.id, bare.service, bare.feature) == (
        "https://shop.example/?token=***",
        "shop.example",
        "web",
    )
    assert job({"url": "tls://shop.example"}).target.feature == "tls"


def test_targets_of_one_feature_are_joined_under_its_policy() -> None:
    member = {"service": "vpn", "feature": "tunnel"}
    targets = [
        {**member, "id": "one", "url": "tcp://a.example:1"},
        {**member, "id": "two", "url": "tcp://b.example:1"},
        {"id": "alone", "url": "tcp://c.example:1"},
    ]
    (feature,) = plan(targets=targets).features
    assert (feature.service, feature.feature, feature.targets, feature.policy.text) == (
        "vpn",
        "tunnel",
        ("one", "two"),
        "any",
    )


def test_a_service_brings_its_policy_and_the_configuration_may_change_it() -> None:
    made = planner()
    made.add_service(Service.model_validate(SHOP))
    first, second = made.plan().jobs
    assert [first.target.id, second.target.id] == [
        "https://a.shop.example/",
        "https://b.shop.example/",
    ]
    assert (first.check.transfer, first.timeout, first.every) == (1024, 7.0, 3600.0)
    assert made.plan().features[0].policy.text == "all"
    other = planner(
        services=["whatsapp"], policies={"whatsapp": {"media": "quorum 2", "text": "all"}}
    )
    other.add_config()
    chosen = {f.feature: f.policy.text for f in other.plan().features}
    assert chosen == {
        "text": "all",
        "registration": "all",
        "web": "all",
        "media": "quorum 2",
    }


def test_the_same_target_twice_is_measured_once() -> None:
    made = planner()
    made.add_url("https://shop.example")
    made.add_url("https://SHOP.example:443/")
    assert len(made.plan().jobs) == 1


def test_the_nearest_timeout_holds() -> None:
    assert job({"url": "tcp://a.example:1"}).timeout == 30.0
    assert job({"url": "tcp://a.example:1"}, timeout="20s").timeout == 20.0
    assert job({"url": "tcp://a.example:1?timeout=10s"}, timeout="20s").timeout == 10.0
    target = {"url": "tcp://a.example:1?timeout=10s", "timeout": "5s"}
    assert job(target, timeout="20s").timeout == 5.0
    assert job({"url": "tcp://a.example:1"}, schedule={"every": "5m"}).every == 300.0
    assert job({"url": "tcp://a.example:1", "every": "1m"}, schedule={"every": "5m"}).every == 60.0


def test_timeouts_of_steps_are_merged_one_by_one() -> None:
    target = {"url": "tcp://a.example:1", "timeouts": {"dns": "1s"}}
    made = job(target, timeouts={"dns": "2s", "connect": "3s"})
    assert made.timeouts == Timeouts(dns=1.0, connect=3.0)


def test_every_resolver_is_asked_once_the_trusted_ones_too() -> None:
    made = job(
        {"url": "tcp://a.example:1"},
        resolvers=["system", "udp://192.0.2.53"],
        trusted_resolvers=["https://dns.example/dns-query", "udp://192.0.2.53"],
    )
    assert [resolver.url for resolver in made.resolvers] == [
        "system",
        "udp://192.0.2.53",
        "https://dns.example/dns-query",
    ]
    own = job({"url": "dns://a.example?resolver=udp://192.0.2.1"}, resolvers=["system"])
    assert [resolver.url for resolver in own.resolvers] == ["udp://192.0.2.1"]


def test_anchors_must_answer_properly_and_soon() -> None:
    anchors = {
        "international": ["https://a.example/", "http://b.example/"],
        "domestic": ["tcp://192.0.2.1:443"],
    }
    first, second, third = plan(anchors=anchors, timeout="1m").anchors
    for web in (first, second):
        assert web.check.expect.status == (200, 204)
        assert web.check.transfer == 4096
    assert [a.target.feature for a in (first, second, third)] == [
        "international",
        "international",
        "domestic",
    ]
    for anchor in (first, second, third):
        assert anchor.target.service == ANCHORS
        assert anchor.timeout == 8.0
        assert anchor.timeouts == Timeouts(
            dns=4.0, connect=5.0, tls=5.0, first_byte=5.0, transfer=5.0
        )


def test_deadlines_that_are_tighter_than_the_anchors_hold_for_anchors_too() -> None:
    anchors = {"international": ["https://a.example/"]}
    (anchor,) = plan(anchors=anchors, timeout="3s", timeouts={"connect": "500ms"}).anchors
    assert (anchor.timeout, anchor.timeouts.connect, anchor.timeouts.tls) == (3.0, 0.5, 5.0)


def test_without_anchors_there_are_none() -> None:
    assert plan(anchors=NO_ANCHORS).anchors == ()


@pytest.mark.parametrize(
    ("target", "local"),
    [
        ({"url": "tcp://127.0.0.1:1"}, True),
        ({"url": "tcp://[::1]:1"}, True),
        ({"url": "tcp://192.168.1.1:1"}, True),
        ({"url": "https://localhost/"}, True),
        ({"url": "tcp://198.51.100.1:1"}, False),
        ({"url": "tcp://shop.example:1"}, False),
        ({"url": "tcp://shop.example:1", "addresses": ["10.0.0.1"]}, True),
        ({"url": "tcp://shop.example:1", "addresses": ["10.0.0.1", "198.51.100.1"]}, False),
        ({"url": "tcp://shop.example:1", "addresses": ["10.0.0.1"], "lookup": True}, False),
        ({"url": "dns://localhost"}, False),
    ],
)
def test_only_a_target_configured_in_the_own_network_is_local(
    target: dict[str, Any], local: bool
) -> None:
    assert job(target).local is local


def test_paths_start_from_the_configurations_folder() -> None:
    target = {"url": "tls://a.example", "ca_file": "mine.pem"}
    made = plan(targets=[target], results="out", tls={"ca_file": "certs/all.pem"})
    assert made.results == BASE / "out"
    assert made.ca_file == str(BASE / "certs/all.pem")
    assert made.jobs[0].check.ca_file == str(BASE / "mine.pem")
    absolute = plan(targets=[{**target, "ca_file": "/x/ca.pem"}], results="/srv/results")
    assert absolute.results == Path("/srv/results")
    assert absolute.jobs[0].check.ca_file == "/x/ca.pem"
    assert absolute.ca_file is None


def test_controls_are_asked_by_their_own_files_and_each_once() -> None:
    assert plan().controls == ()
    files = {"ca_file": "ca.pem", "client_cert": "/x/me.pem", "token_file": "token"}
    made = plan(controls=[{"url": "https://control.example:8443/", **files}])
    (place,) = made.controls
    assert (place.id, place.url) == ("control.example", "https://control.example:8443")
    assert (place.host, place.port) == ("control.example", 8443)
    assert (place.ca_file, place.token_file) == (str(BASE / "ca.pem"), str(BASE / "token"))
    assert place.client_cert == "/x/me.pem"


def test_a_control_of_the_command_line_stands_beside_the_configured_ones() -> None:
    config = Config.model_validate(
        {
            "services": ["whatsapp"],
            "controls": [{"url": "https://control.example", "token_file": "token"}],
        }
    )
    more = tuple(
        ControlPlace(id="control.example", url=url, token_env="X")
        for url in ("https://control.example", "https://control.example:8443")
    )
    places = Planner(config, BASE, Vantage(id="v"), controls=more).plan().controls
    assert [(place.id, place.token_env) for place in places] == [
        ("control.example", None),
        ("control.example:8443", "X"),
    ]


def test_private_is_said_by_the_target() -> None:
    assert job({"url": "tcp://a.example:1", "private": True}).private
    assert not job({"url": "tcp://a.example:1"}).private


def test_a_target_that_a_listed_service_has_already_needs_an_id_of_its_own() -> None:
    url = "https://web.whatsapp.com/"
    with pytest.raises(ConfigError, match="service 'whatsapp' already; give yours an id"):
        plan(services=["whatsapp"], targets=[{"url": url}])
    mine = plan(services=["whatsapp"], targets=[{"url": url, "id": "mine"}])
    assert [job.target.service for job in mine.jobs if job.target.url == url] == [
        "whatsapp",
        "web.whatsapp.com",
    ]


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probe.plan.target.load", lambda: CHECKS)


@pytest.mark.usefixtures("locked")
def test_a_target_with_a_secret_is_private_unless_its_owner_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KEY", "opens")
    keyed = {"url": "locked://a.example", "password_env": "KEY"}
    assert job(keyed).private
    assert not job({**keyed, "private": False}).private
    assert not job({"url": "locked://a.example"}).private


@pytest.mark.usefixtures("locked")
def test_a_key_that_is_not_there_is_told_before_anything_is_sent() -> None:
    with pytest.raises(ConfigError, match=r"targets\[0\]\.password_file: /etc/measuring/key: no"):
        plan(targets=[{"url": "locked://a.example", "password_file": "key"}])

"""probe.plan.catalogue: the shipped services, and files that nobody should ship."""

import datetime
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from probe.core.shipped import shipped
from probe.core.strictyaml import ConfigError
from probe.plan.catalogue import MAX_URLS, expand, names, no_more, read_service, service
from probe.plan.target import parse_target


def group(*urls: str, **more: Any) -> dict[str, Any]:
    return {"urls": list(urls), "about": "a", "source": "s", "date": "2024-01-05", **more}


def write(folder: Path, **features: Any) -> Path:
    """A service file ``shop.yaml`` with these features."""
    path = folder / "shop.yaml"
    document = {"id": "shop", "title": "Shop", "features": features}
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def feature(*groups: dict[str, Any], policy: str = "any") -> dict[str, Any]:
    return {"policy": policy, "targets": list(groups)}


KNOWN = {
    *("whatsapp", "telegram", "signal", "facebook-messenger", "viber", "line", "wechat"),
    *("kakaotalk", "discord", "slack", "zoom"),
    *("expressvpn", "nordvpn", "protonvpn", "mullvad", "surfshark", "psiphon", "lantern"),
    *("tor", "outline", "greenvpn"),
}


def test_none_of_the_services_that_people_ask_for_is_missing() -> None:
    assert set(names()) >= KNOWN


def test_every_file_that_ships_is_a_service() -> None:
    files = list(shipped("services").iterdir())
    assert files
    assert sorted(path.name for path in files) == [f"{name}.yaml" for name in names()]
    for name in names():
        assert service(name).id == name


@pytest.mark.parametrize("name", names())
def test_in_a_shipped_service_no_target_stands_twice_and_every_quorum_can_be_met(name: str) -> None:
    spellings = []
    for part in service(name).features.values():
        urls = [parse_target(u, g.options).url for g in part.targets for u in g.expanded()]
        spellings += urls
        assert 1 <= part.policy.needed(len(urls)) <= len(urls)
        assert part.policy.quorum is None or part.policy.quorum <= len(urls)
    assert len(spellings) == len(set(spellings))


def test_no_target_stands_twice_and_no_host_belongs_to_two_services_or_features() -> None:
    whose: dict[str, set[tuple[str, str]]] = {}
    urls = []
    for name in names():
        for feature_name, part in service(name).features.items():
            for group in part.targets:
                for url in group.expanded():
                    urls.append(parse_target(url, group.options).url)
                    whose.setdefault(urlsplit(url).hostname or "", set()).add((name, feature_name))
    assert len(urls) == len(set(urls))
    # Discord's interface has no host of its own: it is a path of the website's.
    assert {host: owners for host, owners in whose.items() if len(owners) > 1} == {
        "discord.com": {("discord", "text"), ("discord", "web")}
    }


@pytest.mark.parametrize("name", names())
def test_every_feature_names_what_counts_as_up_and_every_group_a_source_that_can_be_read(
    name: str,
) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    for part in service(name).features.values():
        assert part.policy.text.split()[0] in {"any", "all", "quorum"}
        for group in part.targets:
            assert re.search(r"https?://[a-z]", group.source)
            assert datetime.date(2014, 1, 1) <= group.date <= today


def test_telegrams_data_centres_are_asked_over_both_protocols_and_each_of_them_counts() -> None:
    text = service("telegram").features["text"]
    assert text.policy.text == "all"
    for group in text.targets:
        (url,) = group.expanded()
        check = parse_target(url, group.options).check
        assert (check.name, len(check.addresses)) == ("mtproto", 2)  # type: ignore[attr-defined]
        assert urlsplit(url).hostname in check.addresses  # type: ignore[attr-defined]


def test_signals_hosts_are_held_against_its_own_roots_alone() -> None:
    for part in service("signal").features.values():
        assert all(group.options["roots"] == "signal" for group in part.targets)


def test_every_media_host_may_give_enough_to_see_a_download_stopped() -> None:
    for name in names():
        media = service(name).features.get("media")
        for group in media.targets if media else ():
            for url in group.expanded():
                check = parse_target(url, group.options).check
                assert check.transfer == 128 * 1024  # type: ignore[attr-defined]


def test_a_closed_provider_has_no_hosts_and_says_why_it_cannot_be_measured() -> None:
    closed = service("greenvpn")
    assert closed.features == {}
    assert "closed on 2017-07-01" in (no_more(closed) or "")
    assert [name for name in names() if no_more(service(name))] == ["greenvpn"]


@pytest.mark.parametrize("more", [{}, {"features": {"web": {"policy": "any", "targets": [{}]}}}])
def test_a_service_has_features_or_has_closed(tmp_path: Path, more: dict[str, Any]) -> None:
    if more:
        more["features"]["web"] = feature(group("tcp://a.example:1"))
        more["closed"] = {"date": "2017-07-01", "about": "a", "source": "s"}
    path = tmp_path / "shop.yaml"
    path.write_text(yaml.safe_dump({"id": "shop", "title": "Shop", **more}))
    with pytest.raises(ConfigError, match="has features, or it is closed"):
        read_service(path)


def test_whatsapp_is_split_by_feature() -> None:
    features = service("whatsapp").features
    assert list(features) == ["text", "registration", "web", "media"]
    text = [url for part in features["text"].targets for url in part.expanded()]
    assert len(text) == 36
    assert {"tcp://e1.whatsapp.net:443", "tcp://e16.whatsapp.net:5222"} <= set(text)


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("tcp://a:1", ["tcp://a:1"]),
        ("tcp://e{9..11}:1", ["tcp://e9:1", "tcp://e10:1", "tcp://e11:1"]),
        ("tcp://{a,b}:{1,2}", ["tcp://a:1", "tcp://a:2", "tcp://b:1", "tcp://b:2"]),
        ("tcp://e{3..3}:1", ["tcp://e3:1"]),
    ],
)
def test_braces_are_written_out_leftmost_first(pattern: str, written: list[str]) -> None:
    assert expand(pattern) == written


def test_a_range_has_a_limit() -> None:
    assert len(expand(f"e{{1..{MAX_URLS}}}")) == MAX_URLS
    with pytest.raises(ValueError, match="more than 256 targets"):
        expand(f"e{{1..{MAX_URLS + 1}}}")


@pytest.mark.parametrize(
    ("features", "told"),
    [
        (
            {"web": feature(group("https://a.example/", "https://a.example/"))},
            "https://a.example/ stands here twice",
        ),
        (
            {
                "web": feature(group("tcp://e{1..3}.example:1")),
                "text": feature(group("tcp://e2.example:1")),
            },
            "tcp://e2.example:1 stands here twice",
        ),
        ({"web": feature(group("htps://a.example/"))}, "did you mean https://?"),
        ({"web": feature(group("tls://a.example", snii="b"))}, "did you mean 'sni'?"),
        ({"web": feature(group())}, "at least 1 item"),
        ({"web": feature(group("tcp://a.example:1"), policy="most")}, "'most' is no policy"),
        ({"web": feature(group("tcp://a.example:1", about=""))}, "at least 1 character"),
        ({"web": feature({"urls": ["tcp://a.example:1"]})}, "is missing"),
        ({}, "has features, or it is closed"),
    ],
)
def test_a_mistake_in_a_service_is_told_with_its_line(
    tmp_path: Path, features: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        read_service(write(tmp_path, **features))
    assert told in str(refused.value)
    assert all(line.startswith("shop.yaml:") for line in refused.value.lines)


def test_a_range_that_runs_backwards_or_nowhere_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"e\{3\.\.1\}"):
        read_service(write(tmp_path, web=feature(group("tcp://e{3..1}.example:1"))))


def test_patterns_that_multiply_stay_under_the_limit(tmp_path: Path) -> None:
    many = "tcp://a{1..200}b{1..200}c{1..200}.example:1"
    with pytest.raises(ConfigError, match="more than 256 targets"):
        read_service(write(tmp_path, web=feature(group(many))))


def test_two_spellings_of_one_target_are_one(tmp_path: Path) -> None:
    twice = feature(group("https://a.example/"), group("https://A.example:443"))
    with pytest.raises(ConfigError, match="twice"):
        read_service(write(tmp_path, web=twice))


def test_the_file_is_called_as_its_service(tmp_path: Path) -> None:
    path = write(tmp_path, web=feature(group("tcp://a.example:1")))
    assert read_service(path).features["web"].policy.text == "any"
    with pytest.raises(ConfigError, match=r"store\.yaml:1: id: must be 'store'"):
        read_service(path.rename(tmp_path / "store.yaml"))


def test_what_is_no_service_is_a_key_error() -> None:
    for name in ("nope", "", "../services/whatsapp", "WhatsApp"):
        with pytest.raises(KeyError):
            service(name)

"""probe.plan.knowledge: what ships, and files that nobody should ship."""

import hashlib
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from probe.core.scrub import Scrubber
from probe.core.shipped import shipped
from probe.core.strictyaml import ConfigError
from probe.judge.knowledge import KNOWLEDGE_VERSION, bogon
from probe.judge.pages import PageFacts
from probe.plan.knowledge import read_addresses, read_pages, shipped_knowledge

KNOWLEDGE = shipped_knowledge()
# Verdicts must come out the same under one version: whoever changes a file raises the version.
VERSIONS = {
    1: {
        "dns.yaml": "0d9fc4585c39cc3c7070cd0c43a018aec37ff9f0a0bb94160ef1f1823aa7db62",
        "pages.yaml": "03bb68c2f5c6e149d796e004f8ddeacd5bddf944cbce5ff9a85b272a56caae35",
    },
}
ROW = {
    "id": "a",
    "scope": "isp",
    "where": "body",
    "kind": "contains",
    "pattern": "x",
    "source": "https://list.example/",
    "added": "2024-01-02",
}
ADDRESS = {"address": "10.1.2.3", "source": "https://list.example/", "added": "2024-01-02"}


def facts(body: str = "", status: int = 200, **headers: str) -> PageFacts:
    return PageFacts(status, tuple(headers.items()), body.encode(), len(body))


def write(folder: Path, key: str, *rows: dict[str, Any]) -> Path:
    path = folder / "file.yaml"
    path.write_text(yaml.safe_dump({key: [*rows]}, sort_keys=False))
    return path


def test_the_shipped_files_are_those_of_the_version() -> None:
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in shipped("fingerprints").iterdir()
    }
    assert files == VERSIONS[KNOWLEDGE_VERSION], "raise KNOWLEDGE_VERSION, and add its files here"


def test_it_is_read_once() -> None:
    assert shipped_knowledge() is KNOWLEDGE
    assert len(KNOWLEDGE.pages) >= 80
    assert len(KNOWLEDGE.forged_addresses) >= 50


def test_whatever_proves_blocking_names_a_country_or_is_a_product() -> None:
    for known in KNOWLEDGE.pages:
        if known.scope in {"national", "isp"}:
            assert known.countries, known.id


@pytest.mark.parametrize(
    ("page", "country", "known"),
    [
        (
            facts('<body><iframe src="http://10.10.34.36?type=Invalid Site&policy=MainPolicy ">'),
            "IR",
            "ir-iframe",
        ),
        (facts('<iframe src="http://10.10.34.34:80">', 403), "IR", "ir-iframe-bare"),
        (facts(status=302, location="http://warning.rt.ru/?id=1"), "RU", "ru-rostelecom-warning"),
        (facts(status=302, location="https://warning.rt.ru"), "RU", "ru-rostelecom-warning"),
        (facts("<title>TTK :: Доступ к ресурсу ограничен</title>"), "RU", "ru-ttk-title"),
        (facts(status=302, location="http://internet-positif.org"), "ID", "id-internet-positif"),
        (facts('<iframe src="http://censor.qa/?dpid=1">'), "QA", "qa-censor-netsweeper"),
        (facts(server="Protected by WireFilter 8000"), "SA", "ae-sa-wirefilter"),
        (
            facts("<title>Acesso bloqueado por entidade judici&aacute;ria</title>"),
            "PT",
            "pt-court-title",
        ),
    ],
)
def test_known_block_pages_prove_blocking_where_they_are_known(
    page: PageFacts, country: str, known: str
) -> None:
    found = KNOWLEDGE.page(page, country)
    assert found is not None
    assert found.id == known
    assert found.proves(country)
    assert not found.proves("DE")


def test_the_iranian_page_is_known_as_it_is_kept() -> None:
    """Its address is scrubbed before it is stored."""
    text = Scrubber().text(
        '<body><iframe src="http://10.10.34.34?type=Invalid Site&policy=MainPolicy " style="">'
    )
    assert "10.10" not in text
    found = KNOWLEDGE.page(facts(text), "IR")
    assert found is not None
    assert found.proves("IR")


@pytest.mark.parametrize(
    ("page", "known"),
    [
        (facts("<title>Please Wait... | Cloudflare</title>", 403), "cloudflare-wait"),
        (facts("<title>Welcome to nginx!</title>"), "nginx-welcome"),
        (facts('<script src="//sedoparking.com/frmpark/x/y.js">'), "sedo-parking"),
        (facts(status=302, location="http://unblock.mts.ru/?a"), "ru-mts-unpaid"),
        (facts("The page you have requested has been blocked"), "in-generic"),
        (facts(status=302, location="http://blockpage.bt.com/x"), "gb-bt-optin"),
        (facts("The register: http://eais.rkn.gov.ru/"), "ru-register-link"),
        (facts("FortiGuard Web Filtering"), "fortiguard"),
    ],
)
@pytest.mark.parametrize("country", ["ZZ", "RU", "IN", "GB"])
def test_innocent_vague_and_chosen_pages_are_known_and_prove_nothing(
    page: PageFacts, known: str, country: str
) -> None:
    found = KNOWLEDGE.page(page, country)
    assert found is not None
    assert found.id == known
    assert not found.proves(country)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html></html>",
        "<title>403 Forbidden</title><center>nginx</center>",
        "<title>Access Denied</title>You don't have permission to access",
        "<p>Our reporters saw http://warning.rt.ru and http://10.10.34.34 on blocked lines.</p>",
        "<p>The page held &lt;iframe src=&quot;http://10.10.34.34?type=x&amp;policy=y&quot;</p>",
        "<p>Qatar's page is censor.qa/?accessurl=, Oman's block.om/newrequestform.aspx?accessurl=",
    ],
)
@pytest.mark.parametrize("country", ["ZZ", "IR", "RU", "QA"])
def test_ordinary_pages_and_those_that_tell_of_block_pages_prove_nothing(
    body: str, country: str
) -> None:
    found = KNOWLEDGE.page(facts(body), country)
    assert found is None or not found.proves(country)


@pytest.mark.parametrize(
    ("ip", "country", "blockpage"),
    [
        ("10.10.34.34", "IR", True),
        ("10.10.34.36", "IR", True),
        ("8.7.198.45", "CN", False),
        ("2001::1f0d:5e01", "CN", False),
        ("127.0.0.1", "TM", False),
        ("195.175.254.2", "TR", False),
        ("62.33.207.196", "RU", True),
        ("36.86.63.185", "ID", True),
    ],
)
def test_known_forgeries_are_known_where_they_are_forged(
    ip: str, country: str, blockpage: bool
) -> None:
    found = KNOWLEDGE.forged(ip, country)
    assert found is not None
    assert found.blockpage is blockpage
    assert KNOWLEDGE.forged(ip, "DE") is None


@pytest.mark.parametrize("ip", ["8.8.8.8", "1.1.1.1", "31.13.64.35", "104.16.132.229", "2a03::1"])
def test_addresses_that_serve_honest_names_are_not_among_them(ip: str) -> None:
    assert KNOWLEDGE.forged(ip, "ZZ") is None
    assert not bogon(ip)


def test_no_forged_network_is_large_unless_it_can_serve_nobody() -> None:
    for row in KNOWLEDGE.forged_addresses:
        assert row.network.num_addresses == 1 or bogon(str(row.network[0]))
        assert row.countries


PIECES = sorted({known.pattern for known in KNOWLEDGE.pages})


@given(
    st.lists(st.sampled_from(PIECES) | st.text(max_size=20), max_size=8).map("".join),
    st.text(max_size=40),
)
def test_no_page_breaks_it(body: str, location: str) -> None:
    found = KNOWLEDGE.page(
        PageFacts(200, (("location", location),), body.encode("utf-8", "replace"), None), "ZZ"
    )
    assert found is None or found in KNOWLEDGE.pages


@pytest.mark.parametrize("piece", ["<iframe ", '<iframe src="http://[scrubbed]?type=', "<title>"])
def test_a_large_hostile_page_is_judged_in_bounded_time(piece: str) -> None:
    began = time.process_time()
    KNOWLEDGE.page(facts(piece * 20_000, location=piece * 2000), "ZZ")
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scope": "nat"}, "scope"),
        ({"where": "boddy"}, "where"),
        ({"kind": "regexp", "pattern": "(a+)+"}, "repeat with an upper bound"),
        ({"kind": "regexp", "pattern": "(a"}, "no regular expression"),
        ({"where": "header"}, "header"),
        ({"countries": ["Iran"]}, "countries"),
        ({"source": "a list"}, "https://"),
        ({"known_false_positives": [""]}, "known_false_positives"),
        ({"added": "soon"}, "added"),
        ({"known_false_positive": ["x"]}, "did you mean 'known_false_positives'"),
        ({"pattern": ""}, "a pattern has"),
        ({"id": "A b"}, "id"),
    ],
)
def test_a_wrong_row_is_told_with_file_and_line(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"file\.yaml:\d+: .*{message}"):
        read_pages(write(tmp_path, "fingerprints", ROW | change))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "10.0.0.0/8"}, "either 'address' or 'network'"),
        ({"address": None}, "either 'address' or 'network'"),
        ({"address": "10.1.2"}, "address"),
        ({"address": None, "network": "10.0.0.1/8"}, "network"),
    ],
)
def test_a_wrong_address_is_told_with_file_and_line(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=rf"file\.yaml:\d+: .*{message}"):
        read_addresses(write(tmp_path, "forged", ADDRESS | change))


def test_no_row_may_stand_twice(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'a' stands here twice"):
        read_pages(write(tmp_path, "fingerprints", ROW, dict(ROW)))
    with pytest.raises(ConfigError, match=r"'10\.1\.2\.3' stands here twice"):
        read_addresses(write(tmp_path, "forged", ADDRESS, dict(ADDRESS)))

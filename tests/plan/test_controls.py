"""probe.plan.controls: where a control may be, and where its secrets lie."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from probe.core.strictyaml import ConfigError
from probe.plan.controls import ControlPlace, ControlSection

TOKEN = {"token_env": "T"}


@pytest.mark.parametrize(
    "url",
    [
        "https://control.example",
        "https://control.example:8443/behind/a/proxy/",
        "https://[2001:db8::1]:8443",
        "http://127.0.0.1:8080",
        "http://[::1]",
        "http://localhost",
    ],
)
def test_a_control_is_a_web_address(url: str) -> None:
    place = ControlSection(url=url, **TOKEN).place(Path())
    assert place.url == url.rstrip("/")
    assert place.id == place.host


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"url": "control.example", **TOKEN}, "write https://host"),
        ({"url": "ftp://control.example", **TOKEN}, "write https://host"),
        ({"url": "https://", **TOKEN}, "write https://host"),
        ({"url": "https://[::1", **TOKEN}, "no URL"),
        ({"url": "https://a:99999", **TOKEN}, "no URL"),
        ({"url": "http://control.example", **TOKEN}, "write https://, or the token"),
        ({"url": "http://192.0.2.1", **TOKEN}, "write https://, or the token"),
        ({"url": "https://me:hunter2@control.example", **TOKEN}, "no user name"),
        ({"url": "https://control.example/?token=hunter2", **TOKEN}, "no user name"),
        ({"url": "https://a.example", "id": "vantage", **TOKEN}, "no control id"),
        ({"url": "https://a.example", "id": "a b", **TOKEN}, "no control id"),
        ({"url": "https://a.example"}, "token_env, token_file or client_cert"),
        ({"url": "https://a.example", "token_file": "t", **TOKEN}, "not both"),
        ({"url": "https://a.example", "client_key": "k", **TOKEN}, "client_cert"),
        ({"url": "https://a.example", "token": "hunter2"}, "Extra inputs"),
    ],
)
def test_what_cannot_work_is_told(keys: dict[str, str], told: str) -> None:
    with pytest.raises(ValidationError, match=told) as error:
        ControlSection(**keys)
    assert "hunter2" not in error.value.errors()[0]["msg"]


def test_the_token_is_read_when_it_is_used_and_shows_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T", "hunter2")
    (tmp_path / "token").write_text("hunter3\n")
    by_env = ControlPlace(id="a", url="https://a.example", token_env="T")
    by_file = ControlPlace(id="a", url="https://a.example", token_file=str(tmp_path / "token"))
    by_certificate = ControlPlace(id="a", url="https://a.example", client_cert="c.pem")
    assert [p.token() for p in (by_env, by_file, by_certificate)] == ["hunter2", "hunter3", None]
    assert "hunter" not in repr((by_env, by_file))


def test_a_token_that_is_missing_or_none_is_told_by_its_place_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("T", raising=False)
    by_env = ControlPlace(id="a", url="https://a.example", token_env="T")
    by_file = ControlPlace(id="a", url="https://a.example", token_file=str(tmp_path / "t"))
    with pytest.raises(ConfigError, match="environment variable T is not set"):
        by_env.token()
    with pytest.raises(ConfigError, match=r"/t: No such file"):
        by_file.token()
    monkeypatch.setenv("T", "hunter2\r\nHost: x")
    for text in ("", "\n", "hunter two", "hüter"):
        (tmp_path / "t").write_text(text, encoding="utf-8")
        for place in (by_env, by_file):
            with pytest.raises(ConfigError, match="holds no token") as told:
                place.token()
            assert "hunter" not in str(told.value)

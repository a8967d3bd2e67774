"""probe.checks.secret: where a target's secrets come from, and that they show nowhere."""

import pytest

from probe.checks.secret import LARGEST, SecretError, read_secret

KEY = b"correct horse battery staple"


def test_neither_given_is_no_secret():
    assert read_secret("psk") is None


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_a_file_holds_it_and_its_last_newline_is_no_part_of_it(tmp_path, ending):
    path = tmp_path / "psk"
    path.write_bytes(KEY + ending)
    assert read_secret("psk", file=str(path)) == KEY


def test_the_environment_holds_it(monkeypatch):
    monkeypatch.setenv("OFFICE_PSK", KEY.decode())
    assert read_secret("psk", env="OFFICE_PSK") == KEY


def test_both_are_one_too_many():
    with pytest.raises(SecretError, match="psk_file or psk_env, not both"):
        read_secret("psk", file="a", env="B")


def test_what_is_missing_is_named_by_its_option(tmp_path, monkeypatch):
    monkeypatch.delenv("OFFICE_PSK", raising=False)
    with pytest.raises(SecretError, match="the environment has no OFFICE_PSK") as caught:
        read_secret("psk", env="OFFICE_PSK")
    assert caught.value.key == ("psk_env",)
    with pytest.raises(SecretError, match="no such file") as caught:
        read_secret("psk", file=str(tmp_path / "none"))
    assert caught.value.key == ("psk_file",)
    with pytest.raises(SecretError, match="is a directory"):
        read_secret("psk", file=str(tmp_path))


def test_nothing_and_too_much_are_no_keys(tmp_path):
    path = tmp_path / "key"
    path.write_bytes(b"\n")
    with pytest.raises(SecretError, match="is empty"):
        read_secret("psk", file=str(path))
    path.write_bytes(KEY * LARGEST)
    with pytest.raises(SecretError, match="no key") as caught:
        read_secret("psk", file=str(path))
    assert KEY.decode() not in str(caught.value)

"""probe.wire.trojan: the request, octet by octet."""

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fuzzing import fuzzed

from probe.wire.trojan import HASH, request


def test_the_request_is_as_the_protocol_says() -> None:
    # FIPS 180-4's example of SHA-224: the message "abc"
    told = b"23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"
    assert request(b"abc", "shop.example", 443) == (
        told + b"\r\n\x01\x03\x0cshop.example\x01\xbb\r\n"
    )
    assert request(b"abc", "192.0.2.1", 80)[HASH:] == b"\r\n\x01\x01\xc0\x00\x02\x01\x00\x50\r\n"
    assert request(b"abc", "2001:db8::1", 80)[HASH:].startswith(b"\r\n\x01\x04\x20\x01\x0d\xb8")


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="1 to 255"):
        request(b"abc", "x" * 256, 1)


@fuzzed
@given(st.binary(), st.text("abc019.-", min_size=1, max_size=255), st.integers(1, 65535))
def test_whatever_the_password_the_request_is_read_back(
    password: bytes, host: str, port: int
) -> None:
    data = request(password, host, port)
    found = re.fullmatch(rb"([0-9a-f]{56})\r\n\x01([\x01\x03\x04])(.*)\r\n", data, re.DOTALL)
    assert found
    assert found[1].decode() == hashlib.sha224(password).hexdigest()
    assert int.from_bytes(found[3][-2:]) == port
    if found[2] == b"\x03":
        assert found[3][1:-2] == host.encode()
        assert found[3][0] == len(host)

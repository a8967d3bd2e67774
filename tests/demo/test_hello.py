"""The server name in a client's first bytes, as OpenSSL writes them, and in whatever else comes."""

import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.demo.hello import server_name


def hello(name, **settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for key, value in settings.items():
        setattr(context, key, value)
    outgoing = ssl.MemoryBIO()
    tls = context.wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_the_name_is_read_in_lower_case(version):
    assert server_name(hello("MMG.whatsapp.example", maximum_version=version)) == (
        "mmg.whatsapp.example"
    )


def test_a_client_may_send_no_name():
    assert server_name(hello(None)) is None


def test_no_part_of_a_hello_makes_up_another_name():
    whole = hello("name.example")
    found = {server_name(whole[:length]) for length in range(len(whole) + 1)}
    assert found == {None, "name.example"}


@given(st.binary(max_size=300), st.integers(0, 300))
def test_whatever_comes_is_survived(noise, at):
    server_name(noise)
    whole = hello("name.example")
    server_name(whole[:at] + noise + whole[at + len(noise) :])

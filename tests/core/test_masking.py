"""probe.core.masking: what stands for a secret never shows."""

import pytest

from probe.core.masking import mask

SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"https://user:{SECRET}@host.example/path",
        f"https://{SECRET}@host.example",
        f"https://user:a/{SECRET}@host.example/",
        f"https://user:a#{SECRET}@host.example/",
        f"https://user:a?{SECRET}@host.example/",
        f"https://user:1x/{SECRET}@host.example/",
        f"https://user:p@{SECRET}@host.example/",
        f"https://host.example/?token={SECRET}",
        f"https://host.example/?a=1&access_token={SECRET}&b=2",
        f"https://host.example/?a=1;PASSWORD={SECRET}",
        f"https://host.example/#psk={SECRET}",
        f"/path?api_key={SECRET}",
        f"?x-signature-v2={SECRET}",
        f"shadowsocks://{SECRET}@host.example:8388",
        f"ss://{SECRET}",
        f"obfs4://host.example:1?cert={SECRET}&iat-mode=0",
        f"ss://base64/{SECRET}#name",
        f"ss://{SECRET}@host.example:8388/?outline=1",
        f"wireguard://host.example?private_key={SECRET}",
    ],
)
def test_secrets_are_masked_wherever_they_stand_in_a_url(text: str) -> None:
    assert SECRET not in mask(text)
    assert "***" in mask(text)


@pytest.mark.parametrize(
    "text",
    [
        "https://host.example/path?q=1&page=2#top",
        "https://host.example/@somebody/post",
        "https://host.example:8443/@somebody",
        "tls://host.example?sni=other.example",
        "wireguard://host.example?public_key=abc",
        "https://host.example/tokens/keys",
        "vless://host.example",
        "https://host.example/?certificate=1",
        "",
    ],
)
def test_everything_else_stays(text: str) -> None:
    assert mask(text) == text


def test_what_is_not_secret_beside_a_secret_stays() -> None:
    masked = mask("https://u:p@host.example/a?q=1&token=x&r=2#f")
    assert masked == "https://***@host.example/a?q=1&token=***&r=2#f"

"""Which key an OpenVPN target has, and whom its server's certificate must come from.

The options name files, or variables of the environment; a profile's own keys come as SecretStr.
Everything is read when it is needed, and errors name the option, never what is in the file.
"""

import re
import secrets
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from probe.checks.secret import SecretError, read_secret
from probe.wire.openvpn.keys import (
    KEY,
    MOST_WRAPPED,
    ClientKey,
    KeyFormatError,
    read_client_v2,
    read_static,
)
from probe.wire.openvpn.wrapping import DIGESTS, Plain, TlsAuth, TlsCrypt, TlsCryptV2, Wrapping

LARGEST_CA: Final = 1024 * 1024  # bytes of a file with authorities
_CERTIFICATE: Final = re.compile(
    "-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]+-----END CERTIFICATE-----"
)


def _digest(name: str) -> str:
    known = name.upper().removeprefix("RSA-")  # OpenSSL has some of them under this name too
    if known not in DIGESTS:
        raise ValueError(f"'{name}' is no digest that is known; there are {', '.join(DIGESTS)}")
    return known


def _direction(value: Any) -> Any:
    return None if isinstance(value, str) and value.lower() == "none" else value


Digest = Annotated[str, AfterValidator(_digest)]
Direction = Annotated[Annotated[int, Field(ge=0, le=1)] | None, BeforeValidator(_direction)]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyOptions:
    """The options that say which key there is; at most one kind of it.

    Those without an ending are a profile's own keys, which stand in no file of their own.
    """

    tls_auth: SecretStr | None = None
    tls_auth_file: str | None = None
    tls_auth_env: str | None = None
    digest: Digest = "SHA1"
    key_direction: Direction = None
    tls_crypt: SecretStr | None = None
    tls_crypt_file: str | None = None
    tls_crypt_env: str | None = None
    tls_crypt_v2: SecretStr | None = None
    tls_crypt_v2_file: str | None = None
    tls_crypt_v2_env: str | None = None

    def __post_init__(self) -> None:
        if len(self.kinds()) > 1:
            raise ValueError(f"give one of {' and '.join(self.kinds())}: a server has one kind")

    def kinds(self) -> tuple[str, ...]:
        """Which of the three wrappings are asked for."""
        return tuple(
            kind
            for kind in ("tls_auth", "tls_crypt", "tls_crypt_v2")
            if any(getattr(self, kind + ending) for ending in ("", "_file", "_env"))
        )

    def wrapping(self) -> Wrapping:
        """The wrapping that they describe. SecretError when a key is missing or is none."""
        for kind in self.kinds():
            text, key = self._secret(kind)
            try:
                match kind:
                    case "tls_auth":
                        return TlsAuth(read_static(text), self.digest, self.key_direction)
                    case "tls_crypt":
                        return TlsCrypt(read_static(text))
                    case _:
                        return TlsCryptV2(read_client_v2(text))
            except KeyFormatError as exc:
                raise SecretError(f"the key {exc}", key) from None
        return Plain()

    def shape(self) -> Wrapping:
        """The same wrapping with a key of nobody's."""
        random = secrets.token_bytes(KEY + MOST_WRAPPED)
        match self.wrapping():
            case TlsAuth():
                return TlsAuth(random[:KEY], self.digest, self.key_direction)
            case TlsCryptV2() as wrapping:
                length = len(wrapping.trailer(wrapping.reset))
                # The length at its end is no secret, and belongs to the shape.
                wrapped = random[KEY : KEY + length - 2] + length.to_bytes(2, "big")
                return TlsCryptV2(ClientKey(random[:KEY], wrapped))
            case TlsCrypt():
                return TlsCrypt(random[:KEY])
            case _:
                return Plain()

    def _secret(self, kind: str) -> tuple[bytes, str]:
        """The key's text, and the option that it came by."""
        inline: SecretStr | None = getattr(self, kind)
        if inline is not None:
            return inline.get_secret_value().encode(), kind
        file, env = getattr(self, f"{kind}_file"), getattr(self, f"{kind}_env")
        text = read_secret(kind, file=file, env=env)
        assert text is not None  # kinds() saw one of the two
        return text, f"{kind}_file" if file else f"{kind}_env"


def authorities_of(ca: str | None, ca_file: str | None) -> str:
    """The certificates of the authorities, in PEM form and nothing else; empty without any.

    SecretError when a file cannot be read, or there is none in it.
    """
    if ca is not None and ca_file is not None:
        raise SecretError("give ca or ca_file, not both", "ca_file")
    if ca is None and ca_file is None:
        return ""
    key = "ca_file" if ca is None else "ca"
    found = certificates_in(ca if ca is not None else read_public(str(ca_file), "ca_file"))
    text = "\n".join(found)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=text or "none")
    except (ssl.SSLError, ValueError):
        where = f"{ca_file}: " if ca_file else ""
        raise SecretError(f"{where}no certificates in PEM form in it", key) from None
    return text


def certificates_in(text: str) -> list[str]:
    """Everything in a text that has the form of a certificate (PEM)."""
    return _CERTIFICATE.findall(text)


def read_public(file: str, option: str) -> str:
    """A file with certificates. SecretError, which names the option, when it cannot be read."""
    try:
        with Path(file).open("rb") as opened:
            data = opened.read(LARGEST_CA + 1)
    except OSError as exc:
        raise SecretError(f"{file}: {(exc.strerror or str(exc)).lower()}", option) from None
    if len(data) > LARGEST_CA:
        raise SecretError(f"{file}: larger than {LARGEST_CA // 1024**2} MiB", option)
    return data.decode("latin-1")

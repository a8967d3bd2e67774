"""By what an OpenVPN server knows its user: a certificate with its key, a user name, or both.

The options name files, or variables of the environment; what stands in a profile comes as it is.
Everything is read when it is needed, and errors name the option, never what is in it.
"""

import re
import ssl
from dataclasses import dataclass, field
from typing import Final

from pydantic import SecretStr

from probe.checks.openvpn_keys import KeyOptions, certificates_in, read_public
from probe.checks.secret import SecretError, read_secret
from probe.checks.tunnel_echo import LEAST
from probe.checks.tunnel_options import Count, Inside
from probe.core.strictyaml import ConfigError
from probe.net.identity import Identity

LONGEST: Final = 512  # characters of a user name or password; OpenVPN's own limit is lower
_KEY: Final = re.compile(
    "-----BEGIN ([A-Z ]*)PRIVATE KEY-----[^-]+-----END [A-Z ]*PRIVATE KEY-----"
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What is shown to the server: ``identity`` in TLS, the rest inside it."""

    identity: Identity | None
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOptions(KeyOptions):
    """The options that say who we are, and what is sent through the tunnel then.

    ``cert`` and ``key`` are our certificate and its key, without a password; ``auth_user_pass`` has
    a user name in its first line and a password in its second. ``tunnel_peer`` is who is to answer
    inside the tunnel, by default the server; ``data`` is how many packets go there.
    """

    cert: str | None = None
    cert_file: str | None = None
    key: SecretStr | None = None
    key_file: str | None = None
    key_env: str | None = None
    auth_user_pass: SecretStr | None = None
    auth_user_pass_file: str | None = None
    auth_user_pass_env: str | None = None
    tunnel_peer: Inside | None = None
    data: Count | None = None

    def own_credentials(self, *, proven: bool) -> Credentials | None:
        """What the options lead to; None without any. SecretError if they are unusable, or if the
        server's certificate would not be judged (``proven``) before it is told a password."""
        identity, login = self._identity(), self._login()
        if login is not None and not proven:
            said = "a password is told to nobody whose certificate is not judged: give ca_file"
            raise SecretError(said, self._own("auth_user_pass")[1])
        if identity is None and login is None:
            if self.data or self.tunnel_peer:
                option = "data" if self.data else "tunnel_peer"
                raise SecretError("packets through the tunnel need credentials", option)
            return None
        return Credentials(identity, *(login or ("", "")))

    def packets(self) -> int:
        """How many are sent through the tunnel."""
        return LEAST if self.data is None else self.data

    def credited(self) -> bool:
        """Whether there are credentials; reads nothing."""
        return any(
            getattr(self, name + ending, None)
            for name in ("cert", "key", "auth_user_pass")
            for ending in ("", "_file", "_env")
        )

    def _identity(self) -> Identity | None:
        text, option = self._own("key")
        if self.cert is not None and self.cert_file is not None:
            raise SecretError("give cert or cert_file, not both", "cert_file")
        has_certificate = self.cert is not None or self.cert_file is not None
        if text is None and not has_certificate:
            return None
        if text is None:
            raise SecretError("a certificate needs its key", "key_file")
        if not has_certificate:
            raise SecretError("a key needs its certificate", "cert_file")
        if "ENCRYPTED" in text:  # in its BEGIN, or in a line below it
            raise SecretError("the key has a password: give one without", option)
        found = _KEY.search(text)
        if found is None:
            raise SecretError("no private key in PEM form in it", option)
        certificate = "cert" if self.cert is not None else "cert_file"
        pem = self.cert if self.cert is not None else read_public(str(self.cert_file), certificate)
        chain = certificates_in(pem)
        if not chain:
            raise SecretError("no certificate in PEM form in it", certificate)
        identity = Identity("\n".join(chain), found[0])
        try:
            identity.show_in(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
        except ConfigError:
            raise SecretError("the key is not that of the certificate", option) from None
        return identity

    def _login(self) -> tuple[str, str] | None:
        text, option = self._own("auth_user_pass")
        if text is None:
            return None
        username, password = (*text.splitlines(), "", "")[:2]
        if not username or not password:
            raise SecretError("needs a user name in its first line and a password next", option)
        if len(username) > LONGEST or len(password) > LONGEST or "\0" in username + password:
            raise SecretError(f"is longer than {LONGEST} characters, or no text", option)
        return username, password

    def _own(self, what: str) -> tuple[str | None, str]:
        """The text of a secret, and the option that it came by."""
        inline: SecretStr | None = getattr(self, what)
        if inline is not None:
            return inline.get_secret_value(), what
        file, env = getattr(self, f"{what}_file"), getattr(self, f"{what}_env")
        text = read_secret(what, file=file, env=env)
        option = f"{what}_file" if file else f"{what}_env"
        return (None if text is None else text.decode("utf-8", "replace")), option

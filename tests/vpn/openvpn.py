"""OpenVPN servers from Debian, one for each way of keeping strangers out."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from loopback.servers import Certificates
from support.programs import HERE, Running, free_ports, need_root, program, running, says

READY: Final = "Initialization Sequence Completed"
NAME: Final = "vpn.example"  # what the server's certificate is for


class Keys:
    """Key files, made by openvpn itself."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._openvpn = program("openvpn")

    def __call__(self, name: str) -> str:
        """A file: ``static``, ``server`` (tls-crypt-v2) or ``client`` (made for that server);
        with something behind a dash it is another one of its kind."""
        path = self._folder / name
        if not path.exists():
            kind, _, other = name.partition("-")
            match kind:
                case "static":
                    self._make("secret", path)
                case "server":
                    self._make("tls-crypt-v2-server", path)
                case _:
                    server = self(f"server-{other}" if other else "server")
                    self._make("tls-crypt-v2-client", path, "--tls-crypt-v2", server)
        return str(path)

    def _make(self, kind: str, path: Path, *more: str) -> None:
        words = [self._openvpn, *more, "--genkey", kind, str(path)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@dataclass(frozen=True)
class Server:
    """A server that is up, and what a probe that may be answered has to know."""

    port: int
    transport: str
    options: dict[str, Any]
    program: Running

    @property
    def url(self) -> str:
        return f"openvpn+{self.transport}://{HERE}:{self.port}"


@dataclass
class Servers:
    """Starts each server when it is first asked for."""

    folder: Path
    certificates: Certificates
    _stack: ExitStack = field(default_factory=ExitStack)
    _up: dict[tuple[str, str], Server] = field(default_factory=dict)

    def __post_init__(self) -> None:
        need_root(tun=True)
        self.keys = Keys(self.folder)

    def __call__(self, kind: str, transport: str = "udp") -> Server:
        """The one server of this kind."""
        if (kind, transport) not in self._up:
            self._up[kind, transport] = self._stack.enter_context(self.started(kind, transport))
        return self._up[kind, transport]

    @contextmanager
    def started(self, kind: str, transport: str = "udp") -> Iterator[Server]:
        """A server of its own, for a test that stops it."""
        (port,) = free_ports(1)
        words, options = self._kind(kind)
        command = [program("openvpn"), *self._common(port, transport), *words]
        log = self.folder / f"{kind}-{transport}-{port}.log"
        with running(command, log, says(READY), folder=self.folder) as up:
            yield Server(port, transport, options, up)

    def close(self) -> None:
        self._stack.close()

    def _common(self, port: int, transport: str) -> list[str]:
        chain = self.certificates.chain_file(NAME)
        words = f"""--mode server --tls-server --dev tun --ifconfig-noexec --dh none --verb 4
            --local {HERE} --port {port} --proto {"udp4" if transport == "udp" else "tcp4-server"}
            --connect-freq-initial 1000 1"""
        files = ["--ca", self.certificates.ca_file, "--cert", chain, "--key", chain]
        return [*words.split(), *files]

    def _kind(self, kind: str) -> tuple[list[str], dict[str, Any]]:
        """The server's own words, and the options of a probe with the right key."""
        static, server, client = self.keys("static"), self.keys("server"), self.keys("client")
        auth, crypt = {"tls_auth_file": static}, {"tls_crypt_file": static}
        v2 = {"tls_crypt_v2_file": client}
        nobody = "--verify-client-cert none --script-security 2"
        kinds: dict[str, tuple[str, dict[str, Any]]] = {
            "plain": ("", {}),
            "old": ("--tls-version-max 1.2", {}),
            "lenient": (f"{nobody} --auth-user-pass-verify /bin/true via-env", {}),
            "auth": (f"--tls-auth {static}", auth),
            "auth-0": (f"--tls-auth {static} 0", {**auth, "key_direction": 1}),
            "auth-1": (f"--tls-auth {static} 1", {**auth, "key_direction": 0}),
            "auth-sha256": (
                f"--tls-auth {static} 0 --auth SHA256",
                {**auth, "key_direction": 1, "digest": "sha256"},
            ),
            "auth-sha512": (
                f"--tls-auth {static} 0 --auth SHA512",
                {**auth, "key_direction": 1, "digest": "SHA512"},
            ),
            "crypt": (f"--tls-crypt {static}", crypt),
            "crypt-v2": (f"--tls-crypt-v2 {server}", v2),
            "crypt-v2-cookie": (f"--tls-crypt-v2 {server} force-cookie", v2),
        }
        words, options = kinds[kind]
        return words.split(), options

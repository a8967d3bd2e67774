"""Measurements that the real checks made of servers on this machine, one for each way it may go."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from loopback.probing import PATIENT, Probe
from loopback.scripts import gives, page, posted, says, with_wrong_id
from loopback.servers import Certificates, Loopback

from probe.core.model import Measurement, Target, Vantage

PLACE = Vantage(id="sh-1", country="CN", asn=4134, network="residential")


class Measured:
    """The measurements by name, and the objects that they name."""

    def __init__(self, found: dict[str, Measurement], read: Callable[[str], bytes | None]) -> None:
        self.found = found
        self.read = read


async def measure_all(folder: Path) -> Measured:
    """Measure each."""
    certificates = Certificates(folder)
    probe = Probe(folder, certificates.ca_file)
    found: dict[str, Measurement] = {}
    async with Loopback(certificates) as servers:
        for name, (url, options) in _targets(servers).items():
            timeouts = replace(PATIENT, connect=0.2, tls=0.3, first_byte=0.3)
            made = await probe(url, options, timeouts=timeouts)
            shown = Target(id=name, service="shop", feature="web", url=url.partition("#")[0])
            found[name] = replace(made, vantage=PLACE, target=shown)

    def read(name: str) -> bytes | None:
        try:
            return probe.objects.get(name)
        except FileNotFoundError:
            return None

    return Measured(found, read)


def _targets(servers: Loopback) -> dict[str, tuple[str, dict[str, object]]]:
    names = servers.resolver(gives("A 127.0.0.1", "CNAME other.example.", "TXT word"))
    forged = servers.resolver(with_wrong_id(gives("A 192.0.2.9")), gives("A 192.0.2.2"))
    answer = gives("A 192.0.2.3")

    def doh(wire: bytes) -> bytes:
        return page(200, answer(wire), "Content-Type: application/dns-message")

    over_https = servers.listen_tls(posted(doh), name="dns.example")
    found = says(page(200, b"found" * 9000, "X-Twice: one", "X-Twice: two", "X-Odd: caf\xe9"))
    missing = says(page(404, b"no such \xff page"))
    redirected = servers.listen(says(page(302, b"", "Location: /again")))
    tls = servers.listen_tls(missing, name="localhost")
    old = servers.listen_tls(
        found, name="localhost", ciphers="ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256"
    )
    here, fragment = "#addresses=127.0.0.1", "%23addresses=127.0.0.1"
    return {
        "dns": (f"dns://site.example?resolver=udp://127.0.0.1:{names}", {}),
        "dns-twice": (f"dns://site.example?resolver=udp://127.0.0.1:{forged}", {}),
        "dns-doh": (
            f"dns://site.example?resolver=https://dns.example:{over_https}/dns-query{fragment}",
            {},
        ),
        "dns-none": ("dns://nowhere.invalid?resolver=udp://127.0.0.1:1", {}),
        "tcp": (f"tcp://127.0.0.1:{servers.listen(says(then='nothing'))}", {}),
        "tcp-refused": (f"tcp://127.0.0.1:{servers.closed()}", {}),
        "tcp-silent": (f"tcp://127.0.0.1:{servers.full()}", {}),
        "tls": (f"tls://localhost:{servers.listen_tls(name='localhost')}{here}", {}),
        "tls-expired": (
            f"tls://localhost:{servers.listen_tls(name='localhost', shown='expired')}{here}",
            {},
        ),
        "tls-reset": (f"tls://localhost:{servers.listen(says(then='rst'))}{here}", {}),
        "https": (f"https://localhost:{tls}/a?b=1#resolver=udp://127.0.0.1:{names}", {}),
        "https-old": (f"https://localhost:{old}/{here}", {"transfer": "40KiB"}),
        "http": (f"http://127.0.0.1:{servers.listen(found)}/", {}),
        "http-redirect": (f"http://127.0.0.1:{redirected}/", {"follow": 2}),
        "http-reset": (f"http://127.0.0.1:{servers.listen(says(then='rst'))}/", {}),
        "http-silent": (f"http://127.0.0.1:{servers.listen(says(then='nothing'))}/", {}),
        "http-garbage": (f"http://127.0.0.1:{servers.listen(says(b'SSH-2.0-x'))}/", {}),
        "http-unexpected": (
            f"http://127.0.0.1:{servers.listen(missing)}/",
            {"expect": {"status": [200]}},
        ),
    }

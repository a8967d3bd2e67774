"""Which service and feature a host of OONI's tests belongs to, and what was done with it there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from probe.core.address import is_ip

Check = Literal["dns", "tcp", "tls", "http", "https"]
Catalogue = Mapping[str, tuple[str, str]]  # host name: service and feature


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One host in one test. ``ports`` are those that the test uses; ``path`` what it asks for.

    ``web`` says that it is asked by HTTP, over TLS on port 443 unless ``plain``.
    """

    service: str
    feature: str
    ports: tuple[int, ...] = (443,)
    web: bool = False
    plain: bool = False
    path: str = "/"

    def check(self, port: int) -> Check:
        """What was done at this port."""
        if not self.ports:
            return "dns"
        if not self.web:
            return "tcp"
        return "https" if port == 443 and not self.plain else "http"

    def url(self, host: str, port: int) -> str:
        """The target as the catalogue would write it."""
        check = self.check(port)
        shown = f"[{host}]" if ":" in host else host
        if check == "dns":
            return f"dns://{host}"
        if check == "tcp":
            return f"tcp://{shown}:{port}"
        usual = port == (443 if check == "https" else 80)
        return f"{check}://{shown}{'' if usual else f':{port}'}{self.path}"


_BOTH: Final = (443, 80)
_WHATSAPP: Final = (
    (r"[eg]\d*\.whatsapp\.net", Place(service="whatsapp", feature="text", ports=(443, 5222))),
    (
        r"v\.whatsapp\.net",
        Place(service="whatsapp", feature="registration", web=True, path="/v2/register"),
    ),
    (r"web\.whatsapp\.com", Place(service="whatsapp", feature="web", web=True, ports=_BOTH)),
)
_TELEGRAM: Final = (
    (r"web\.telegram\.org", Place(service="telegram", feature="web", web=True, ports=_BOTH)),
)
_DATACENTRE: Final = Place(
    service="telegram", feature="text", web=True, plain=True, ports=(80, 443)
)
# uptime.signal.org is looked up by some versions and decides nothing there.
_SIGNAL: Final = (
    (r"sfu\.voip\.signal\.org", Place(service="signal", feature="calls", web=True)),
    (r"cdn\d*\.signal\.org", Place(service="signal", feature="media", web=True)),
    (
        r"(?!uptime\.)[a-z0-9-]+(\.directory)?\.signal\.org",
        Place(service="signal", feature="text", web=True),
    ),
)
_MESSENGER: Final = (
    (r"stun\.fbsbx\.com", Place(service="facebook-messenger", feature="calls", ports=())),
    (r"(external|scontent)\..*fbcdn\.net", Place(service="facebook-messenger", feature="media")),
    (
        r"(b-api|b-graph|edge-mqtt)\.facebook\.com",
        Place(service="facebook-messenger", feature="text"),
    ),
    (r"star\.c10r\.facebook\.com", Place(service="facebook-messenger", feature="web")),
)
MESSENGERS: Final = {
    "whatsapp": _WHATSAPP,
    "telegram": _TELEGRAM,
    "signal": _SIGNAL,
    "facebook_messenger": _MESSENGER,
}
# Delivery nodes of media are many, and change: media-<place>-<number>.cdn, media.<place>.fna.
_MEDIA: Final = re.compile(r"media[-.][a-z0-9.-]+\.(cdn|fna)\.whatsapp\.net")


def in_test(test: str, host: str) -> Place | None:
    """What a messenger's test does with this host; None where it is not of the test's own."""
    if test == "telegram" and is_ip(host):
        return _DATACENTRE
    rows = MESSENGERS[test]
    return next((place for pattern, place in rows if re.fullmatch(pattern, host)), None)


def anywhere(host: str, catalogue: Catalogue) -> tuple[str, str]:
    """Whose a host is: the catalogue's, a messenger's, or a service of its own."""
    if host in catalogue:
        return catalogue[host]
    if _MEDIA.fullmatch(host):
        return "whatsapp", "media"
    for rows in MESSENGERS.values():
        for pattern, place in rows:
            if re.fullmatch(pattern, host):
                return place.service, place.feature
    return host, "web"

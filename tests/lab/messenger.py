"""WhatsApp as the shipped catalogue has it, in the laboratory: every name, with a server behind it.

The names are the real ones; in here they lead to addresses of the laboratory, and nothing leaves.
"""

from typing import Final
from urllib.parse import urlsplit

from lab.rules import Act, NameReset, Rule, Where
from lab.servers import Site

from probe.plan.catalogue import service

SERVICE: Final = "whatsapp"
_FIRST: Final = "93.184.150.{}"


def hosts(*features: str) -> tuple[str, ...]:
    """The names of these features, or of all, in the catalogue's order."""
    known = service(SERVICE).features
    groups = [group for name in features or known for group in known[name].targets]
    urls = [url for group in groups for url in group.expanded()]
    return tuple(dict.fromkeys(urlsplit(url).hostname or "" for url in urls))


def sites() -> tuple[Site, ...]:
    """A server for each of its names, on every port that the catalogue asks for."""
    return tuple(
        Site(names=(name,), addresses=(_FIRST.format(number),), further_ports=(5222,))
        for number, name in enumerate(hosts(), start=1)
    )


def without(*features: str) -> tuple[Rule, ...]:
    """A censor that resets the names of these features, and no others."""
    others = {name for feature in service(SERVICE).features for name in hosts(feature)
              if feature not in features}  # fmt: skip
    names = tuple(name for name in hosts(*features) if name not in others)
    act: Act = NameReset(fingerprint="gfw2", hold=True)
    return (Rule(where=Where(names=names), act=act),)

"""A control's measuring for clients, on a scripted network, asked once or often."""

from pathlib import Path
from typing import Any

from support.plans import tools
from support.servers import http, page
from support.virtual import VirtualClock, run_virtual

from probe.control.guard import Own
from probe.control.limits import Places
from probe.control.service import Measuring
from probe.core.address import Endpoint
from probe.net.fake import FakeNetwork
from probe.plan.helper import HelperConfig
from probe.plan.question import Question, Reply

SITE, OTHER, OURS = "93.184.216.34", "93.184.216.35", "93.184.216.99"
LOCAL_RESOLVER = "127.0.0.53"
NOT_PUBLIC = "refused: it leads to an address that is not public"
INNER = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00:ec2::254"]


def configured(**more: Any) -> HelperConfig:
    section = {"listen": "127.0.0.1:8443", "token_env": "T", **more.pop("control", {})}
    given = {
        "vantage": {"id": "berlin", "country": "DE", "asn": 64500},
        "resolvers": ["system"],
        "anchors": {"international": []},
        "control": section,
        **more,
    }
    return HelperConfig.model_validate(given)


def asking(
    net: FakeNetwork,
    *questions: Question | str,
    allow_private: bool = False,
    places: Places | None = None,
    **config: Any,
) -> Reply:
    """Ask once, in virtual time."""

    async def main() -> Reply:
        measuring = made(net, allow_private=allow_private, places=places, **config)
        return Reply.from_json(await measuring.reply(asked(*questions), "198.51.100.7"))

    return run_virtual(main())


def made(net: FakeNetwork, **more: Any) -> Measuring:
    allow_private, places = more.pop("allow_private", False), more.pop("places", None)
    base = more.pop("base", Path())
    config = configured(**more)
    plan = config.plan(base)
    instruments = tools(net, vantage=plan.vantage, clock=VirtualClock())
    own = Own(frozenset({OURS}))
    return Measuring(config, plan, instruments, own=own, allow_private=allow_private, places=places)


def asked(*questions: Question | str) -> list[Question]:
    return [Question(url=each) if isinstance(each, str) else each for each in questions]


def site(**names: tuple[str, ...]) -> FakeNetwork:
    """A web server at SITE and every inner address, and names; ``_`` in them stands for a dot."""
    net = FakeNetwork(names={name.replace("_", "."): ips for name, ips in names.items()})
    for ip in (SITE, OTHER, OURS, LOCAL_RESOLVER, *INNER):
        for port in (53, 80, 443):
            net.tcp[Endpoint(ip, port)] = http(page())
    return net

"""How a target is reached: which resolvers can be asked for it, and whether the line is needed."""

from probe.checks.resolver import Resolver
from probe.core.address import is_local
from probe.core.strictyaml import ConfigError
from probe.plan.target import Aim


def able(aim: Aim, resolvers: tuple[Resolver, ...]) -> tuple[Resolver, ...]:
    """The resolvers that can be asked this; the system's knows addresses only."""
    if getattr(aim.check, "type", "A") in {"A", "AAAA"}:
        return resolvers
    found = tuple(resolver for resolver in resolvers if resolver.kind != "system")
    if not found:
        raise ConfigError(
            f"{aim.url}: the system's resolver is asked for addresses only; name another one, "
            "as in resolver=udp://192.0.2.1"
        )
    return found


def depends_on_no_line(aim: Aim) -> bool:
    """Whether a target, as it is configured, is in the vantage's own network."""
    pinned = getattr(aim.check, "addresses", ())
    if pinned and not getattr(aim.check, "lookup", False):
        return all(is_local(ip) for ip in pinned)
    # A name's answer always depends on the line, whatever resolver it is asked of.
    return aim.check.name != "dns" and is_local(aim.host)

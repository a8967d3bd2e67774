"""What the user wants measured: URLs, configuration files, services, in any mixture."""

import difflib
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from probe.checks.resolver import Resolver, parse_resolver
from probe.cli.main import Usage
from probe.core.model import Vantage
from probe.plan.catalogue import names, service
from probe.plan.config import Config, VantageSection, read_config
from probe.plan.jobs import Plan, Planner


def plan_for(
    whats: Sequence[str],
    *,
    config: Path | None = None,
    resolvers: Sequence[str] = (),
    vantage: Sequence[str] = (),
) -> Plan:
    """The plan for what stands on the command line. Usage or ConfigError says what to change.

    At most one configuration file; URLs and services beside it are measured under its settings.
    """
    files = [Path(what) for what in whats if "://" not in what and Path(what).exists()]
    files += [config] if config else []
    if len(files) > 1:
        raise Usage(f"only one configuration file at a time, not {len(files)}")
    others = [what for what in whats if "://" in what or not Path(what).exists()]
    settings, base = _settings(files)
    for what in others:
        _known(what)
    planner = Planner(
        settings,
        base,
        _vantage(settings, vantage),
        tuple(_resolver(text) for text in resolvers),
    )
    if files:
        planner.add_config()
    for what in others:
        if "://" in what:
            try:
                planner.add_url(what)
            except ValueError as exc:
                raise Usage(_in_one_line(exc)) from None
        else:
            planner.add_service(service(what))
    return planner.plan()


def _settings(files: Sequence[Path]) -> tuple[Config, Path]:
    if files:
        return read_config(files[0]), files[0].parent
    return Config.model_construct(), Path()


def _known(what: str) -> None:
    if "://" in what or what in names():
        return
    guess = difflib.get_close_matches(what, names(), 1)
    if "/" in what or what.endswith((".yaml", ".yml")):
        raise Usage(f"'{what}': there is no such file, and it is no URL")
    if "." in what or ":" in what:
        hint = f"did you mean 'https://{what}'?"
    elif guess:
        hint = f"did you mean '{guess[0]}'?"
    else:
        hint = f"the services are: {', '.join(names())}"
    raise Usage(f"'{what}' is no URL, no file and no service; {hint}")


def _resolver(text: str) -> Resolver:
    try:
        return parse_resolver(text)
    except ValueError as exc:
        raise Usage(f"--resolver: {exc}") from None


def _vantage(settings: Config, given: Sequence[str]) -> Vantage:
    """The configuration's vantage, with what ``--vantage KEY=VALUE`` says instead."""
    values: dict[str, object] = settings.vantage.model_dump()
    for pair in given:
        key, equals, value = pair.partition("=")
        if not equals or key not in values:
            raise Usage(f"--vantage {pair}: write KEY=VALUE with one of {', '.join(values)}")
        values[key] = int(value) if key == "asn" and value.isdigit() else value
    try:
        return VantageSection.model_validate(values).vantage()
    except ValidationError as exc:
        error = exc.errors(include_url=False)[0]
        message = error["msg"].removeprefix("Value error, ")
        raise Usage(f"--vantage {error['loc'][0]}: {message.lower()}") from None


def _in_one_line(exc: ValueError) -> str:
    key = ".".join(getattr(exc, "key", ()))
    return f"{key}: {exc}" if key else str(exc)

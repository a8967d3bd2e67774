"""What the user wants measured: URLs, configuration files, services, in any mixture."""

import contextlib
import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from probe.checks.resolver import Resolver, parse_resolver
from probe.cli.common import default_results
from probe.cli.main import Usage
from probe.core.address import is_ip
from probe.core.masking import mask
from probe.core.model import Vantage
from probe.plan.catalogue import names, no_more, service
from probe.plan.config import Config, VantageSection, read_config
from probe.plan.controls import TOKEN_ENV, ControlPlace, ControlSection
from probe.plan.jobs import Plan, Planner
from probe.plan.profile import READERS, is_profile

_FILES: Final = (".yaml", ".yml", *READERS)


def plan_for(
    whats: Sequence[str],
    *,
    config: Path | None = None,
    resolvers: Sequence[str] = (),
    vantage: Sequence[str] = (),
    controls: Sequence[str] = (),
    dedicated_key: bool = False,
) -> Plan:
    """The plan for what stands on the command line. Usage or ConfigError says what to change.

    At most one configuration file; URLs, profiles and services beside it are measured under its
    settings. ``dedicated_key`` says that nothing else uses the keys in the profiles among them.
    """
    others = [what for what in whats if not _is_file(what)]
    given = [Path(what) for what in whats if what not in others]
    profiles = [path for path in given if is_profile(path)]
    files = [path for path in given if path not in profiles]
    if config and is_profile(config):
        raise Usage(f"{config} is a profile, not a configuration: leave out -c")
    files += [config] if config else []
    if len(files) > 1:
        raise Usage(f"only one configuration file at a time, not {len(files)}")
    settings, base = _settings(files)
    for what in others:
        _known(what)
    planner = Planner(
        settings,
        base,
        _vantage(settings, vantage),
        tuple(_resolver(text) for text in resolvers),
        tuple(_control(text) for text in controls),
    )
    if files:
        planner.add_config()
    for path in profiles:
        try:
            planner.add_profile(path, dedicated_key=dedicated_key)
        except ValueError as exc:
            raise Usage(f"{path}: {_in_one_line(exc)}") from None
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
    return Config.model_construct(results=str(default_results())), Path()


def _is_file(what: str) -> bool:
    """Whether it names something to be read. A folder may be called like a service."""
    return "://" not in what and _exists(what) and not _is_folder(what)


def _exists(what: str) -> bool:
    try:
        return Path(what).exists()
    except OSError:  # too long for a file name, or behind a folder that is closed to us
        return False


def _is_folder(what: str) -> bool:
    return _exists(what) and Path(what).is_dir()


def _known(what: str) -> None:
    """Raise Usage, with what was probably meant, unless it is a URL or a service."""
    if "://" in what:
        return
    if what in names():
        if reason := no_more(service(what)):
            raise Usage(reason)
        return
    if not what.strip():
        raise Usage("an empty text is no URL, no file and no service")
    url = mask(f"https://[{what}]" if is_ip(what) and ":" in what else f"https://{what}")
    shown = mask(f"https://{what}").removeprefix("https://")  # it may hold a password all the same
    if _is_folder(what):
        raise Usage(f"'{shown}' is a folder, not a configuration file")
    if guess := _file_beside(what) or _service_like(what):
        hint = f"did you mean '{guess}'?"
    elif _is_path(what):
        raise Usage(f"'{shown}': there is no such file, and it is no URL")
    elif "." in what or ":" in what:
        hint = f"did you mean '{url}'?"
    else:
        hint = f"the services are: {', '.join(names())}"
    raise Usage(f"'{shown}' is no URL, no file and no service; {hint}")


def _service_like(what: str) -> str | None:
    found = difflib.get_close_matches(what, names(), 1)
    return found[0] if found and "." not in what else None


def _file_beside(what: str) -> str | None:
    """The configuration or profile in the same folder that is called almost the same."""
    path = Path(what)
    with contextlib.suppress(OSError):
        there = [p.name for p in path.parent.iterdir() if p.suffix in _FILES]
        found = difflib.get_close_matches(path.name, there, 1, cutoff=0.75)
        return str(path.with_name(found[0])) if found else None
    return None


def _is_path(what: str) -> bool:
    host, slash, _ = what.partition("/")
    return what.endswith(_FILES) or (bool(slash) and "." not in host.strip("."))


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
        raise Usage(f"--vantage {error['loc'][0]}: {_first(exc)}") from None


def _control(text: str) -> ControlPlace:
    """A control that is given by its URL; its token is in the environment."""
    try:
        return ControlSection(url=text, token_env=TOKEN_ENV).place(Path())
    except ValidationError as exc:
        raise Usage(f"--control: {_first(exc)}") from None


def _first(exc: ValidationError) -> str:
    message = exc.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _in_one_line(exc: ValueError) -> str:
    key = ".".join(getattr(exc, "key", ()))
    return f"{key}: {exc}" if key else str(exc)

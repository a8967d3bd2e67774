"""The command line: finds the command, and turns every error into a line that says what to change.

A command is one module of this package with ``arguments(parser)`` and ``run(args) -> int``. It is
imported only when it is called, and imports its own heavy parts only when it runs: so ``--help``
answers at once.
"""

import argparse
import importlib
import os
import sys
import textwrap
from types import ModuleType
from typing import Final, NoReturn

from probe import __version__

USAGE: Final = 2
INTERNAL: Final = 4
INTERRUPTED: Final = 130

COMMANDS: Final = {
    "check": "check targets, services or a configuration once",
    "run": "keep checking on a schedule",
    "plan": "list everything that would be sent, and send nothing",
    "explain": "say why a stored verdict is what it is",
    "judge": "give stored verdicts again under the present rules",
    "export": "write stored results as CSV, JSON or JSON Lines",
    "compare": "hold results against reported disruptions",
    "import": "bring in reported disruptions, targets, or measurements of OONI",
    "report": "write a page with pictures: what was reported, and what was measured",
    "serve": "show what is measured on a page for a browser",
    "control": "let probes elsewhere ask what this machine sees of their targets",
    "alerts": "send a test to whoever is told when a feature changes",
    "seal": "pack past days of results, and delete what is too old",
    "doctor": "look whether this machine is ready to measure",
    "targets": "list the services and targets that come with the program",
    "demo": "see it work on an embedded internet, without any network",
}


class Usage(Exception):  # noqa: N818  (what the user has to change)
    """The command line is wrong; the text says what to change."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise Usage(f"{message} (see '{self.prog} --help')")


def main(argv: list[str] | None = None) -> int:
    """Run one command and give its exit code."""
    arguments = sys.argv[1:] if argv is None else argv
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller, as some process managers do
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    try:
        return _dispatch(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader went away (| head): no error of ours, and nothing more can be said to it.
        abandon_output()
        return 0
    except Usage as exc:
        return _complain(str(exc), USAGE)
    except Exception as exc:  # noqa: BLE001  (a traceback helps nobody who uses this)
        return _unexpected(exc)


def abandon_output() -> None:
    """Let what is still on its way to standard output go nowhere, without a word at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def module_of(name: str) -> ModuleType:
    """The module of one of COMMANDS; "import" is a keyword, so its module has another name."""
    return importlib.import_module(f"probe.cli.{'imports' if name == 'import' else name}")


def _dispatch(arguments: list[str]) -> int:
    parser = _parser()
    if not arguments:
        parser.print_help()
        return USAGE
    if arguments[0].startswith("-"):
        parser.parse_args(arguments)
    name = arguments[0]
    if name not in COMMANDS:
        raise Usage(_unknown(name))
    command = module_of(name)
    own = _Parser(
        prog=f"probe {name}",
        description=_wrapped(command.__doc__ or ""),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    command.arguments(own)
    # Options may stand between targets: probe check whatsapp --quick https://host/
    code: int = command.run(own.parse_intermixed_args(arguments[1:]))
    sys.stdout.flush()
    return code


def _wrapped(text: str) -> str:
    """Paragraphs for a terminal of 80 columns."""
    return "\n\n".join(textwrap.fill(part, 78) for part in text.strip().split("\n\n"))


def _parser() -> _Parser:
    listing = "\n".join(f"  {name:9} {summary}" for name, summary in COMMANDS.items())
    parser = _Parser(
        prog="probe",
        usage="probe COMMAND ...",
        description="Measures whether VPN endpoints and messaging services can be reached from\n"
        "here, says why not, and holds that against reported disruptions.",
        epilog=f"commands:\n{listing}\n\nprobe COMMAND --help says more about each.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"probe {__version__}")
    return parser


def _unknown(name: str) -> str:
    import difflib

    if "://" in name:
        from probe.core.masking import mask

        shown = mask(name)
        return f"'{shown}' is a target, not a command; write: probe check {shown}"
    guess = difflib.get_close_matches(name, COMMANDS, 1)
    hint = f"did you mean '{guess[0]}'?" if guess else "see 'probe --help'"
    return f"there is no command '{name}'; {hint}"


def _unexpected(exc: Exception) -> int:
    from probe.core.strictyaml import ConfigError

    if isinstance(exc, ConfigError):
        return _complain(str(exc), USAGE)
    if os.environ.get("PROBE_DEBUG"):
        raise exc
    text = f"{type(exc).__name__}: {exc}" if str(exc) else type(exc).__name__
    return _complain(f"internal error: {text} (PROBE_DEBUG=1 shows where)", INTERNAL)


def _complain(text: str, code: int) -> int:
    from probe.show.terminal import safe  # a message may quote a hostile file

    for line in text.splitlines():
        print(f"probe: {safe(line)}", file=sys.stderr)
    return code

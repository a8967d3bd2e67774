"""Check targets, services or a configuration once.

WHAT is a target URL (tcp://host:port, tls://host, https://host/path, http://…, dns://name), a
configuration file, an OpenVPN profile (.ovpn), a file of wg-quick (.conf, with --dedicated-key), or
the name of a service such as whatsapp. Results are stored unless --no-store is given. "probe plan
WHAT" shows beforehand what would be sent.

exit code: 0 all ok; 1 something is not ok; 2 usage or configuration; 3 nothing could be concluded
because the vantage is offline; 4 internal error, or a measurement that is invalid or could not be
stored; 130 interrupted. A service counts by its features.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from probe.cli.common import add_results, output
from probe.cli.main import INTERNAL, Usage, abandon_output

if TYPE_CHECKING:
    from probe.cli.session import Storing
    from probe.core.model import Measurement, Verdict
    from probe.measure.measure import Instruments
    from probe.measure.once import Round
    from probe.plan.jobs import Plan

OFFLINE = 3
NOT_OK = 1
_BLANK = "\n"  # between the table and what is said after it


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add_whats(parser)
    add_results(parser)
    parser.add_argument("--no-store", action="store_true", help="store nothing")
    parser.add_argument(
        "--format", choices=("table", "json", "jsonl", "csv"), default="table", help="what to print"
    )
    parser.add_argument("-o", dest="out", metavar="FILE", type=Path, help="write to this file")
    parser.add_argument("--quick", action="store_true", help="leave out follow-up measurements")
    parser.add_argument(
        "--explain", action="store_true", help="say below the table why what is not ok is not"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="list every target")
    parser.add_argument("--quiet", action="store_true", help="say nothing on standard error")


def add_whats(parser: argparse.ArgumentParser) -> None:
    """What is to be measured, from where and by which resolvers; shared with ``plan``."""
    parser.add_argument(
        "what", metavar="WHAT", nargs="*", help="URL, configuration, .ovpn, .conf or service"
    )
    parser.add_argument(
        "--dedicated-key",
        action="store_true",
        help="nothing else uses the keys in these profiles: without this a .conf is not read, and "
        "with an .ovpn nobody logs in",
    )
    parser.add_argument("-c", dest="config", metavar="CONFIG", type=Path, help="configuration file")
    parser.add_argument(
        "--resolver",
        metavar="URL",
        action="append",
        default=[],
        help="ask this resolver instead of the configured ones; may be given several times",
    )
    parser.add_argument(
        "--control",
        metavar="URL",
        action="append",
        default=[],
        help="ask this control as well, with the token in PROBE_CONTROL_TOKEN",
    )
    parser.add_argument(
        "--vantage",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="id, country, asn or network of this vantage; may be given several times",
    )
    parser.add_argument(
        "--trace",
        dest="trace",
        action="store_const",
        const="route",
        help="find the routers on the way to what failed, by UDP and TCP SYN",
    )
    # An option of its own: "--trace WHAT" must not take the target for its value.
    parser.add_argument(
        "--trace=hello",
        dest="trace",
        action="store_const",
        const="hello",
        help="also how far on a ClientHello is reset; a place may stay blocked for minutes then",
    )


def run(args: argparse.Namespace) -> int:
    """Check once; the exit code says what came of it."""
    from dataclasses import replace

    from probe.cli.what import plan_for
    from probe.record.disk import ResultsError

    if not args.what and not args.config:
        raise Usage("say what to check: a URL, a configuration file or a service")
    if args.quick and args.trace:
        raise Usage("--quick leaves out follow-ups, and --trace asks for some")
    plan = plan_for(
        args.what,
        config=args.config,
        resolvers=args.resolver,
        vantage=args.vantage,
        controls=args.control,
        dedicated_key=args.dedicated_key,
    )
    if args.results:
        plan = replace(plan, results=args.results)
    try:
        return _check(args, plan)
    except ResultsError as exc:
        raise Usage(str(exc)) from exc


def _check(args: argparse.Namespace, plan: "Plan") -> int:
    import asyncio

    from probe.cli.session import Storing, instruments, opened
    from probe.measure.once import check_once
    from probe.show.progress import progress

    with output(args.out) as out:  # opened first: where nothing can be written is told at once
        with opened(plan, store=not args.no_store) as journal:
            tools = instruments(plan, journal)
            storing = Storing(journal)
            visible = args.format == "table" and not args.quiet
            try:
                with progress(len(plan.jobs), visible=visible) as done:
                    result = asyncio.run(
                        check_once(
                            plan,
                            tools,
                            storing.recorders,
                            done,
                            storing.health_of(tools),
                            quick=args.quick,
                        )
                    )
                    if args.trace:
                        plan = _traced(args, plan, tools, storing, result)
            except KeyboardInterrupt:
                _tell_interrupted(args, plan)
                raise
        code = INTERNAL if storing.lost else exit_code(result.verdicts)
        try:
            _write(args, tools.run, plan, result, storing.measurements, out)
            if args.explain and args.format == "table":
                _explain(result, storing.measurements, tools.read, out)
            out.flush()
            _tell(args, plan, storing)
        except BrokenPipeError:
            abandon_output()  # what was measured is no less true for that
    return code


def _traced(
    args: argparse.Namespace,
    plan: "Plan",
    tools: "Instruments",
    storing: "Storing",
    result: "Round",
) -> "Plan":
    """Trace what failed; the plan with notes on what could not be traced."""
    import asyncio
    from dataclasses import replace

    from probe.measure.tracing import trace_failures
    from probe.net.hops import RealTracer

    hello = args.trace == "hello"
    tracer, record = RealTracer(), storing.recorders.measurement
    notes = asyncio.run(trace_failures(plan, result, tracer, tools, record, hello=hello))
    return replace(plan, notes=(*plan.notes, *notes))


def exit_code(verdicts: "Sequence[Verdict]") -> int:
    """What the verdicts amount to; a service counts by its features, not by its targets."""
    features = {(v.service, v.feature) for v in verdicts if v.target is None}
    counted = [v for v in verdicts if v.target is None or (v.service, v.feature) not in features]
    if any(verdict.outcome == "invalid" for verdict in verdicts):
        return INTERNAL
    not_ok = {verdict.outcome for verdict in counted} - {"ok"}
    if not not_ok:
        return 0
    return OFFLINE if not_ok == {"offline"} else NOT_OK


def _write(
    args: argparse.Namespace,
    run_id: str,
    plan: "Plan",
    result: "Round",
    measurements: "Sequence[Measurement]",
    out: TextIO,
) -> None:
    if args.format == "table":
        from probe.show.tabular import console_for
        from probe.show.traces import show_traces
        from probe.show.verdicts import show_verdicts

        console = console_for(out)
        show_verdicts(result.verdicts, measurements, console, every_target=args.verbose)
        _say_services(result, out)
        show_traces(measurements, out)
    elif args.format == "json":
        from probe.judge.service import in_sum
        from probe.plan.catalogue import titles
        from probe.show.lines import write_check
        from probe.show.quotable import as_data

        known = titles(verdict.service for verdict in result.verdicts)
        services = [as_data(each, known) for each in in_sum(result.verdicts)]
        write_check(run_id, plan.vantage, result.verdicts, measurements, out, services)
    elif args.format == "jsonl":
        from probe.show.lines import write_jsonl

        write_jsonl(result.verdicts, out)
    else:
        from probe.core.model import VANTAGE
        from probe.record.join import Judged
        from probe.show.csv import write_measurements

        judged = {v.cycle: Judged.of(v) for v in result.verdicts if v.target is not None}
        targets = (m for m in measurements if m.role == "target" and m.origin == VANTAGE)
        write_measurements(((m, judged.get(m.cycle)) for m in targets), out)


def _say_services(result: "Round", out: TextIO) -> None:
    from probe.judge.service import in_sum
    from probe.plan.catalogue import titles
    from probe.show.quotable import say

    for found in in_sum(result.verdicts):
        say(found, titles([found.service]), out)


def _explain(
    result: "Round",
    measurements: "Sequence[Measurement]",
    read: "Callable[[str], bytes | None]",
    out: TextIO,
) -> None:
    from probe.cli.explain import say
    from probe.plan.knowledge import shipped_knowledge
    from probe.show.evidence import evidence_of

    found = {measurement.id: measurement for measurement in measurements}
    kept = {
        name: body
        for measurement in measurements
        for step in measurement.steps
        if (name := step.detail.get("body")) and (body := read(name)) is not None
    }
    for verdict in result.verdicts:
        if verdict.target is not None and verdict.outcome != "ok":
            out.write("\n")
            say(verdict, evidence_of(verdict, found, kept, shipped_knowledge()), out)


def _tell(args: argparse.Namespace, plan: "Plan", storing: "Storing") -> None:
    if storing.lost:
        print(f"probe: {storing.failed}; not everything was stored", file=sys.stderr)
    if args.quiet:
        return
    for note in plan.notes:
        print(f"note: {note}", file=sys.stderr)
    if args.format == "table" and not args.no_store and not storing.lost:
        print(f"{'' if args.out else _BLANK}results: {plan.results}", file=sys.stderr)


def _tell_interrupted(args: argparse.Namespace, plan: "Plan") -> None:
    if not args.quiet:
        kept = "nothing was stored" if args.no_store else f"what was measured is in {plan.results}"
        print(f"interrupted; {kept}", file=sys.stderr)

"""How much memory and time ``probe export`` takes: python bench/export_memory.py [N] [DAYS]

Writes N measurements of about 1.5 KB (default: a million) with their verdicts into a temporary
folder, exports them as CSV in a process of its own, and prints that process's peak memory. All of
them lie in one UTC day unless DAYS says otherwise: that is the worst case.
"""

import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from probe.core.model import Control, Measurement, Software, Step, Target, Vantage, Verdict
from probe.record.codec import encode

START = datetime(2017, 7, 18, tzinfo=UTC)
VANTAGE = Vantage(id="sh-ct-1", country="CN", asn=4134, network="residential")
# The child tells its own peak: what a parent sees may be its own size, inherited across fork.
EXPORT = """
import sys
from pathlib import Path
from probe.cli.main import main
code = main(sys.argv[1:])
peak = next(l for l in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in l)
print(int(peak.split()[1]))
sys.exit(code)
"""


def main(count: int = 1_000_000, days: int = 1) -> None:
    """Generate, export, and print what it took."""
    with tempfile.TemporaryDirectory(prefix="probe-export-") as folder:
        root = Path(folder)
        began = time.monotonic()
        generate(root / "results", count, days)
        size = sum(path.stat().st_size for path in (root / "results").rglob("*.jsonl"))
        took = time.monotonic() - began
        print(f"generated  {count} measurements, {size / 1e6:.0f} MB, in {took:.1f} s")
        began = time.monotonic()
        peak = export(root / "results", root / "out.csv")
        took = time.monotonic() - began
        with (root / "out.csv").open("rb") as out:
            rows = sum(1 for _ in out) - 1
        print(f"exported   {rows} rows in {took:.1f} s, {rows / took:.0f} rows/s")
        print(f"peak       {peak / 1024:.0f} MiB")


def export(results: Path, out: Path) -> int:
    """Run the export in a process of its own; gives its peak memory in KiB."""
    command = [sys.executable, "-c", EXPORT, "export", "--results", str(results), "-o", str(out)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return int(done.stdout)


def generate(root: Path, count: int, days: int = 1) -> None:
    """Write ``count`` measurements and a verdict on each, evenly over ``days`` UTC days."""
    (root / "verdicts").mkdir(parents=True)
    per_day = -(-count // days)
    for day in range(days):
        numbers = range(day * per_day, min(count, (day + 1) * per_day))
        first = START + timedelta(days=day)
        name = f"{first.date().isoformat()}.jsonl"
        with (root / name).open("wb") as facts, (root / "verdicts" / name).open("wb") as found:
            for number in numbers:
                at = first + timedelta(seconds=80_000 * (number - numbers[0]) / per_day)
                measured = measurement(number, at)
                facts.write(encode(measured))
                found.write(encode(verdict(number, measured)))


def measurement(number: int, at: datetime) -> Measurement:
    """A typical https measurement: a lookup, and one address; every tenth is reset."""
    fails = number % 10 == 0
    target = number % 50
    host = f"e{target}.service.example"
    marks = {"resolver": "udp://192.0.2.53", "engine": "udp", "hostname": host, "query_type": "A"}
    answer = {"type": "A", "data": "198.51.100.7", "ttl": 60}
    address = "198.51.100.7:443"
    lookup = {**marks, "answers": [answer], "rcode": "NOERROR", "raw": "kZ2BgAABAAE" * 8}
    handshake = {
        "server_name": host,
        "verify": "on",
        "version": "TLSv1.3",
        "cipher": "TLS_AES_128_GCM_SHA256",
        "peer_certificates": ["ab" * 32, "cd" * 32],
    }
    steps = [
        Step(op="resolve", transaction=1, address="192.0.2.53:53", t0=0.0, t=0.0213, detail=lookup),
        Step(op="connect", transaction=2, address=address, t0=0.022, t=0.0871),
        Step(
            op="tls_handshake",
            transaction=2,
            address=address,
            t0=0.0872,
            t=0.2215,
            failure="connection_reset" if fails else None,
            detail=handshake,
        ),
    ]
    if not fails:
        asked = {"method": "GET", "host": host, "path": "/"}
        got = {"status": 200, "first_byte": 0.3104, "headers": [["content-type", "text/html"]]}
        moved = {"bytes": 5120, "limit": 131072, "complete": True, "progress": [[0.3106, 5120]]}
        for op, t0, t, detail in (
            ("http_request", 0.2216, 0.2217, asked),
            ("http_response", 0.2217, 0.3105, got),
            ("transfer", 0.3105, 0.3107, moved),
        ):
            steps.append(
                Step(op=op, transaction=2, address=address, t0=t0, t=t, detail=dict(detail))
            )
    return Measurement(
        id=_uuid(3 * number),
        run=_uuid(1),
        cycle=_uuid(3 * number + 1),
        started=at,
        vantage=VANTAGE,
        target=Target(id=f"e{target}", service="messenger", feature="text", url=f"https://{host}/"),
        check="https",
        steps=tuple(steps),
        covered="handshake" if fails else "transfer",
        software=Software(name="probe", version="0.1.0"),
    )


def verdict(number: int, measured: Measurement) -> Verdict:
    """What is concluded from it."""
    failed = measured.steps[-1].failure
    return Verdict(
        id=_uuid(3 * number + 2),
        at=measured.started + timedelta(minutes=1),
        cycle=measured.cycle,
        vantage=VANTAGE,
        target=measured.target.id,
        service=measured.target.service,
        feature=measured.target.feature,
        url=measured.target.url,
        outcome="unreachable" if failed else "ok",
        mechanism="tls.reset" if failed else None,
        locus="unknown" if failed else None,
        rule="failed-without-control" if failed else "complete",
        rules=1,
        covered=measured.covered,
        control=Control(),
        evidence=(measured.id,),
    )


def _uuid(number: int) -> str:
    """A UUIDv7 in form, made of a number."""
    return str(UUID(int=(0x15D4 << 112) | (7 << 76) | (0b10 << 62) | (number * 2654435761 % 2**61)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))

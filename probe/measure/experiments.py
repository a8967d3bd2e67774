"""The follow-ups one by one: each is a job of its own that ``measure`` runs.

Every job is made of the ordinary checks. Deadlines are short: who interferes does so at once.
"""

import secrets
import string
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from probe.checks import WITH_SERVER_NAME, Check
from probe.checks.dns import DnsCheck
from probe.checks.echo import EchoCheck
from probe.checks.expect import Expect
from probe.checks.harmless import HarmlessCheck
from probe.checks.http import HttpCheck, HttpsCheck
from probe.checks.kit import Timeouts
from probe.checks.quic import QuicCheck
from probe.checks.resolver import Resolver, parse_resolver
from probe.checks.sending import FirstPacket
from probe.checks.tls import TlsCheck
from probe.core.address import Endpoint
from probe.core.masking import mask
from probe.plan.jobs import Job
from probe.plan.question import Session

_STEP: Final = 5.0  # seconds for a connection or a handshake
_QUERY: Final = 2.0  # seconds for a query that nobody should answer
WINDOW: Final = 4.0  # seconds for one of several interleaved transfers
LEAST: Final = 64 * 1024  # bytes of such a transfer
MOST: Final = 256 * 1024


def server_name(job: Job) -> str:
    """The name that is sent in clear: the SNI, else the host."""
    check: Any = job.check
    return getattr(check, "sni", None) or str(check.host)


def tls_at(job: Job, decoy: Endpoint, session: Session, name: str) -> Job:
    """TLS with this name at the decoy, whose certificate is known."""
    check = TlsCheck(
        host=name, port=decoy.port, addresses=(decoy.ip,), pin=session.leaf, alpn=_alpn(job)
    )
    return _job(job, check, f"tls://{decoy}?sni={name}")


def http_at(job: Job, decoy: Endpoint, session: Session, name: str) -> Job:
    """Plain HTTP with this Host header at the decoy, whose page is known."""
    check = HttpCheck(
        host=name,
        port=decoy.port,
        addresses=(decoy.ip,),
        host_header=name,
        expect=Expect(body=session.page),
    )
    return _job(job, check, f"http://{decoy}/#host_header={name}")


def transfer_at(job: Job, decoy: Endpoint, session: Session, name: str, size: int) -> Job:
    """As many bytes from the decoy, under this name."""
    path = f"/bytes/{size}?token={session.bytes_token}"
    check = HttpsCheck(
        host=name,
        port=decoy.port,
        addresses=(decoy.ip,),
        path=path,
        pin=session.leaf,
        transfer=size,
    )
    made = _job(job, check, mask(f"https://{decoy}{path}#sni={name}"))
    return _windowed(made)


def transfer_again(job: Job, address: str, size: int) -> Job:
    """The target's own transfer once more, at one address and in the same time."""
    check: Any = job.check
    again = replace(check, addresses=(address,), lookup=False, transfer=size)
    return _windowed(_job(job, again, job.target.url))


def query_at(job: Job, ip: str, name: str) -> Job:
    """A query for this name to a host that is no resolver."""
    resolver = parse_resolver(f"udp://[{ip}]" if ":" in ip else f"udp://{ip}")
    check = DnsCheck(host=name, port=53, type="A")
    made = _job(job, check, f"dns://{name}?type=A&resolver={resolver.url}", resolvers=(resolver,))
    return replace(made, timeouts=replace(made.timeouts, dns=min(job.timeouts.dns, _QUERY)))


def certificate_at(job: Job, ip: str) -> Job:
    """TLS for the target's name at one address, verified as the target itself would be."""
    check: Any = job.check
    port = check.port if check.name in WITH_SERVER_NAME else 443
    name = server_name(job)
    made = TlsCheck(
        host=name,
        port=port,
        addresses=(ip,),
        alpn=_alpn(job),
        ca_file=getattr(check, "ca_file", None),
        pin=getattr(check, "pin", None),
        roots=getattr(check, "roots", None),
    )
    return _job(job, made, f"tls://{Endpoint(ip, port)}?sni={name}")


def named_at(job: Job, place: Endpoint, name: str) -> Job:
    """TLS, or QUIC where the target speaks it, with this name at the target's own address;
    whatever certificate comes is fine."""
    where: dict[str, Any] = {"host": name, "port": place.port, "addresses": (place.ip,)}
    where |= {"verify": False, "alpn": _alpn(job)}
    quic = job.check.name == QuicCheck.name
    check = QuicCheck(**where, mode="handshake") if quic else TlsCheck(**where)
    return _job(job, check, f"{check.name}://{place}?sni={name}")


def harmless_at(job: Job, place: Endpoint) -> Job:
    """A harmless first payload at the target's own address and port."""
    return _job(job, HarmlessCheck(host=place.ip, port=place.port), f"tcp://{place}")


def echo_at(job: Job, echo: Endpoint, make: Callable[[], FirstPacket]) -> Job:
    """First packets at a control's echo, a new one for each time that one is sent."""
    check = EchoCheck(host=echo.ip, port=echo.port, make=make)
    return _job(job, check, f"{make().transport}://{echo}")


def random_neighbour(neutral_name: str) -> str:
    """A name that nobody has ever asked for, beside the neutral one."""
    label = "".join(secrets.choice(string.ascii_lowercase) for _ in range(16))
    return f"{label}.{neutral_name.partition('.')[2] or neutral_name}"


def _alpn(job: Job) -> tuple[str, ...]:
    """What the target's own ClientHello offers, so that only the name differs."""
    return ("http/1.1",) if job.check.name == "https" else tuple(getattr(job.check, "alpn", ()))


def _job(job: Job, check: Check, url: str, resolvers: tuple[Resolver, ...] = ()) -> Job:
    timeouts = job.timeouts
    short = Timeouts(
        dns=timeouts.dns,
        connect=min(timeouts.connect, _STEP),
        tls=min(timeouts.tls, _STEP),
        first_byte=min(timeouts.first_byte, _STEP),
        transfer=min(timeouts.transfer, _STEP),
        late_answers=timeouts.late_answers,
    )
    return replace(
        job,
        target=replace(job.target, url=url),
        check=check,
        resolvers=resolvers or job.resolvers,
        timeouts=short,
        timeout=min(job.timeout, 3 * _STEP),
    )


def _windowed(job: Job) -> Job:
    window = min(job.timeouts.transfer, WINDOW)
    return replace(job, timeouts=replace(job.timeouts, transfer=window))

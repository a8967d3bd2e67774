"""Send a test message to every address that a configuration names for alerts.

Shows for each address, by its number, whether the message was handed over; never the address.

exit code: 0 all delivered; 1 one was not; 2 usage or configuration.
"""

import argparse
from pathlib import Path

from probe.cli.main import Usage


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("what", choices=("test",), help="what to do: send a test message")
    parser.add_argument(
        "-c", dest="config", metavar="CONFIG", type=Path, required=True, help="configuration file"
    )


def run(args: argparse.Namespace) -> int:
    """Send and tell; 1 unless all were delivered."""
    import asyncio

    from probe.cli.what import plan_for
    from probe.run.alerts.notifier import AppriseNotifier, Delivery

    plan = plan_for((), config=args.config)
    if plan.alerts is None:
        raise Usage(f"{args.config} names no addresses: give alerts.urls_file or alerts.urls_env")
    urls, notifier = plan.alerts.urls(), AppriseNotifier()
    title = f"probe {plan.vantage.id}: test"
    body = "A test, sent by hand: whoever reads this will be told when a feature changes."

    async def send() -> list[Delivery]:
        return await asyncio.gather(*(notifier.send(url, title, body) for url in urls))

    found = asyncio.run(send())
    for number, delivery in enumerate(found, 1):
        kind = f" ({delivery.service})" if delivery.service else ""
        told = "delivered" if delivery.delivered else f"not delivered: {delivery.reason}"
        print(f"address {number}{kind}: {told}")
    return int(not all(delivery.delivered for delivery in found))

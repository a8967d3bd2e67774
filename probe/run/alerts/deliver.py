"""A process of its own that hands one message to one address by Apprise, and ends.

A service that hangs, a library that needs much memory or writes secrets into its log: none of it
is in the process that measures. The address comes over standard input, since every user of the
machine can read a command line; nothing but the service's name comes back.
"""

import contextlib
import json
import logging
import os
import sys


def main() -> int:
    """Deliver what standard input asks for; prints ``{"service", "delivered"}``."""
    asked = json.loads(sys.stdin.buffer.read())
    logging.disable(logging.CRITICAL)
    answer, sys.stdout = sys.stdout, sys.stderr  # whatever a plugin prints is no answer
    with contextlib.suppress(OSError):  # some sandboxes forbid even this
        os.nice(10)
    import apprise

    # Nothing that a service wants to remember is written to this machine.
    asset = apprise.AppriseAsset(storage_mode=apprise.PersistentStoreMode.MEMORY)
    known = apprise.Apprise(asset=asset)
    service = None
    delivered = False
    if known.add(asked["url"]) and len(known):
        service = str(known[0].service_name)
        delivered = bool(
            known.notify(
                title=asked["title"], body=asked["body"], body_format=apprise.NotifyFormat.TEXT
            )
        )
    print(json.dumps({"service": service, "delivered": delivered}), file=answer, flush=True)
    return 0


if __name__ == "__main__":
    main()
    os._exit(0)  # threads that a hanging service has left are not waited for

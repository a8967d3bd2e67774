"""A front server that is alive, with a dead backend behind one of its names.

    python -m lab.front ADDRESS BEHIND NAME,NAME

On port 443 of ADDRESS a connection for one of the names is reset; any other goes to BEHIND.
"""

import socket
import sys
import threading
from contextlib import closing, suppress

from lab.middle import peek_name, pump, reset


def serve(sock: socket.socket, behind: str, dead: set[str]) -> None:
    """One connection."""
    with closing(sock), suppress(OSError):
        if peek_name(sock) in dead:
            reset(sock)
            return
        with socket.create_connection((behind, 443), 10) as backend:
            pump(sock, backend)


def main() -> None:
    """Until the process is ended."""
    address, behind, names = sys.argv[1:]
    listener = socket.create_server((address, 443))
    print("ready", flush=True)
    while True:
        arguments = (listener.accept()[0], behind, set(names.split(",")))
        threading.Thread(target=serve, args=arguments, daemon=True).start()


if __name__ == "__main__":
    main()

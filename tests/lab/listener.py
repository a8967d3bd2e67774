"""Accepts connections, and says and hears nothing.

python -m lab.listener ADDRESS PORT
"""

import socket
import sys


def main() -> None:
    """Until the process is ended."""
    listener = socket.create_server((sys.argv[1], int(sys.argv[2])))
    print("ready", flush=True)
    while True:
        listener.accept()


if __name__ == "__main__":
    main()

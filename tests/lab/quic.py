"""A QUIC server of the laboratory (aioquic), which completes handshakes.

python -m lab.quic ADDRESS PORT CERTIFICATE_AND_KEY
"""

import asyncio
import sys

from aioquic.asyncio import serve
from aioquic.quic.configuration import QuicConfiguration


async def main(address: str, port: int, pem: str) -> None:
    """Until the process is ended."""
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["h3"])
    configuration.load_cert_chain(pem)
    await serve(address, port, configuration=configuration)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3]))

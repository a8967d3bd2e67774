"""The probe, with the laboratory's authority among those that browsers trust.

    python -m lab.public_probe AUTHORITIES.pem ARGUMENT…

Everything else is the ordinary command. Without this every site of the laboratory would be vouched
for by an authority that only this machine trusts, which the probe rightly finds remarkable.
"""

import sys

import certifi

from probe.cli.main import main

if __name__ == "__main__":
    authorities = sys.argv[1]
    certifi.where = lambda: authorities
    sys.exit(main(sys.argv[2:]))

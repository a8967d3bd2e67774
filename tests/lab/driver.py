"""Calls functions in a namespace, as ``Lab.run_python`` asks: one line of JSON, one answer.

python -m lab.driver NAMESPACE
"""

import importlib
import json
import os
import sys
import traceback
from typing import Any

from lab.network import prove_inside


def _call(asked: dict[str, Any]) -> dict[str, Any]:
    module, _, function = asked["function"].partition(":")
    try:
        returned = getattr(importlib.import_module(module), function)(**asked["arguments"])
        return {"returned": returned}
    except Exception:  # noqa: BLE001 - whatever it was, the other process is to know
        return {"raised": traceback.format_exc()}


def main() -> None:
    """Prove where this is, then call until standard input ends."""
    prove_inside(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a function prints goes to the log
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(_call(json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()

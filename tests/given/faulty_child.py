"""A child of `LlamaWriter` that is faulty in the way its last argument says."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path


def main() -> None:
    fault = sys.argv[1]
    if fault == "silent":
        time.sleep(60)
    if fault == "tells where it is":  # no fault: beside its model, what it was started with
        given = sys.argv[2:]
        told = {"environment": dict(os.environ), "given": given}
        Path(given[given.index("--model") + 1] + ".json").write_text(json.dumps(told))
    if fault == "dies at once":
        sys.exit(3)
    if fault == "nonsense at once":
        print("Segmentation fault (core dumped)", flush=True)
        time.sleep(60)
    print(json.dumps({"ready": {"context": 512, "placeholders": 0}}), flush=True)
    for line in sys.stdin:
        order = json.loads(line)
        if "cancel" in order:
            continue
        if fault == "hangs":
            time.sleep(60)
        elif fault == "dies":
            os.kill(os.getpid(), signal.SIGSEGV)
        elif fault == "talks in its sleep":
            print("ggml: something nobody asked about", flush=True)
        elif fault == "breaks":
            report = {"failed": order["ask"], "how": "broken", "reason": "it is all noise"}
            print(json.dumps(report), flush=True)


if __name__ == "__main__":
    main()

"""Being in a Ray cluster: what the programs `relay` and `lookout` share.

The invariant: nothing that Ray prints reaches the stdout of a program, which carries frames or
lines, and Ctrl-C is the bot's to answer.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, BinaryIO

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

SEAT = "seat"  # the custom resource by which a node offers its processor

Trouble = (RayError, ConnectionError, RuntimeError, ValueError)  # what Ray raises when it is lost


def join(address: str) -> None:
    """Join the cluster; the raylet of this machine must be in it.  Raises one of Trouble."""
    ray.init(
        address=address,
        namespace="atelier",
        log_to_driver=False,
        configure_logging=False,
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def on(node: str) -> NodeAffinitySchedulingStrategy:
    """There and nowhere else."""
    return NodeAffinitySchedulingStrategy(node_id=node, soft=False)


def own_stdout() -> BinaryIO:
    """The real stdout; descriptor 1 becomes another name of stderr."""
    sys.stdout.flush()
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return out


def spell(error: Any) -> str:
    """Ray's errors are pages; the last line says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1][:300]

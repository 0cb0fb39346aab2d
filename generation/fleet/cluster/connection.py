"""Being in a Ray cluster: what the programs `relay` and `lookout` share.

The invariant: nothing that Ray prints reaches the stdout of a program, which carries frames or
lines, and Ctrl-C is the bot's to answer.
"""

from __future__ import annotations

import signal
from typing import Any

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


def spell(error: Any) -> str:
    """Ray's errors are pages; the last line says what happened."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines or [type(error).__name__])[-1][:300]

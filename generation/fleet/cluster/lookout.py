"""`python -m generation.fleet.cluster.lookout`: tells the bot which nodes there are, as lines.

Each line is JSON: the address at which the cluster knows this machine, and the living nodes that
offer seats, each with what it said of its versions or why it could not.  A line is written when
something has changed.  The invariant: a node is in a line only after it was asked, and every node
is asked once per life.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import Any, NoReturn

from generation.fleet.cluster import versions
from generation.fleet.cluster.roster import Node
from generation.fleet.stdout import own_stdout

EVERY = 1.0  # seconds between two looks
PATIENCE = 60.0  # seconds that a node may take to say its versions


@dataclass(slots=True, kw_only=True)
class _Asked:
    answer: Any  # a reference of Ray's
    since: float
    versions: str = ""
    trouble: str = ""

    @property
    def over(self) -> bool:
        return bool(self.versions or self.trouble)


def main() -> NoReturn:
    """Look until stdin ends."""
    parser = argparse.ArgumentParser("python -m generation.fleet.cluster.lookout")
    parser.add_argument("--address", required=True)
    address = parser.parse_args().address
    lines = own_stdout()
    threading.Thread(target=_wait_for_end, name="reader", daemon=True).start()

    # Only now: to load Ray takes seconds, in which the bot may die.
    import ray

    from generation.fleet.cluster.connection import Trouble, join, spell

    try:
        join(address)
        here = ray.util.get_node_ip_address()
        asked: dict[str, _Asked] = {}
        said = b""
        while True:
            nodes = [asdict(node) for node in _look(asked)]
            line = json.dumps({"here": here, "nodes": nodes}).encode() + b"\n"
            if line != said:
                lines.write(line)
                said = line
            time.sleep(EVERY)
    except Trouble as error:
        print(f"no way into the cluster: {spell(error)}", file=sys.stderr)
    except OSError:
        pass  # nobody listens any more
    os._exit(1)


def _look(asked: dict[str, _Asked]) -> list[Node]:
    import ray

    from generation.fleet.cluster.connection import SEAT

    alive = {node["NodeID"]: node for node in ray.nodes() if node["Alive"]}
    nodes = []
    for key in asked.keys() - alive.keys():
        del asked[key]
    for key, node in sorted(alive.items()):
        gpus, seats = (int(node["Resources"].get(name, 0)) for name in ("GPU", SEAT))
        if not gpus and not seats:
            continue
        if key not in asked:
            asked[key] = _Asked(answer=_ask(key), since=time.monotonic())
        one = asked[key]
        if not one.over:
            _hear(one)
        if one.over:
            nodes.append(
                Node(
                    id=key,
                    address=node["NodeManagerAddress"],
                    gpus=gpus,
                    seats=seats,
                    versions=one.versions,
                    trouble=one.trouble,
                )
            )
    return nodes


def _ask(node: str) -> Any:
    import ray

    from generation.fleet.cluster.connection import on

    say = ray.remote(versions.say)
    return say.options(num_cpus=0, max_retries=0, scheduling_strategy=on(node)).remote()


def _hear(asked: _Asked) -> None:
    import ray
    from ray.exceptions import GetTimeoutError, RayError

    from generation.fleet.cluster.connection import spell

    try:
        asked.versions = ray.get(asked.answer, timeout=0)
    except GetTimeoutError:
        if time.monotonic() - asked.since > PATIENCE:
            asked.trouble = f"it did not answer within {PATIENCE:.0f} s"
    except RayError as error:
        asked.trouble = spell(error)


def _wait_for_end() -> NoReturn:
    while os.read(0, 2**16):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()

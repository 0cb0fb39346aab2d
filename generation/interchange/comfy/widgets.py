"""Which widget of a node each of its stored values belongs to.

A workflow stores a node's values in the order of its widgets; what they are called stands in the
table, or, of a node that is not in it, with the sockets that stand for widgets.  Behind a seed lies
what becomes of it after the run, which is none of the server's business.  Older files have fewer
values than a node has widgets now.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from generation.interchange.comfy.workflow import UiNode

AFTERWARDS = ("fixed", "increment", "decrement", "randomize", "increment-wrap")
MAX_VALUES = 2_000
_TABLE = Path(__file__).with_name("widgets.toml")


@cache
def _table() -> Mapping[str, str]:
    return {k: str(v) for k, v in tomllib.loads(_TABLE.read_text(encoding="utf-8")).items()}


def widgets_of(kind: str) -> list[str]:
    """The names of a node's widgets, in their order; none where the node is not known."""
    return _table().get(kind, "").split()


def values_of(node: UiNode) -> dict[str, object]:
    """The node's values by the names of its widgets; "#0", "#1" where nothing names them."""
    if isinstance(node.values, Mapping):
        return {name: node.values[name] for name in list(node.values)[:MAX_VALUES]}
    said = _table().get(node.type)
    if said is not None:
        return _dealt(said.split(), node.values)
    found = _dealt(named := [one.widget for one in node.inputs if one.widget], node.values)
    # Several values without a socket: nobody can tell which these are.
    return _dealt([], node.values) if len(found) > len(named) + 1 else found


def _dealt(names: Sequence[str], values: Sequence[object]) -> dict[str, object]:
    found: dict[str, object] = {}
    at, last = 0, ""
    for number, value in enumerate(values[:MAX_VALUES]):
        if _is_afterwards(value, last, found.get(last), len(values) - number, len(names) - at):
            continue
        last = names[at] if at < len(names) else f"#{at}"
        found[last] = value
        at += 1
    return found


def _is_afterwards(value: object, name: str, before: object, values: int, names: int) -> bool:
    told = isinstance(value, str) and value in AFTERWARDS
    if not told or not isinstance(before, int) or isinstance(before, bool):
        return False
    return "seed" in name or values > names

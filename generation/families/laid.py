"""What a single file's tensors are and are called, from where a network's lie in them.

A layout that cuts or joins tensors says once where each lies (`Lies`); the file's shapes follow.
Invariant: the pieces of one tensor of the file are all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from generation.families.architecture import (
    Config,
    Lies,
    Network,
    Part,
    Shapes,
    Stage,
    Tokenizer,
)

Where = Callable[[Shapes, Config], Mapping[str, Sequence[Lies]]]


def under(prefix: str, shapes: Shapes) -> Shapes:
    """The tensors whose names begin so, by the rest of their names."""
    return {k.removeprefix(prefix): shape for k, shape in shapes.items() if k.startswith(prefix)}


def count_of(mine: Shapes, blocks: str) -> int:
    """How many blocks of that name there are."""
    return len({key.split(".")[0] for key in under(f"{blocks}.", mine)})


def renamed(key: str, beginnings: Mapping[str, str], inside: Mapping[str, str]) -> str:
    """The name with its beginning, and then each of its pieces, called otherwise."""
    for one, other in beginnings.items():
        if key.startswith(one):
            key = other + key.removeprefix(one)
            break
    for one, other in inside.items():
        key = key.replace(one, other)
    return key


def turned(names: Mapping[str, str]) -> Mapping[str, str]:
    """The names of such a table for the way back."""
    return {theirs: ours for ours, theirs in names.items()}


def laid(where: Where) -> Callable[[Shapes, Config], Shapes]:
    """The layout of a file whose tensors lie so."""

    def layout(shapes: Shapes, config: Config) -> Shapes:
        found: dict[str, tuple[int, ...]] = {}
        for key, places in where(shapes, config).items():
            for place in places:
                rows, *rest = shapes[key]
                found[place.key] = (rows * place.of // len(places), *rest)
        return found

    return layout


def in_folder(folder: str) -> Where:
    """Behind its folder's name, as its class calls them."""
    return lambda own, _config: {key: (Lies(key=f"{folder}.{key}"),) for key in own}


def folder_part(
    architecture: str,
    name: str,
    title: str,
    network: Network,
    stage: Stage,
    tokenizer: Tokenizer | None = None,
    *,
    config: str = "",
    **more: Any,
) -> Part:
    """A part that is read from its own folder alone; `more`: further fields of it."""
    return Part(
        name=name,
        title=title,
        network=network,
        stage=stage,
        config=config or f"{architecture}/{name}",
        prefix=f"{name}.",
        layout=laid(in_folder(name)),
        lies=in_folder(name),
        tokenizer=tokenizer,
        apart=False,
        **more,
    )

"""What a single file's tensors are, from where a network's lie in them.

A layout that cuts or joins tensors says once where each lies (`Lies`); the file's shapes follow.
Invariant: the pieces of one tensor of the file are all of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from generation.families.architecture import Config, Lies, Shapes

Where = Callable[[Shapes, Config], Mapping[str, Sequence[Lies]]]


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

"""Text encoders as files for transformers have them, whether whole checkpoints or files alone.

    text_encoders.clip_l.transformer.   text_encoders.clip_g.transformer.   text_encoders.t5xxl....

Each function is given such a prefix; a file of one encoder alone has the names without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from generation.families.architecture import Config, Lies, Shapes

CLIP_L = "text_encoders.clip_l.transformer."
CLIP_G = "text_encoders.clip_g.transformer."
T5XXL = "text_encoders.t5xxl.transformer."

_PROJECTION = "text_projection.weight"


def clip(prefix: str, *, projected: bool) -> Callable[[Shapes, Config], Shapes]:
    """A layout of CLIP's own names; one whose projection is none need not have it."""

    def named(shapes: Shapes, _config: Config) -> Shapes:
        inner = {key: shape for key, shape in shapes.items() if key != _PROJECTION}
        found = {f"{prefix}text_model.{key}": shape for key, shape in inner.items()}
        return found | ({prefix + _PROJECTION: shapes[_PROJECTION]} if projected else {})

    return named


def unprojected(prefix: str) -> Callable[[Shapes, Config], Mapping[str, Sequence[Lies]]]:
    """Where a CLIP's tensors lie whose projection is the identity."""

    def lies(shapes: Shapes, _config: Config) -> Mapping[str, Sequence[Lies]]:
        inner = {key: (Lies(key=f"{prefix}text_model.{key}"),) for key in shapes}
        return {**inner, _PROJECTION: ()}

    return lies


def t5(prefix: str) -> Callable[[Shapes, Config], Shapes]:
    """The layout of T5's own names."""
    return lambda shapes, _config: {prefix + key: shape for key, shape in shapes.items()}


def beside(prefix: str, *begins: str) -> Callable[[Config], tuple[str, ...]]:
    """What a file may hold beside an encoder, as a folder may."""
    return lambda _config: tuple(prefix + begin for begin in begins)

"""Embedding files (textual inversions): new words, told from the names and shapes of their tensors.

    one tensor of any name, (vectors, width) or (width)      for one text encoder
    clip_l and clip_g, or text_encoders_0 and _1             for SDXL's two

The invariant: a file is read as a whole, or refused with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping

from generation.errors import UnknownWeights, UnusableWeights
from generation.families.family import ARCHITECTURES

Shapes = Mapping[str, tuple[int, ...]]

MAX_TENSORS = 100
MAX_VECTORS = 75  # what a chunk of a prompt has room for; a word is never cut in two

_PAIRS = (("clip_l", "clip_g"), ("text_encoders_0", "text_encoders_1"))

# A1111 keeps the word's token and name beside its vectors.
_BESIDE = ("string_to_token", "step", "name", "sd_checkpoint", "sd_checkpoint_name")

_FAMILIES = {one.embedding_widths: one.family for one in ARCHITECTURES if one.embedding_widths}
_NAMED = {
    1280: "half an SDXL embedding: it has clip_g, and no clip_l",
    2048: "an embedding for Stable Cascade or a video model, not supported yet",
    4096: "an embedding for a T5 text encoder, not supported yet",
}


def is_embedding(shapes: Shapes) -> bool:
    """Whether it looks like one: small tables, as wide as a text encoder."""
    tables = [shape for key, shape in shapes.items() if not _beside(key)]
    wide = (*(width for widths in _FAMILIES for width in widths), *_NAMED)
    return bool(tables) and all(
        1 <= len(shape) <= 2 and len(shapes) < MAX_TENSORS and shape[-1] in wide for shape in tables
    )


def read_words(shapes: Shapes, name: str) -> tuple[str, ...]:
    """The keys of the vectors, one for each text encoder.  Raises UnusableWeights."""
    keys = [key for key in shapes if not _beside(key)]
    pair = next((pair for pair in _PAIRS if set(pair) <= set(keys)), None)
    found = pair or tuple(keys)
    if others := sorted(set(keys) - set(found)):
        raise UnusableWeights(
            name, f"an embedding with {others[0]!r:.60}, which means nothing here"
        )
    if len(found) != (2 if pair else 1):
        raise UnusableWeights(name, f"an embedding of {len(found)} words; one per file can be used")
    counts = [_table(shapes[key], name)[0] for key in found]
    if len(set(counts)) != 1:
        one, other = counts
        raise UnusableWeights(name, f"an embedding of {one} vectors in clip_l, {other} in clip_g")
    if not 1 <= counts[0] <= MAX_VECTORS:
        raise UnusableWeights(name, f"an embedding of {counts[0]} vectors; 1 to {MAX_VECTORS} fit")
    return found


def family_of_words(shapes: Shapes, keys: tuple[str, ...], name: str) -> str:
    """The family whose text encoders are as wide.  Raises UnknownWeights, UnusableWeights."""
    widths = tuple(_table(shapes[key], name)[1] for key in keys)
    if (family := _FAMILIES.get(widths)) is not None:
        return family
    if len(widths) == 1 and widths[0] in _NAMED:
        raise UnusableWeights(name, _NAMED[widths[0]])
    wide = " and ".join(map(str, widths))
    raise UnknownWeights(name, f"an embedding that is {wide} wide: of no family known here")


def _table(shape: tuple[int, ...], name: str) -> tuple[int, int]:
    """Vectors and width; a single vector may lie there without its table."""
    if len(shape) == 1:
        return 1, shape[0]
    if len(shape) == 2:
        return shape[0], shape[1]
    raise UnusableWeights(name, "an embedding whose vectors are no table")


def _beside(key: str) -> bool:
    return key.split(".", 1)[0] in _BESIDE

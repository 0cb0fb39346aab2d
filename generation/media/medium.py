"""What a medium is: the file that a finished work is kept in, and what two of them are compared by.

    content --write--> file --recipe_in--> the recipe that made it
       |                 |
     digest          digest_in            the same, or it is another work

Content is what a codec of the worker gives: bytes in one order, whose shape the recipe says.  A
medium is a file beside this one, without torch, and a row in `generation.media.table`.  The
invariant: the content and the recipe that come out of a file are those that went in, and whatever
is asked of a file but `digest_in` and `smaller` unpacks nothing: it may be a stranger's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from generation.recipe import Recipe, Sha256

# The sha256 of LoRAs' tensors by that of their files, for what other programs read in a file of
# ours; empty where nobody has looked.
Tensors = Mapping[Sha256, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """How works of one kind are kept, read and compared."""

    name: str  # what an architecture says that it makes
    suffix: str  # of the file that carries its recipe: ".png"
    titles: Mapping[str, str]  # what people call its files, by suffix; those of `smaller` as well
    write: Callable[[bytes, Recipe, Tensors], bytes]
    # None: it is no file of ours.  Raises OutOfRange where this version cannot read the recipe,
    # and BadPicture.
    recipe_in: Callable[[bytes], Recipe | None]
    digest: Callable[[bytes], Sha256]  # of content
    digest_in: Callable[[bytes], Sha256]  # of the content of a file.  Raises BadPicture.
    is_light: Callable[[bytes], bool]  # whether `digest_in` takes but a moment
    # Why a worker's file cannot be what the recipe asked for, by its outer form; None: it may be.
    fault: Callable[[bytes, Recipe], str | None]
    # (a file of ours, a limit in bytes) -> suffix and bytes of ever smaller files to look at, which
    # need carry nothing; the first that is within the limit is the last.
    smaller: Callable[[bytes, int], Iterable[tuple[str, bytes]]]

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

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from PIL.Image import Image

from generation.recipe import Recipe, Sha256

# The sha256 of LoRAs' tensors by that of their files, for what other programs read in a file of
# ours; empty where nobody has looked.
Tensors = Mapping[Sha256, str]

# Called while a file is written, piece by piece; may raise, to end it.
Beat = Callable[[], None]


def _nothing_beside(_: bytes) -> Iterable[tuple[str, bytes]]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """How works of one kind are kept, read and compared."""

    name: str  # what an architecture says that it makes
    suffix: str  # of the file that carries its recipe, mostly: ".png"
    titles: Mapping[str, str]  # what people call its files, by suffix; those of `smaller` as well
    write: Callable[[bytes, Recipe, Tensors], bytes]
    # None: it is no file of ours.  Raises OutOfRange where this version cannot read the recipe,
    # and BadPicture.
    recipe_in: Callable[[bytes], Recipe | None]
    digest: Callable[[bytes], Sha256]  # of content
    # Of the content of a file.  Raises BadPicture; Lossy, where the file holds it but nearly.
    digest_in: Callable[[bytes], Sha256]
    is_light: Callable[[bytes], bool]  # whether `digest_in` takes but a moment
    # Why a worker's file cannot be what the recipe asked for, by its outer form; None: it may be.
    fault: Callable[[bytes, Recipe], str | None]
    # (a file of ours, a limit in bytes) -> suffix and bytes of ever smaller files to look at, which
    # need carry nothing; the first that is within the limit is the last.
    smaller: Callable[[bytes, int], Iterable[tuple[str, bytes]]]
    others: tuple[str, ...] = ()  # further suffixes that its files may have
    # (a file of ours) -> its suffix, by its first bytes: one of `suffixes`.
    suffix_of: Callable[[bytes], str] | None = None  # None: `suffix`, always
    # (a file of ours) -> suffix and bytes of what is shown beside it: a sound's waveform, a form
    # that turns.  Raises BadPicture.
    beside: Callable[[bytes], Iterable[tuple[str, bytes]]] = _nothing_beside
    # (a file of ours) -> a picture of it: a clip's middle frame.  None: the file is one.
    still: Callable[[bytes], Image] | None = None
    # (a file of ours, how many) -> so many pictures of it, one after the other in time.  None: it
    # stands still.
    several: Callable[[bytes, int], Sequence[Image]] | None = None
    # As `write`, for what takes long: with each piece it says that it is not hanging.
    write_slowly: Callable[[bytes, Recipe, Tensors, Beat], bytes] | None = None

    def written(self, content: bytes, recipe: Recipe, tensors: Tensors, beat: Beat) -> bytes:
        """The file, written with a beat after each piece where it has several."""
        if self.write_slowly is None:
            return self.write(content, recipe, tensors)
        return self.write_slowly(content, recipe, tensors, beat)

    @property
    def suffixes(self) -> tuple[str, ...]:
        """All that its files may have."""
        return (self.suffix, *self.others)

    def suffix_for(self, file: bytes) -> str:
        """That of one of its files."""
        return self.suffix if self.suffix_of is None else self.suffix_of(file)

"""Who reads what a file carries: one table, asked from the top.

Pure.  The invariant: whatever the texts are, there is an `Imported`, or `NotRead`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from generation.errors import OutOfRange
from generation.interchange import a1111, apps, fooocus, invokeai, novelai, swarmui
from generation.interchange.imported import Imported, NotRead
from generation.recipe import parse

Texts = Mapping[str, str]  # by what the file calls them: "parameters", "prompt", "workflow", ...

OURS = "atelier"


@dataclass(frozen=True, slots=True, kw_only=True)
class TextReader:
    """A program whose texts are read here.

    `read` gives None where the texts are none of the program's, and raises NotRead where they are
    and cannot be read.
    """

    program: str
    read: Callable[[Texts], Imported | None]


def ours(texts: Texts) -> Imported | None:
    """The recipe that a file of this program carries.  Raises NotRead."""
    said = texts.get(OURS)
    if said is None:
        return None
    try:
        recipe = parse(said)
    except OutOfRange as error:
        raise NotRead("it carries a recipe that this version cannot read") from error
    return Imported(program=OURS, recipe=recipe, task=recipe.task, seed=recipe.seed)


# The surest first: who says more of the same picture stands above who says less.
READERS: tuple[TextReader, ...] = (
    TextReader(program=OURS, read=ours),
    TextReader(program=invokeai.PROGRAM, read=invokeai.read),
    TextReader(program=swarmui.PROGRAM, read=swarmui.read),
    TextReader(program=fooocus.PROGRAM, read=fooocus.read),
    TextReader(program=novelai.PROGRAM, read=novelai.read),
    TextReader(program=apps.DRAW_THINGS, read=apps.read_draw_things),
    TextReader(program=apps.EASY_DIFFUSION, read=apps.read_easy_diffusion),
    # Anybody may write A1111's words beside their own.
    TextReader(program=a1111.PROGRAM, read=a1111.read),
)


def read(texts: Texts) -> Imported:
    """What a file's texts say of its picture.  Raises NotRead, and nothing else."""
    failed: NotRead | None = None
    for reader in READERS:
        try:
            found = reader.read(texts)
        except NotRead as error:
            failed = failed or error
            continue
        if found is not None:
            return found
    raise failed or NotRead("it says nothing of how it was drawn that can be read here")

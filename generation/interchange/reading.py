"""Who reads what a file carries: one table, asked from the top.

Pure.  The invariant: whatever the texts are, there is an `Imported`, or `NotRead`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from generation.draft import Draft, said
from generation.errors import OutOfRange
from generation.interchange import a1111, apps, flat_json, fooocus, invokeai, novelai, swarmui
from generation.interchange.comfy import reading as comfyui
from generation.interchange.gathering import Gathering
from generation.interchange.imported import Imported, NotRead, Why
from generation.recipe import Recipe, parse
from generation.spans import BOTH

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
    text = texts.get(OURS)
    if text is None:
        return None
    try:
        recipe = parse(text)
    except OutOfRange as error:
        raise NotRead("it carries a recipe that this version cannot read") from error
    return imported_of(recipe)


def imported_of(recipe: Recipe) -> Imported:
    """A recipe of ours as what is read of others, for whoever changes something of it.

    What it was made of stays with the recipe: as a draft it begins with nothing.
    """
    draft = said(recipe)
    gathering = Gathering(OURS, recipe.task)
    for weights in (recipe.checkpoint,) if recipe.sampling is not None else ():
        gathering.file("checkpoint", weights.name, weights.sha256)
    if recipe.vae is not None:
        gathering.file("vae", recipe.vae.name, recipe.vae.sha256)
    for one in recipe.adapters:
        called, digest = one.weights.name, one.weights.sha256
        expert = one.expert or (BOTH if recipe.in_turns else None)
        expert = expert if one.kind == "lora" else None
        gathering.file(one.kind, called, digest, strength=one.strength, expert=expert)
    for given in recipe.inputs:
        gathering.lose("image", Why.WANTS_A_PICTURE, given.role, where="inputs")
    return Imported(
        program=OURS,
        draft=Draft(
            words=draft.words,
            canvas=draft.canvas,
            sampling=draft.sampling,
            variations=draft.variations,
            motion=draft.motion,
            experts=draft.experts,
            second=draft.second,
            sound=draft.sound,
            form=draft.form,
        ),
        task=recipe.task,
        seed=recipe.seed,
        lost=tuple(gathering.lost),
        files=tuple(gathering.files),
        recipe=recipe,
    )


# The surest first: who says more of the same picture stands above who says less.
READERS: tuple[TextReader, ...] = (
    TextReader(program=OURS, read=ours),
    TextReader(program=invokeai.PROGRAM, read=invokeai.read),
    TextReader(program=swarmui.PROGRAM, read=swarmui.read),
    TextReader(program=fooocus.PROGRAM, read=fooocus.read),
    TextReader(program=novelai.PROGRAM, read=novelai.read),
    TextReader(program=apps.DRAW_THINGS, read=apps.read_draw_things),
    TextReader(program=apps.EASY_DIFFUSION, read=apps.read_easy_diffusion),
    TextReader(program=comfyui.PROGRAM, read=comfyui.read),
    TextReader(program=a1111.PROGRAM, read=flat_json.read),
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

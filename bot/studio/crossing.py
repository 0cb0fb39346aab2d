"""Crossing: one work made into another of another medium, and on from its end, as a wish.

    filmed      a clip of words, of a picture, of its first and last frame, over another clip
    voiced      a sound of words, of what a picture or a clip shows, over another sound
    formed      a form of words, or of a picture
    extended    what follows a clip
    still       a frame of a clip, as a picture: its very pixels

Pure.  Invariant: what is asked for is made by a model that does it; where only a lesser task can be
done here (a clip of the picture's words instead of the picture itself), a note says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.languages.speaking import mark, tr
from bot.studio.offers import Offers
from bot.studio.wishes import Wish
from generation import enlarging
from generation.draft import Draft, DraftCanvas, DraftWords
from generation.errors import NoMaker, OtherMedium
from generation.families import lengths
from generation.families.family import FAMILIES
from generation.families.model_family import Family
from generation.media.photos import InputFacts
from generation.recipe import Input, Recipe, Sha256
from generation.tasks import AUDIO, IMAGE, MESH, VIDEO, Task
from storage.people import AssistMode
from storage.pictures import StoredPicture


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenWork:
    """A work that another is made of: one of ours, or one that somebody sent."""

    file: Sha256
    medium: str  # a key of generation.media.table
    words: str = ""  # what it shows, as far as anybody said so
    width: int = 0  # 0: it has no size
    height: int = 0
    seconds: float | None = None  # how long it lasts
    picture: StoredPicture | None = None

    @property
    def recipe(self) -> Recipe | None:
        """How it was made, if it was made here."""
        return self.picture.recipe if self.picture is not None else None

    @property
    def family(self) -> Family | None:
        """The family of what made it."""
        return FAMILIES.get(self.recipe.family) if self.recipe is not None else None

    def as_input(self, role: str) -> Input:
        """The work as an input."""
        return Input(role=role, sha256=self.file, fit="cover")


def source_of(picture: StoredPicture) -> GivenWork:
    """A work of ours."""
    recipe = picture.recipe
    canvas, motion, sound = recipe.canvas, recipe.motion, recipe.sound
    seconds = motion.seconds if motion is not None else sound.seconds if sound is not None else None
    return GivenWork(
        file=picture.png_sha256,
        medium=recipe.task.needs.medium,
        words=recipe.described or picture.words,
        width=canvas.width if canvas is not None else 0,
        height=canvas.height if canvas is not None else 0,
        seconds=seconds,
        picture=picture,
    )


def filmed(
    wish: Wish,
    offers: Offers,
    source: GivenWork | None = None,
    *,
    last: GivenWork | None = None,
) -> Wish:
    """A clip of the wish's words, or of a work.  Raises NoMaker, OtherMedium."""
    if source is None and last is not None:
        source, last = last, None
    if source is None:
        return _of_words(wish, offers, Task.TEXT_TO_VIDEO)
    match source.medium:
        case "video":
            tasks: tuple[Task, ...] = (Task.VIDEO_TO_VIDEO, Task.EDIT_VIDEO)
            role, note = "clip", tr(NOT_OVER)
        case "image":
            tasks, role, note = (Task.IMAGE_TO_VIDEO,), "first", tr(NOT_THE_PICTURE)
        case _:
            return _of_words(wish, offers, Task.TEXT_TO_VIDEO, source)
    task = _possible(wish, offers, tasks, source)
    if task is None:
        return _noted(_of_words(wish, offers, Task.TEXT_TO_VIDEO, source), note)
    inputs = (source.as_input(role), *((last.as_input("last"),) if last is not None else ()))
    return _of_work(wish, task, source, inputs, offers)


def voiced(wish: Wish, offers: Offers, source: GivenWork | None = None) -> Wish:
    """A sound of the wish's words, of what a work shows, or over a sound.  Raises NoMaker."""
    if source is None or source.medium != AUDIO:
        return _as_long(_of_words(wish, offers, Task.TEXT_TO_AUDIO, source), offers, source)
    if _possible(wish, offers, (Task.AUDIO_TO_AUDIO,), source) is None:
        return _noted(_of_words(wish, offers, Task.TEXT_TO_AUDIO, source), tr(NOT_OVER))
    inputs = (source.as_input("sound"),)
    made_over = _of_work(wish, Task.AUDIO_TO_AUDIO, source, inputs, offers)
    return _as_long(made_over, offers, source, Task.AUDIO_TO_AUDIO)


def formed(wish: Wish, offers: Offers, source: GivenWork | None = None) -> Wish:
    """A form of the wish's words, or of a picture.  Raises NoMaker."""
    if source is None or source.medium != IMAGE:
        return _of_words(wish, offers, Task.TEXT_TO_3D, source)
    if _possible(wish, offers, (Task.IMAGE_TO_3D,), source) is None:
        note = tr(NOT_THE_PICTURE)
        return _noted(_of_words(wish, offers, Task.TEXT_TO_3D, source), note)
    return _of_work(wish, Task.IMAGE_TO_3D, source, (source.as_input("view"),), offers)


def extended(wish: Wish, offers: Offers, source: GivenWork, seconds: float | None) -> Wish:
    """What follows a clip, so many seconds of it.  Raises NoMaker, OtherMedium."""
    if source.medium != VIDEO:
        raise OtherMedium(source.medium, VIDEO)
    offers.maker(Task.EXTEND_VIDEO, like=source.family)
    sound = replace(wish.draft.sound, seconds=seconds)
    wish = replace(wish, draft=replace(wish.draft, sound=sound))
    inputs = (source.as_input("clip"),)
    return _of_work(wish, Task.EXTEND_VIDEO, source, inputs, offers)


def still(wish: Wish, source: GivenWork, start: Input, facts: InputFacts) -> Wish:
    """A frame of a clip, kept as `start`, as a picture: nothing is drawn."""
    draft = Draft(
        task=Task.UPSCALE,
        words=DraftWords(),
        canvas=DraftCanvas(width=facts.width, height=facts.height),
        enlarging=enlarging.plain(factor=1),
        inputs=(start,),
        shows=source.words or None,
    )
    return replace(wish, draft=draft, count=1, parent=source.picture, assist=AssistMode.OFF)


def can_film(offers: Offers, medium: str) -> bool:
    """Whether a clip can be made of a work of that medium."""
    more = {IMAGE: (Task.IMAGE_TO_VIDEO,), VIDEO: (Task.VIDEO_TO_VIDEO, Task.EDIT_VIDEO)}
    return bool(offers.makers(Task.TEXT_TO_VIDEO, *more.get(medium, ())))


def can_voice(offers: Offers) -> bool:
    """Whether a sound can be made here."""
    return bool(offers.makers(Task.TEXT_TO_AUDIO))


def can_form(offers: Offers, medium: str) -> bool:
    """Whether a form can be made of a work of that medium."""
    more = (Task.IMAGE_TO_3D,) if medium == IMAGE else ()
    return medium != MESH and bool(offers.makers(Task.TEXT_TO_3D, *more))


NOT_THE_PICTURE = mark(
    "No model here goes on from the picture itself, so it is made of its words alone."
)
NOT_OVER = mark("No model here goes over what there is, so it is made anew from its words.")


def _possible(wish: Wish, offers: Offers, tasks: Sequence[Task], source: GivenWork) -> Task | None:
    """The first of the tasks that the named model does, or any that is here."""
    if wish.model is not None:
        able = offers.tasks_of(wish.model, tasks[0].needs.medium)
        return next((task for task in tasks if task in able), None)
    here = offers.makers(*tasks, like=source.family)
    return next((task for entry in here[:1] for task in tasks if task in entry.tasks), None)


def _of_words(wish: Wish, offers: Offers, task: Task, source: GivenWork | None = None) -> Wish:
    """Made of words: the wish's own, behind those of the work where that is all that is used."""
    if wish.model is None and not offers.makers(task):
        raise NoMaker(task.needs.medium)
    shown = source.words if source is not None else ""
    said = wish.draft.words.prompt or ""
    if source is not None and task is not Task.TEXT_TO_AUDIO and said and shown not in said:
        said = ", ".join(part for part in (shown, said) if part)
    words = replace(wish.draft.words, prompt=said or shown)
    wish = replace(wish, draft=replace(wish.draft, task=task, words=words))
    return _of(wish, source) if source is not None else wish


def _of(wish: Wish, source: GivenWork) -> Wish:
    """The wish as one that a work gave rise to: its words were found, and denied, for another."""
    words = wish.draft.words
    words = replace(words, negative_prompt=words.negative_prompt or "")
    draft = replace(wish.draft, words=words)
    assist = wish.assist or AssistMode.OFF
    return replace(wish, draft=draft, parent=source.picture, assist=assist)


def _of_work(
    wish: Wish, task: Task, source: GivenWork, inputs: tuple[Input, ...], offers: Offers
) -> Wish:
    words = replace(wish.draft.words, prompt=wish.draft.words.prompt or source.words)
    draft = replace(wish.draft, task=task, words=words, inputs=inputs)
    maker = (
        offers.checkpoint(wish.model, task).family
        if wish.model is not None
        else offers.maker(task, like=source.family).model_for(task).family
    )
    sections = task.needs.sections
    if "motion" in sections and source.medium == VIDEO and task is not Task.EXTEND_VIDEO:
        draft = _timed(draft, source, maker)
    return _of(replace(wish, draft=draft), source)


def _timed(draft: Draft, source: GivenWork, maker: Family) -> Draft:
    """As many frames as the clip lasts, as far as the model draws so many."""
    asked = draft.motion.frames is not None or draft.sound.seconds is not None
    if asked or source.seconds is None or maker.moving is None:
        return draft
    fps = draft.motion.fps or maker.moving.fps
    frames = lengths.of_seconds(source.seconds, fps, maker)
    return replace(draft, motion=replace(draft.motion, frames=frames))


def _as_long(
    wish: Wish, offers: Offers, source: GivenWork | None, task: Task = Task.TEXT_TO_AUDIO
) -> Wish:
    """A sound of a clip or a sound lasts as long as that, as far as its model makes sounds so
    long."""
    if source is None or source.seconds is None or wish.draft.sound.seconds is not None:
        return wish
    like = source.family if task is Task.AUDIO_TO_AUDIO else None
    named = offers.checkpoint(wish.model, task) if wish.model else None
    maker = named or offers.maker(task, like=like).model_for(task)
    if (sounding := maker.family.sounding) is None:
        return wish
    seconds = round(min(source.seconds, sounding.max_seconds), 2)
    sound = replace(wish.draft.sound, seconds=seconds)
    return replace(wish, draft=replace(wish.draft, sound=sound))


def _noted(wish: Wish, note: str) -> Wish:
    return replace(wish, notes=(*wish.notes, note))

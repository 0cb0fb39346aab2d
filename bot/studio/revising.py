"""Revising: a plan for a stored picture, as a wish and as the recipes that are drawn.

    start     what the new picture is drawn from: several changes in a row are drawn from the
              picture that the first of them began with, with all their words, not from a copy
    wish      what is said, with nothing left to anybody's own settings
    kept      what no plan is about, put back as it was where drafting had to decide it anew

Pure.  Invariant: a recipe that comes out differs from the picture's own in what the plan is about,
in what follows from that, and in nothing else (`generation.difference`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from bot.studio.changes import Means, Plan
from bot.studio.editing import Ingredient, edited
from bot.studio.offers import Offers
from bot.studio.recalling import Recalled
from bot.studio.redrawing import redrawn
from bot.studio.reshaping import (
    LEAST_ZOOM,
    MOST_ZOOM,
    USUAL_ZOOM,
    Base,
    Distance,
    masking_of,
    panned,
    varied,
    widened,
    zoomed,
)
from bot.studio.settling import Settled
from bot.studio.wishes import RANDOM_SEED, SEEDS, Wish, init_from
from generation.draft import Draft, DraftCanvas, DraftSampling, DraftWords, said
from generation.draft_parts import placed
from generation.draft_spans import NO_SECOND
from generation.families.family import family
from generation.families.sizes import fit, nearest
from generation.recipe import Adapter, Input, Recipe, Weights, needed
from generation.tasks import IMAGE, VIDEO, Task
from prompting.assist import Assisted
from prompting.changing.intents import Action, Aspect, ContentChange, IntentKind
from prompting.changing.rewording import reworded
from prompting.changing.surroundings import placeless
from storage.people import AssistMode
from storage.requests import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a changed picture is drawn from, and all changes that lie between the two."""

    picture: Input
    base: str  # the words of that picture
    changes: tuple[ContentChange, ...]


# Of a chain, the steps that say the same when they are drawn at once.
_MERGE = (IntentKind.EDIT, IntentKind.RESTYLE, IntentKind.PARAMETERS, IntentKind.AGAIN)


def start_of(plan: Plan, recalled: Recalled) -> Start:
    """The first picture of the chain where the changes of all replies are drawn from that."""
    new, before, recipe = changes_of(plan), recalled.revision, recalled.recipe
    chained = before is not None and before.kind in _MERGE and bool(before.changes)
    init = next((one for one in recipe.inputs if one.role in ("init", "reference")), None)
    alike = plan.kind in _MERGE and _TASKS.get(plan.means) is recipe.task
    if plan.means is Means.AGAIN and before is not None and init is not None:
        return Start(picture=init, base=before.base, changes=before.changes)
    if before is not None and chained and alike and init is not None and not plan.settings.width:
        return Start(picture=init, base=before.base, changes=_merged(before.changes, new))
    return Start(picture=init_from(recalled.file), base=recalled.answered.prompt, changes=new)


_TASKS = {Means.OVER: Task.IMAGE_TO_IMAGE, Means.INSTRUCT: Task.EDIT}


def changes_of(plan: Plan) -> tuple[ContentChange, ...]:
    """The changes of a plan; another style is one, too."""
    if plan.kind is not IntentKind.RESTYLE or any(c.aspect is Aspect.STYLE for c in plan.changes):
        return plan.changes
    styled = ContentChange(action=Action.SET, aspect=Aspect.STYLE, into=plan.style or "")
    return (*plan.changes, styled)


def _merged(
    before: Sequence[ContentChange], new: Sequence[ContentChange]
) -> tuple[ContentChange, ...]:
    """All of them, without what a later one says otherwise: "make it blue", then "make it red"."""
    kept = [
        old
        for old in before
        if not any(
            (old.action, old.aspect, old.what, old.where)
            == (later.action, later.aspect, later.what, later.where)
            and old.action is Action.SET
            for later in new
        )
    ]
    return tuple(dict.fromkeys((*kept, *new)))


def wish_of(
    plan: Plan,
    recalled: Recalled,
    words: Assisted | None,
    origin: Origin,
    dice: Callable[[], int],
) -> Wish:
    """The wish, with nothing left to a person's own settings that the picture says.

    `words` are the plan's in the dialect and the style, where they are not drawn as they are.
    """
    if plan.means in (Means.VARY, Means.EXTEND):
        wish = _reshaped(plan, recalled, origin, dice)
        own = replace(wish.draft.words, prompt=plan.prompt, negative_prompt=plan.negative)
        seed = recalled.recipe.seed if wish.seed is None else wish.seed
        draft = replace(wish.draft, words=own)
        return replace(wish, draft=draft, seed=seed, after=recalled.recipe, words=words)
    start, new = start_of(plan, recalled), plan.settings
    recipe = recalled.recipe if plan.means is Means.AGAIN else recalled.drawn_by or recalled.recipe
    draft = _begun(plan, recipe, start)
    draft = replace(
        draft,
        words=DraftWords(
            prompt=plan.prompt, negative_prompt=plan.negative, clip_skip=new.clip_skip
        ),
        canvas=_canvas(plan, recalled),
        sampling=replace(
            draft.sampling,
            steps=new.steps if new.steps is not None else draft.sampling.steps,
            cfg=new.cfg if new.cfg is not None else draft.sampling.cfg,
            sampler=new.sampler or draft.sampling.sampler,
            # A sampler's name may hold a scheduler; the picture's own is what it was drawn with.
            scheduler=new.scheduler or draft.sampling.scheduler,
        ),
    )
    draft = _lasting(draft, new, recipe)
    if new.model is not None:  # how its model draws on is for those that do as well
        draft = replace(draft, second=NO_SECOND, motion=replace(draft.motion, held=None))
    return Wish(
        origin=origin,
        draft=draft,
        model=new.model,
        count=new.count or 1,
        seed=seed_of(plan, recalled),
        parent=recalled.picture,
        after=recipe,
        assist=AssistMode.OFF,
        style="",  # it is in the words already
        words=words,
    )


def _lasting(draft: Draft, new: Settled, recipe: Recipe) -> Draft:
    """The draft as long and as fast as it was asked to be."""
    motion, sound = draft.motion, draft.sound
    if new.fps is not None:
        motion = replace(motion, fps=new.fps)
    if new.frames is not None:
        motion = replace(motion, frames=new.frames)
    if new.seconds is not None:
        sound = replace(sound, seconds=new.seconds)
        if recipe.motion is not None:
            motion = replace(motion, frames=new.frames)  # counted anew from the seconds
    if new.bpm is not None:
        sound = replace(sound, bpm=new.bpm)
    return replace(draft, motion=motion, sound=sound)


def in_region(wish: Wish, plan: Plan, recalled: Recalled, segmenter: Weights) -> Wish:
    """The wish in the plan's region alone, and the picture in its own size.

    A change of a thing begins with what lies there, as much as its kind needs; what is to be drawn
    anew begins with nothing of it.
    """
    canvas, draft = needed(recalled.recipe.canvas), wish.draft
    sampling, anew = draft.sampling, plan.kind is IntentKind.INPAINT
    if anew and plan.settings.denoise is None:
        its = family((recalled.drawn_by or recalled.recipe).family)
        anew_by = its.denoise_for(Task.INPAINT)
        sampling = replace(sampling, denoise=anew_by)
    masked = replace(
        draft,
        task=Task.INPAINT,
        canvas=DraftCanvas(width=canvas.width, height=canvas.height),
        sampling=sampling,
        masking=masking_of(plan.region, segmenter, (canvas.width, canvas.height)),
    )
    return replace(wish, draft=masked)


def seed_of(plan: Plan, recalled: Recalled) -> int:
    """The picture's own, unless the plan is about it."""
    if plan.fresh:
        return RANDOM_SEED
    return recalled.recipe.seed if plan.settings.seed is None else plan.settings.seed


def told_of(plan: Plan, recalled: Recalled, origin: Origin, model: str) -> Wish:
    """The wish for a model that changes pictures as it is told to.

    Of several replies in a row it is told all at once, and changes the first picture.
    """
    start, recipe = start_of(plan, recalled), recalled.recipe
    canvas = needed(recipe.canvas)
    whole, instruction = _whole(plan, start, recalled.drawn_by or recipe), plan.instruction
    if not whole and len(start.changes) > len(plan.changes):
        instruction = reworded(start.base, "", start.changes).instruction or instruction
    wish = edited(
        Ingredient(
            file=start.picture.sha256,
            width=canvas.width,
            height=canvas.height,
            picture=recalled.picture,
        ),
        whole or instruction,
        origin=origin,
        model=model,
        shows=plan.prompt,
        seed=seed_of(plan, recalled),
        # How one is changed its model says best; what was asked by name counts all the same.
        sampling=DraftSampling(steps=plan.settings.steps, cfg=plan.settings.cfg),
        throughout=plan.style is not None or any(c.aspect in _ALL_OVER for c in start.changes),
    )
    return replace(wish, count=plan.settings.count or 1)


# Such a change is one of the whole picture.
_ALL_OVER = (Aspect.LIGHT, Aspect.WEATHER, Aspect.STYLE, Aspect.MOOD, Aspect.FRAMING)


def _whole(plan: Plan, start: Start, recipe: Recipe) -> str:
    """What the new picture shows, for a model that keeps better what is named; "" for others.

    The built-in one was measured (docs/starter.md). What is taken away is in no description.
    It knows night, sunset and snow as places, of which a picture shows one: the later wish counts.
    """
    taken = any(change.action is Action.REMOVE for change in start.changes)
    tells = family(recipe.family).few_words and bool(start.base.strip())
    if not tells or plan.style is not None or taken:
        return ""
    return with_one_place(plan.prompt, start.changes)


def with_one_place(prompt: str, changes: Iterable[ContentChange]) -> str:
    """The words without their place where a later change of the light takes it."""
    around = [change.aspect for change in changes if change.aspect in _AROUND]
    lit = around and around[-1] is not Aspect.BACKGROUND
    return placeless(prompt) if lit else prompt


_AROUND = (Aspect.BACKGROUND, Aspect.LIGHT, Aspect.WEATHER)


def _reshaped(plan: Plan, recalled: Recalled, origin: Origin, dice: Callable[[], int]) -> Wish:
    """The picture varied, or drawn further."""
    canvas = needed(recalled.recipe.canvas)
    base = Base(
        origin=origin,
        file=recalled.file,
        width=canvas.width,
        height=canvas.height,
        family=family((recalled.drawn_by or recalled.recipe).family),
        picture=recalled.picture,
    )
    if plan.means is Means.VARY:
        return varied(base, Distance(plan.strength or Distance.SUBTLE), dice() % SEEDS)
    if plan.moves:
        return panned(base, plan.directions[0], amount_of(plan.amount, most="75 %"))
    if plan.directions or plan.amount:
        return widened(base, plan.directions, amount_of(plan.amount))
    return zoomed(base, min(MOST_ZOOM, max(LEAST_ZOOM, plan.factor or USUAL_ZOOM)))


def amount_of(said: str | None, most: str = "100 %") -> str | None:
    """How much is added on a side, in numbers; None where it is left open; "a lot" is `most`."""
    text = said or ""
    for pattern, unit in ((_PIXELS, "px"), (_PERCENT, "%")):
        if match := pattern.search(text):
            return f"{match[1].replace(',', '.')} {unit}"
    return "25 %" if _LITTLE.search(text) else most if _LOT.search(text) else None


_PIXELS = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:px|pixels?|像素|ピクセル)", re.IGNORECASE)
_PERCENT = re.compile(r"(\d+(?:[.,]\d+)?)\s*(?:%|percent|per cent|％)", re.IGNORECASE)
_LITTLE = re.compile(
    r"(?<!\w)(?:bit|little|slightly|tiny|bisschen|wenig|peu|poco|pouco|немного|чуть)(?!\w)"
    r"|一点|一些|少し|ちょっと|조금",
    re.IGNORECASE,
)
_LOT = re.compile(
    r"(?<!\w)(?:lot|much|far|way|viel|beaucoup|mucho|molto|muito|намного|сильно)(?!\w)"
    r"|很多|许多|もっと|たくさん|많이",
    re.IGNORECASE,
)


def _begun(plan: Plan, recipe: Recipe, start: Start) -> Draft:
    """The draft of the plan's means: what the new picture begins with."""
    settings = replace(said(recipe).sampling, denoise=None)
    match plan.means:
        case Means.AGAIN:
            return replace(said(recipe), task=recipe.task)
        case Means.WORDS if recipe.task.needs.medium != IMAGE:
            return replace(said(recipe), task=recipe.task)
        case Means.WORDS:
            return Draft(sampling=settings)
    # Of all changes since the start the one that needs most decides.
    denoise = plan.settings.denoise
    if denoise is None:
        denoise = max(filter(None, (plan.denoise, redrawn(start.changes))), default=None)
    if denoise is None:
        denoise = family(recipe.family).denoise_for(Task.IMAGE_TO_IMAGE)
    sampling = replace(settings, denoise=denoise)
    if recipe.task.needs.medium == VIDEO:
        clip = replace(start.picture, role="clip")
        own = said(recipe)
        return replace(own, task=Task.VIDEO_TO_VIDEO, inputs=(clip,), sampling=sampling)
    return Draft(inputs=(start.picture,), sampling=sampling)


def _canvas(plan: Plan, recalled: Recalled) -> DraftCanvas:
    """The picture's size, or the new one; what was enlarged is drawn over as large as may be."""
    recipe = recalled.recipe
    if recipe.canvas is None:
        return DraftCanvas()
    width = plan.settings.width or recipe.canvas.width
    height = plan.settings.height or recipe.canvas.height
    its = family((recalled.drawn_by or recipe).family)
    its = its.in_passes(recipe.second.passes if recipe.second is not None else None)
    asked = plan.settings.width is not None or plan.settings.height is not None
    if not asked and not fit(width, height, its):
        width, height = nearest(width, height, its)
    return DraftCanvas(width=width, height=height)


def loras_of(plan: Plan, recipe: Recipe, offers: Offers) -> tuple[Adapter, ...]:
    """The picture's adapters, as the plan wants them.  Raises NoSuchName."""
    if plan.settings.loras is None:
        return recipe.adapters
    own = {(a.weights.name, a.expert): a for a in recipe.adapters if a.kind == "lora"}
    wanted = [
        replace(own[one.name, one.expert], strength=one.strength)
        if (one.name, one.expert) in own
        else offers.lora(f"{one.name}:{one.said}")
        for one in plan.settings.loras
    ]
    others = (a for a in recipe.adapters if a.kind != "lora")
    return placed((*wanted, *others), in_turns=recipe.in_turns)


def kept(plan: Plan, before: Recipe, drawn: Recipe, adapters: Sequence[Adapter]) -> Recipe:
    """The recipe with what the plan is not about as it was before.

    Words are read as they were read then; and nothing that a gap stands for brings back a LoRA that
    was taken off.
    """
    if drawn.family != before.family:
        return drawn  # another model's words are read as its own
    brought = [a for a in drawn.adapters if a not in adapters and not _among(a, before.adapters)]
    drawn = replace(drawn, precision=before.precision, adapters=(*adapters, *brought))
    if before.words is None or drawn.words is None:
        return drawn
    if before.texts[:2] == drawn.texts[:2] and plan.settings.clip_skip is None:
        return replace(drawn, words=before.words, adapters=tuple(adapters))
    # Most of the words are the old ones, and are read as they were then.
    return replace(drawn, words=replace(drawn.words, syntax=before.words.syntax))


def _among(adapter: Adapter, others: Collection[Adapter]) -> bool:
    return any(adapter.meets(other) for other in others)

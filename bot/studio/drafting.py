"""From a wish to the recipes that are queued: which model, whose settings, which words and seeds.

Who fills in what nobody said is in `bot.studio.layers`, where words come from in
`bot.studio.phrasing`.  What is decided here is in the recipes that are returned, so nothing is ever
consulted again for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from bot.studio import notes
from bot.studio.controlling import AskedControl, controlled
from bot.studio.editing import as_edit, reference
from bot.studio.enlarging import drafted
from bot.studio.ignored import ignored
from bot.studio.layers import (
    NOBODY,
    Around,
    Drafted,
    FilledRequest,
    Layers,
    RequestDraft,
    Whence,
    fitting,
    for_edits,
    of_model,
    of_parent,
    of_pictures,
    of_preferences,
    of_wish,
)
from bot.studio.offers import Offers
from bot.studio.pasting import filled_in, with_settings
from bot.studio.phrasing import Phrasing, Proposed
from bot.studio.remarks import remarks
from bot.studio.sped_up import sped_up
from bot.studio.wishes import Wish, seeds, shape, sized
from generation import limits
from generation.draft import Checkpoint, Draft, DraftCanvas, complete, named, task_of
from generation.errors import NoMaker, NoSuchName, OtherMedium, OutOfRange
from generation.families.architecture import SERVES, Purpose
from generation.families.family import FAMILIES, family
from generation.layers import filled
from generation.names import USUAL
from generation.recipe import Adapter, Input, Recipe, Sha256, needed
from generation.tasks import CONTROL, IMAGE, Task
from storage.people import AssistMode, Preferences
from storage.words import Wording


class Drafting:
    """Fills in recipes.  `house` is what the owner decided, `dice` throws a fresh seed."""

    def __init__(
        self,
        *,
        offers: Offers,
        phrasing: Phrasing,
        house: RequestDraft,
        max_count: int,
        dice: Callable[[], int],
    ) -> None:
        self.offers, self.phrasing, self._house = offers, phrasing, house
        self._max_count, self.dice = max_count, dice
        # Whether a server's admins let a model be drawn with.
        self.offered: Callable[[int | None, Sha256], bool] = lambda _, __: True

    async def draft(
        self, wish: Wish, around: Around, *, device: str, plainly: bool = False
    ) -> Drafted:
        """The recipes of a wish, one per picture.  Raises Unacceptable and PromptingError.

        `plainly`: in the person's own words, whoever wants more of them.
        """
        try:
            return await self._draft(wish, around, device, plainly)
        except NoSuchName:  # perhaps it came a moment ago
            if not await self.offers.changed():
                raise
            return await self._draft(wish, around, device, plainly)

    async def _draft(self, wish: Wish, liked: Around, device: str, plainly: bool) -> Drafted:
        if (larger := drafted(wish, self.offers, device=device)) is not None:
            for recipe in larger.recipes:
                self.phrasing.check(recipe)
            return larger
        settings = await with_settings(wish, self.offers.catalog)
        around = self._around(settings.wish, liked)
        model = self._model(settings.wish, around)
        wish, told = filled_in(settings, model.able, model.weights.name)
        around, strangers = self._without_strangers(around, model)
        found = self._filled(wish, around, model)
        draft, model = found.value, self.offers.with_vae(model, found.value.vae)
        used = seeds(wish.seed, self._count(draft), liked.counting, self.dice)
        best = draft.best_of is not None
        if best and model.family.medium != IMAGE:
            raise OtherMedium(model.family.medium, IMAGE)
        scorer = self.offers.scorer(model.family.name).weights if best else None
        # Somebody's finished words are drawn as they are, unless more are asked for by name.
        finished = wish.imported is not None and (wish.assist, wish.style) == (None, None)
        plain = plainly or finished
        asked = replace(draft, style=None, assist=AssistMode.OFF) if plain else draft
        wording = await self.phrasing.wording(asked, model, used[0], wish.words)
        recipes, said = await self._recipes(
            _worded(draft, wording),
            model,
            used,
            device,
            given=wish.draft.adapters,
            helped=wording is not None,
            sampled=partial(
                sped_up,
                model=model,
                whence=found.whence,
                catalog=self.offers.catalog,
                before=_before(wish),
            ),
        )
        unused = (
            *wish.notes,
            *liked.notes,
            *strangers,
            *told,
            *ignored(wish, recipes[0]),
            *said,
            *_unworded(wish, found, wording),
        )
        return Drafted(
            recipes=recipes,
            wording=wording,
            notes=notes.bounded((*unused, *remarks(recipes))),
            scorer=scorer,
            whence=found.whence,
        )

    def _without_strangers(
        self, around: Layers, model: Checkpoint
    ) -> tuple[Layers, tuple[str, ...]]:
        """The layers without LoRAs that a preset names and the model does not take; and a note."""
        families, usual = self.offers.catalog.families(), model.family

        def fits(adapter: Adapter) -> bool:
            theirs = families.get(adapter.weights.sha256, usual.name)
            return usual.takes(adapter.kind, family(theirs))

        presets = [layer for whence, layer in around if whence is Whence.PRESET]
        gone = [a.weights.name for layer in presets for a in layer.adapters if not fits(a)]
        if not gone:
            return around, ()
        kept = [
            (whence, replace(layer, adapters=tuple(filter(fits, layer.adapters))))
            if whence is Whence.PRESET
            else (whence, layer)
            for whence, layer in around
        ]
        return kept, (notes.lora_of_another_family(gone, usual.title),)

    def _count(self, draft: RequestDraft) -> int:
        """How many pictures it is.  Raises OutOfRange."""
        said = "count" if draft.best_of is None else "best_of"
        count = draft.count or 1 if draft.best_of is None else draft.best_of
        if not 1 <= count <= self._max_count:
            raise OutOfRange(said, count, f"1 to {self._max_count}")
        return count

    async def propose(self, wish: Wish, around: Around) -> Proposed:
        """Three different prompts for a wish, in the dialect of the model that would draw it."""
        draft, model = self._proposing(wish, around)
        return await self.phrasing.propose(replace(draft, words=wish.draft.words), model)

    async def describe(self, wish: Wish, around: Around, *, known: Recipe | None) -> Proposed:
        """Three prompts for what a picture shows, in the dialect of the model that would draw it.

        `known`: what it was drawn by; that prompt comes first, exactly.
        """
        draft, model = self._proposing(wish, around)
        draft = replace(draft, words=wish.draft.words)
        return await self.phrasing.describe(draft, model, known=known)

    async def refine(self, wish: Wish, found: Proposed, further: str, around: Around) -> Proposed:
        """Proposals with a further wish in each.  Raises Declined, NothingNew."""
        _, model = self._proposing(wish, around)
        return await self.phrasing.refine(found, further, model)

    def _proposing(self, wish: Wish, around: Around) -> tuple[RequestDraft, Checkpoint]:
        said = RequestDraft(model=wish.model, style=wish.style)
        layers = [(Whence.SAID, said), *around.layers, (Whence.HOUSE, self._house)]
        draft = filled(RequestDraft, layers).value
        return draft, self.offers.checkpoint(draft.model)

    def for_somebody(self, recipe: Recipe) -> Recipe:
        """A stranger's recipe as it may be drawn.  Raises Unacceptable and Declined."""
        self.phrasing.check(recipe)
        return limits.for_somebody(recipe, self.offers.here())

    def checked(
        self, wanted: Preferences, *, kept: Preferences, size: str | None = None
    ) -> Preferences:
        """A person's settings with a size, if one is named.  Raises Unacceptable.

        What was `kept` for a model of another kind is passed over here as when it is drawn with.
        """
        model = self.offers.checkpoint(wanted.model)
        if size is not None:
            canvas = sized(Draft(), size, model.family).canvas
            wanted = replace(wanted, width=canvas.width, height=canvas.height)
        draft = of_preferences(wanted)
        sampling = named(draft.sampling)
        if wanted.vae is not None:
            self.offers.check_vae(wanted.vae)
        # Completing a draft with them is the one check of all others.
        words = replace(draft.words, prompt="a")
        checked = replace(_without_misfits(draft, of_preferences(kept), model), words=words)
        complete(checked, model, seed=0, device="cpu")
        scheduler = sampling.scheduler if sampling.scheduler != USUAL else None
        return replace(wanted, sampler=sampling.sampler, scheduler=scheduler)

    def started(
        self, wish: Wish, start: Input, width: int, height: int, around: Around = NOBODY
    ) -> Wish:
        """The wish with a picture to start from, of that size: its shape, or with an edit its size.

        A size that the wish names stays.  A model that looks at a control picture takes it for one;
        one that edits changes it as the words say, unless they say how much is drawn over.
        """
        model = self._model(wish, self._around(wish, around))
        if model.purpose == Purpose.CONTROL:
            start = replace(start, role=CONTROL)
        able = model.tasks
        drawn_over = wish.draft.sampling.denoise is not None and Task.IMAGE_TO_IMAGE in able
        if Task.EDIT in able and not drawn_over:
            return as_edit(wish, start, width, height)
        wish = replace(wish, draft=replace(wish.draft, inputs=(start,)))
        return self.sized_like(wish, width, height, around)

    def looking_at(self, wish: Wish, further: Input, around: Around = NOBODY) -> Wish | None:
        """The wish for an edit that looks at one picture more; None where it looks at no more."""
        model, inputs = self._model(wish, self._around(wish, around)), wish.draft.inputs
        if wish.draft.task is not Task.EDIT or len(inputs) >= model.family.references:
            return None
        more = (*inputs, reference(further.sha256))
        return replace(wish, draft=replace(wish.draft, inputs=more))

    def controlled(
        self,
        wish: Wish,
        seen: Input,
        size: tuple[int, int],
        asked: AskedControl,
        around: Around = NOBODY,
    ) -> Wish:
        """The wish with a control picture of that size, and with its shape."""
        usual = self._model(wish, self._around(wish, around)).family
        net = self.offers.controlnet(asked.net, usual)
        return self.sized_like(controlled(wish, seen, net, asked), *size, around)

    def sized_like(self, wish: Wish, width: int, height: int, around: Around = NOBODY) -> Wish:
        """The wish with the shape of its input picture, unless it names a size of its own."""
        if wish.size is not None or wish.draft.canvas.width is not None:
            return wish
        model = self._model(wish, self._around(wish, around))
        if not model.family.sized:
            return wish
        its = model.family.in_passes(wish.draft.second.passes)
        across, down = shape(its, width, height)
        canvas = DraftCanvas(width=across, height=down)
        return replace(wish, draft=replace(wish.draft, canvas=canvas))

    def resolved(self, wish: Wish, around: Around) -> tuple[FilledRequest, Checkpoint]:
        """All values that it is drawn with, where each comes from, and the model."""
        layers = self._around(wish, around)
        model = self._model(wish, layers)
        return self._filled(wish, layers, model), model

    def _around(self, wish: Wish, around: Around) -> Layers:
        """Everybody between what was said and what is usual for the model."""
        layers: list[tuple[Whence, Draft]] = []
        recipe = _before(wish)
        if recipe is not None and _of_its_medium(wish, recipe):
            # A model that is named is drawn with as it is, and not as the parent's was.
            its = self._its_model(wish, recipe) if wish.model is None else None
            layers.append((Whence.PARENT, of_parent(recipe, its)))
        return [*layers, *around.layers, (Whence.HOUSE, self._house)]

    def _its_model(self, wish: Wish, parent: Recipe) -> Checkpoint | None:
        """What the parent was drawn with, if that does what is wished for."""
        its = self.offers.checkpoint_of(parent)
        if its is None:
            return None
        task = task_of(wish.draft, its.family)
        if task.needs.medium != its.family.medium:
            return None
        return its if its.purpose is None or task in SERVES.get(its.purpose, ()) else None

    def checkpoint_for(self, wish: Wish, around: Around) -> Checkpoint:
        """What would draw a person's wish.  Raises NoSuchName."""
        return self._model(wish, self._around(wish, around))

    def _model(self, wish: Wish, around: Layers) -> Checkpoint:
        """Of all that is filled in the first: what is usual depends on it."""
        said = RequestDraft(model=wish.model)
        found = filled(RequestDraft, [(Whence.SAID, said), *around]).value
        model = self.offers.checkpoint(found.model, wish.draft.task)
        if wish.model is None and _is_another_medium(wish, model):
            return self._maker(wish)
        if wish.model is not None or wish.parent is not None or self._offered(wish, model):
            return model
        # Nobody asked for it: whatever is usual is not offered in that server.
        here = (entry.model for entry in self.offers.checkpoints(IMAGE) if entry.draws_words)
        return next((other for other in here if self._offered(wish, other)), model)

    def _maker(self, wish: Wish) -> Checkpoint:
        """What does the wish's task, which whoever draws pictures here does not do.

        Raises NoMaker where nothing does, or nothing that is offered.
        """
        task, before = needed(wish.draft.task), _before(wish)
        like = FAMILIES.get(before.family) if before is not None else None
        here = [entry.model_for(task) for entry in self.offers.makers(task, like=like)]
        found = next((model for model in here if self._offered(wish, model)), None)
        if found is None:
            raise NoMaker(task.needs.medium)
        return found

    def _offered(self, wish: Wish, model: Checkpoint) -> bool:
        return self.offered(wish.origin.guild, model.weights.sha256)

    def _filled(self, wish: Wish, around: Layers, model: Checkpoint) -> FilledRequest:
        said = of_wish(wish, model.family)
        able = model.able.in_passes(said.second.passes)
        fits = fitting(around, able, lambda vae: self.offers.vae_fits(vae, model.family))
        task = task_of(said, model.family)
        if task is Task.EDIT:
            fits = for_edits(fits)
        elif (medium := task.needs.medium) != IMAGE:
            fits = of_pictures(fits, lambda model: self.offers.makes(model), medium)
        return filled(RequestDraft, [(Whence.SAID, said), *fits, *of_model(model, task)])

    async def _recipes(
        self,
        draft: Draft,
        model: Checkpoint,
        seeds: Sequence[int],
        device: str,
        *,
        given: Sequence[Adapter],
        helped: bool,
        sampled: Callable[[Draft], tuple[Draft, tuple[str, ...]]],
    ) -> tuple[tuple[Recipe, ...], tuple[str, ...]]:
        """One recipe for each seed, and what is to be said of their words."""
        await asyncio.sleep(0)
        families = self.offers.catalog.families()
        recipes: list[Recipe] = []
        said: list[str] = []
        for seed in seeds:
            each, its = await self.phrasing.decided(draft, model, seed, given, helped=helped)
            each, told = sampled(each)
            recipes.append(complete(each, model, seed=seed, device=device, families=families))
            said += (*its, *told)
            await asyncio.sleep(0)  # nobody else waits for more than one of them
        return tuple(recipes), tuple(said)


def _before(wish: Wish) -> Recipe | None:
    """What the picture was drawn by that the wish goes on from."""
    return wish.after or (wish.parent.recipe if wish.parent is not None else None)


def _of_its_medium(wish: Wish, before: Recipe) -> bool:
    """Whether the wish is for one more of what the recipe made: a clip is no picture's child."""
    task = wish.draft.task
    return task is None or task.needs.medium == before.task.needs.medium


def _is_another_medium(wish: Wish, model: Checkpoint) -> bool:
    """Whether the wish's task makes what no picture is, and the model does not do it."""
    task = wish.draft.task
    return task is not None and task.needs.medium != IMAGE and task not in model.tasks


def _worded(draft: Draft, wording: Wording | None) -> Draft:
    """The draft in the words that the assistant found, if it was asked."""
    if wording is None:
        return draft
    found = wording.assisted
    words = replace(draft.words, prompt=found.prompt, negative_prompt=found.negative)
    return replace(draft, words=words)


def _unworded(wish: Wish, found: FilledRequest, wording: Wording | None) -> Iterator[str]:
    """More words were asked for by name, and there are none."""
    words = wording.assisted if wording is not None and wish.words is None else None
    by_name = found.whence.get("assist") in (Whence.SAID, Whence.PRESET, Whence.PERSON)
    if found.value.assist is not AssistMode.ON or not by_name:
        return
    if words is None or words.note or words.style:
        return
    if words.prompt == words.wish.strip():
        yield notes.no_more_words()


def _without_misfits(draft: Draft, kept: Draft, model: Checkpoint) -> Draft:
    """The settings, without a size and a sampler that stood there before and do not fit."""
    [(_, fits)] = fitting([(Whence.PERSON, draft)], model.family, lambda _: True)
    if draft.canvas == kept.canvas:
        draft = replace(draft, canvas=fits.canvas)
    if draft.sampling.sampler == kept.sampling.sampler:
        draft = replace(draft, sampling=replace(draft.sampling, sampler=fits.sampling.sampler))
    return draft

"""From a wish to the recipes that are queued: which model, whose settings, which words and seeds.

It looks things up and asks the wordsmith; what it decides is in the recipes it returns, so nothing
here is ever consulted again for them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bot.studio import notes
from bot.studio.assistant import PromptAssist
from bot.studio.ignored import ignored
from bot.studio.model_folders import ModelFolders
from bot.studio.networks import applied, marked
from bot.studio.pasting import unpasted
from bot.studio.remarks import remarks
from bot.studio.wishes import OWN_VAE, Wish, carried_over, preferred, seeds, shape, sized
from generation import limits
from generation.catalog.catalog import Catalog, Entry
from generation.draft import Checkpoint, Draft, DraftCanvas, DraftWords, clean_text, complete, named
from generation.errors import NoSuchName, OutOfRange, WrongFamily
from generation.families.family import Family, family
from generation.names import USUAL
from generation.recipe import Adapter, Recipe, Weights, needed
from prompting.assist import Assisted
from prompting.speaking.styles import Styles
from storage.people import AssistMode, Preferences
from storage.words import Wording

ATTEMPTS = 3  # to find other words than those before


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """Recipes, and where their words came from when an assistant found them."""

    recipes: tuple[Recipe, ...]
    wording: Wording | None
    notes: tuple[str, ...] = ()  # what is to be said beside the pictures (`bot.studio.notes`)


class NothingNew(Exception):
    """Other words were asked for and are the same: `what` is "wording", "style" or "own words"."""

    def __init__(self, what: str) -> None:
        super().__init__(f"no other {what}")
        self.what = what


class Drafting:
    """Fills in recipes.  `dice` throws a fresh seed."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        folders: ModelFolders,
        prompt_assist: PromptAssist,
        default_model: Callable[[], Checkpoint],
        max_count: int,
        dice: Callable[[], int],
    ) -> None:
        self._catalog, self._folders, self._wordsmith = catalog, folders, prompt_assist
        self._default_model, self._max_count = default_model, max_count
        self._dice = dice

    async def draft(self, wish: Wish, mine: Preferences, *, device: str) -> Drafted:
        """The recipes of a wish, one per picture.  Raises Unacceptable and PromptingError."""
        try:
            return await self._draft(wish, mine, device=device)
        except NoSuchName:  # perhaps it came a moment ago
            if not await self._folders.changed():
                raise
            return await self._draft(wish, mine, device=device)

    async def _draft(self, wish: Wish, mine: Preferences, *, device: str) -> Drafted:
        model = self._with_vae(self._model(wish, mine), wish, mine)
        wish, told = unpasted(wish, model.family, model.weights.name)
        draft = replace(wish.draft, sampling=named(wish.draft.sampling))
        if wish.size is not None:
            draft = sized(draft, wish.size, model.family)
        if wish.parent is not None:
            draft = carried_over(draft, wish.parent.recipe)
        draft = preferred(draft, _fitting(mine, model.family))
        count = wish.count if wish.count is not None else (mine.count or 1)
        if not 1 <= count <= self._max_count:
            raise OutOfRange("count", count, f"1 to {self._max_count}")
        used = seeds(wish.seed, count, mine, self._dice)
        wording = await self._wording(wish, draft, mine, model, used[0])
        if wording is not None:
            found = wording.assisted
            words = replace(draft.words, prompt=found.prompt, negative_prompt=found.negative)
            draft = replace(draft, words=words)
        await asyncio.sleep(0)
        families = self._catalog.families()
        recipes: list[Recipe] = []
        said: list[str] = []
        for seed in used:
            each, its = await self._decided(draft, model, seed, wish.draft.adapters)
            recipes.append(complete(each, model, seed=seed, device=device, families=families))
            said += its
            await asyncio.sleep(0)  # nobody else waits for more than one of them
        unused = (
            *wish.notes,
            *told,
            *ignored(wish, recipes[0]),
            *said,
            *_unworded(wish, mine, wording),
        )
        return Drafted(recipes=tuple(recipes), wording=wording, notes=_notes(recipes, unused))

    def for_somebody(self, recipe: Recipe) -> Recipe:
        """A stranger's recipe as it may be drawn.  Raises Unacceptable and Declined."""
        for words in recipe.texts:
            self._wordsmith.check(words)
        here = {
            entry.weights.sha256: limits.Present(
                kind=entry.kind,
                weights=entry.weights,
                family=entry.family,
                purpose=entry.purpose,
                noise=entry.levels,
            )
            for entry in self._catalog.entries()
        }
        return limits.for_somebody(recipe, here)

    async def reword(
        self,
        words: str,
        recipes: Sequence[Recipe],
        last: Wording | None,
        *,
        style: str | None,
        own: bool,
    ) -> Drafted:
        """The same recipes in other words: a new wording, another style, or the person's own.

        `words` is what the person typed, `last` what was made of it before.  Raises NothingNew.
        """
        negative = last.own_negative if last else needed(recipes[0].words).negative_prompt
        if own:
            said, told = await self._saying(recipes, words, negative)
            return Drafted(recipes=_other(said, recipes, "own words"), wording=None, notes=told)
        base = self._dice() % 2**31
        for attempt in range(ATTEMPTS):
            assisted = await self._reworded(
                words, recipes[0], last, negative, style, (base + attempt) % 2**31
            )
            said, told = await self._saying(recipes, assisted.prompt, assisted.negative)
            if style is not None or _prompts(said) != _prompts(recipes):
                break
        said = _other(said, recipes, "wording" if style is None else "style")
        wording = Wording(assisted=assisted, own_negative=negative)
        return Drafted(recipes=said, wording=wording, notes=_notes(said, told))

    async def _saying(
        self, recipes: Sequence[Recipe], prompt: str, negative: str
    ) -> tuple[tuple[Recipe, ...], tuple[str, ...]]:
        """The recipes with other words, whose choices each one's seed decides."""
        said: list[Recipe] = []
        told: list[str] = []
        for recipe in recipes:
            model = Checkpoint(
                weights=recipe.checkpoint, family=family(recipe.family), vae=recipe.vae
            )
            words = DraftWords(prompt=prompt, negative_prompt=negative)
            draft = Draft(words=words, adapters=recipe.adapters)
            decided, notes_of_it = await self._decided(draft, model, recipe.seed, recipe.adapters)
            told += notes_of_it
            said.append(
                replace(
                    recipe,
                    words=replace(
                        needed(recipe.words),
                        prompt=decided.words.prompt or "",
                        negative_prompt=decided.words.negative_prompt or "",
                        # Other words are a new picture, read as A1111 reads new ones.
                        syntax=family(recipe.family).syntax,
                    ),
                    adapters=decided.adapters,
                )
            )
        return tuple(said), tuple(told)

    async def propose(
        self, text: str, mine: Preferences, model: str | None
    ) -> tuple[Assisted, ...]:
        """Three different prompts for a wish, in the dialect of the model that would draw it."""
        chosen = self._named(model or mine.model)
        return await self._wordsmith.propose(
            marked(clean_text("prompt", text), self._catalog),
            chosen.family,
            seed=self._dice() % 2**31,
            style=mine.style,
            tokenizer=self._folder(chosen.weights),
        )

    def checked(self, wanted: Preferences, *, size: str | None = None) -> Preferences:
        """A person's settings with a size, if one is named.  Raises Unacceptable."""
        model = self._named(wanted.model)
        draft = Draft(words=DraftWords(prompt="a"))
        if size is not None:
            shaped = sized(draft, size, model.family)
            wanted = replace(wanted, width=shaped.canvas.width, height=shaped.canvas.height)
        filled = preferred(draft, wanted)
        sampling = named(filled.sampling)
        if wanted.vae is not None and wanted.vae.strip().casefold() != OWN_VAE:
            self._catalog.find(wanted.vae.strip(), "vae")
        # Completing a draft with them is the one check of all others.
        complete(filled, model, seed=0, device="cpu")
        scheduler = sampling.scheduler if sampling.scheduler != USUAL else None
        return replace(wanted, sampler=sampling.sampler, scheduler=scheduler)

    def sized_like(self, wish: Wish, width: int, height: int) -> Wish:
        """The wish with the shape of its input picture, unless it names a size of its own."""
        if wish.size is not None or wish.draft.canvas.width is not None:
            return wish
        usual = self._model(wish, Preferences()).family
        across, down = shape(usual, width, height)
        canvas = DraftCanvas(width=across, height=down)
        return replace(wish, draft=replace(wish.draft, canvas=canvas))

    def lora(self, text: str) -> Adapter:
        """ "name:0.8" as an adapter; without a number, at full strength.  Raises NoSuchName."""
        name, _, number = text.strip().rpartition(":")
        try:
            strength = float(number) if name else 1.0
        except ValueError:
            name, strength = "", 1.0  # the colon belongs to the name
        entry = self._catalog.find(name or text.strip(), "lora")
        return Adapter(kind="lora", weights=entry.weights, strength=strength)

    def loras(self) -> tuple[Entry, ...]:
        """The LoRAs that can be put on a checkpoint."""
        self._folders.nudge()
        return self._catalog.entries("lora")

    def checkpoints(self) -> tuple[Entry, ...]:
        """The models that can draw."""
        self._folders.nudge()
        return tuple(entry for entry in self._catalog.models() if entry.purpose is None)

    def family_of(self, model: str | None) -> str:
        """The family of a named model, or of the default one."""
        if model is not None:
            with contextlib.suppress(NoSuchName):
                return self._catalog.find(model).family
        return self._default_model().family.name

    def usual(self, model: str | None) -> Checkpoint:
        """The model of that name, or the one that draws for whoever names none."""
        return self._named(model)

    @property
    def styles(self) -> Styles:
        """The style library of this server."""
        return self._wordsmith.styles

    async def _wording(
        self, wish: Wish, draft: Draft, mine: Preferences, model: Checkpoint, seed: int
    ) -> Wording | None:
        """Words from the assistant, or None where the person's own go in unchanged."""
        prompt = marked(clean_text("prompt", draft.words.prompt or ""), self._catalog)
        for words in (prompt, draft.words.negative_prompt or ""):
            self._wordsmith.check(words)
            await asyncio.sleep(0)  # nobody else waits for more than one of them
        own_negative = draft.words.negative_prompt or ""
        if wish.words is not None:
            return Wording(assisted=wish.words, own_negative=own_negative)
        style = wish.style or mine.style
        # A style is spoken in the model's dialect, so whoever names one asks for words.
        mode = wish.assist if wish.assist is not None else mine.assist
        if not prompt or not (style or self._wordsmith.wanted(prompt, mode)):
            return None
        assisted = await self._wordsmith.assist(
            prompt,
            model.family,
            seed=seed,
            style=style,
            negative=own_negative,
            tokenizer=self._folder(model.weights),
        )
        return Wording(assisted=assisted, own_negative=own_negative)

    async def _decided(
        self, draft: Draft, model: Checkpoint, seed: int, given: Sequence[Adapter]
    ) -> tuple[Draft, tuple[str, ...]]:
        """The draft with words that stand for themselves, and what is to be said of them.

        Wildcards come first, so that they may bring LoRAs and embeddings, too.
        """
        prompt, unknown = self._chosen(draft.words.prompt or "", seed)
        negative, unknown_too = self._chosen(draft.words.negative_prompt or "", seed)
        # A wildcard's line was written by the owner, but not necessarily with this policy in mind.
        for text in (prompt, negative):  # apart, so that each is read once for all pictures
            self._wordsmith.check(text)
        await asyncio.sleep(0)
        chosen = draft.words.negative_prompt and negative
        words = replace(draft.words, prompt=prompt, negative_prompt=chosen)
        draft = replace(draft, words=words)
        draft, said = applied(draft, self._catalog, model, given=given)
        return draft, (*unknown, *unknown_too, *said)

    def _chosen(self, text: str, seed: int) -> tuple[str, tuple[str, ...]]:
        """The text with its choices decided; a list that is not here is read as its name."""
        expanded = self._wordsmith.expanded(text, seed)
        plain, said = expanded.text, []
        for name in expanded.unknown:
            word = name.rstrip("/").rpartition("/")[2].replace("_", " ").replace("-", " ").strip()
            plain = plain.replace(f"__{name}__", word)
            said.append(notes.unknown_wildcard(name, word, self._wordsmith.lists()))
        return plain, tuple(said)

    def _folder(self, weights: Weights) -> Path | None:
        """Where a model's tokenizer may lie."""
        for entry in self._catalog.models():
            if entry.weights.sha256 == weights.sha256 and entry.path.is_dir():
                return entry.path
        return None

    def _model(self, wish: Wish, mine: Preferences) -> Checkpoint:
        if wish.model is None and wish.parent is not None:
            recipe, sampling = wish.parent.recipe, wish.parent.recipe.sampling
            entry = self._catalog.known(recipe.checkpoint)
            return Checkpoint(
                weights=recipe.checkpoint,
                family=family(recipe.family),
                components=recipe.components,
                vae=recipe.vae,
                levels=entry.levels if entry is not None else None,
                prediction=sampling.prediction if sampling is not None else None,
                noise=sampling.noise if sampling is not None else None,
            )
        return self._named(wish.model if wish.model is not None else mine.model)

    def _with_vae(self, model: Checkpoint, wish: Wish, mine: Preferences) -> Checkpoint:
        """With the VAE that was named, or the person's own where it fits.

        Else it stays the parent's, or the one of the model's card.  Raises NoSuchName, WrongFamily.
        """
        if wish.vae is not None:
            return self.vae_on(model, wish.vae)
        if mine.vae is None or (wish.parent is not None and wish.model is None):
            return model
        try:
            return self.vae_on(model, mine.vae)
        except WrongFamily:
            return model

    def vae_on(self, model: Checkpoint, name: str) -> Checkpoint:
        """The model with that VAE, or with its own (OWN_VAE).  Raises NoSuchName, WrongFamily."""
        if name.strip().casefold() == OWN_VAE:
            return replace(model, vae=None)
        entry = self._catalog.find(name.strip(), "vae")
        if not entry.fits(model.family.name):
            theirs, wanted = family(entry.family).title, model.family.title
            raise WrongFamily("vae", entry.name, theirs, model.weights.name, wanted)
        return replace(model, vae=entry.weights)

    def vaes(self) -> tuple[Entry, ...]:
        """The VAEs that can be put in place of a checkpoint's own."""
        self._folders.nudge()
        return self._catalog.entries("vae")

    def _named(self, model: str | None) -> Checkpoint:
        return self._catalog.find(model).model if model is not None else self._default_model()

    async def _reworded(
        self,
        words: str,
        recipe: Recipe,
        last: Wording | None,
        negative: str,
        style: str | None,
        seed: int,
    ) -> Assisted:
        tokenizer = self._folder(recipe.checkpoint)
        if last is not None and style is not None:
            return await self._wordsmith.restyle(
                last.assisted, style, negative=negative, tokenizer=tokenizer
            )
        return await self._wordsmith.assist(
            marked(words or recipe.prompt, self._catalog),
            family(recipe.family),
            seed=seed,
            style=style or (last.assisted.style or None if last else None),
            negative=negative,
            tokenizer=tokenizer,
        )


def _unworded(wish: Wish, mine: Preferences, wording: Wording | None) -> Iterator[str]:
    """More words were asked for by name, and there are none."""
    mode = wish.assist if wish.assist is not None else mine.assist
    words = wording.assisted if wording is not None and wish.words is None else None
    if mode is not AssistMode.ON or words is None or words.note or words.style:
        return
    if words.prompt == words.wish.strip():
        yield notes.no_more_words()


def _prompts(recipes: Sequence[Recipe]) -> list[str]:
    return [recipe.prompt for recipe in recipes]


def _other(said: tuple[Recipe, ...], before: Sequence[Recipe], what: str) -> tuple[Recipe, ...]:
    """The recipes, if they say anything else.  Raises NothingNew.

    A negative prompt alone is no other wording, but it is a part of a style.
    """
    if said == tuple(before) or (what != "style" and _prompts(said) == _prompts(before)):
        raise NothingNew(what)
    return said


def _notes(recipes: Sequence[Recipe], unused: Iterable[str] = ()) -> tuple[str, ...]:
    """All that is to be said beside the pictures."""
    return notes.bounded((*unused, *remarks(recipes)))


def _fitting(mine: Preferences, usual: Family) -> Preferences:
    """The settings, without a size that was chosen for a model of another kind."""
    if mine.width is None or mine.height is None:
        return mine
    on_grid = mine.width % usual.grid == 0 and mine.height % usual.grid == 0
    large = min(mine.width, mine.height) >= usual.min_side
    if on_grid and large and mine.width * mine.height <= usual.max_pixels:
        return mine
    return replace(mine, width=None, height=None)

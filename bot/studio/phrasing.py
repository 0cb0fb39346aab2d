"""Phrasing: the words of recipes, from what a person typed.

It asks the assistant where more words are wanted, lets each picture's seed decide its choices, and
puts on the LoRAs and embeddings that the words name.  Every word that is drawn has passed the
policy here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.studio import notes
from bot.studio.assistant import PromptAssist
from bot.studio.layers import Drafted, RequestDraft
from bot.studio.named_adapters import applied, marked
from bot.studio.offers import Offers
from bot.studio.remarks import of_words, remarks
from bot.studio.triggers import triggered
from generation.draft import Checkpoint, Draft, DraftWords
from generation.draft_parts import placed
from generation.families.family import family
from generation.families.model_family import Family
from generation.recipe import Adapter, Recipe, needed
from generation.texts import clean_text
from prompting.assist import Assisted
from prompting.changing.intents import ShownPicture, Understood
from prompting.speaking.added import seen
from storage.people import AssistMode
from storage.words import Wording

ATTEMPTS = 3  # to find other words than those before
DESCRIBED = 3  # prompts for one picture
_AS = ("as watercolor", "as pixel art", "close-up")  # what a described picture might be instead


class NothingNew(Exception):
    """Other words were asked for and are the same: `what` is "wording", "style", "own words" or
    a "form" that came back as it was; or another "picture", where nothing was drawn."""

    def __init__(self, what: str) -> None:
        super().__init__(f"no other {what}")
        self.what = what


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """Different ways to say a wish, and what is to be said of them."""

    words: tuple[Assisted, ...]
    notes: tuple[str, ...]
    negative: str = ""  # the person's own: what further wishes took away
    began: str = ""  # the wish before all further ones; empty: there were none

    @property
    def wish(self) -> str:
        """What they all say, with all further wishes in it."""
        return self.words[0].wish

    @property
    def style(self) -> str | None:
        """The style that they are all in, if that is one."""
        styles = {words.style for words in self.words}
        return (styles.pop() or None) if len(styles) == 1 else None


class Phrasing:
    """Finds the words of recipes.  `dice` throws a fresh seed."""

    def __init__(
        self, prompt_assist: PromptAssist, offers: Offers, *, dice: Callable[[], int]
    ) -> None:
        self._assist, self._offers, self._dice = prompt_assist, offers, dice

    async def understood(self, reply: str, shown: ShownPicture) -> Understood:
        """What a reply to a picture asks for."""
        return await self._assist.replies.understood(reply, shown)

    def check(self, recipe: Recipe) -> None:
        """Raise Declined where the policy does not let its words be drawn."""
        for words in recipe.texts:
            self._assist.check(words)

    async def wording(
        self, draft: RequestDraft, model: Checkpoint, seed: int, found: Assisted | None
    ) -> Wording | None:
        """Words from the assistant, or None where the person's own go in unchanged.

        `found` are words that were chosen already.
        """
        prompt = marked(clean_text("prompt", draft.words.prompt or ""), self._offers.catalog)
        own_negative = draft.words.negative_prompt or ""
        for words in (prompt, own_negative):
            self._assist.check(words)
            await asyncio.sleep(0)  # nobody else waits for more than one of them
        if found is not None:
            return Wording(assisted=found, own_negative=own_negative)
        # A style is spoken in the model's dialect, so whoever names one asks for words.
        wanted = draft.style or self._assist.wanted(prompt, draft.assist or AssistMode.OFF)
        if not prompt or not wanted:
            return None
        assisted = await self._assist.assist(
            prompt,
            model.spoken_to,
            seed=seed,
            style=draft.style,
            negative=own_negative,
            tokenizer=self._offers.folder_of(model.weights),
        )
        return Wording(assisted=assisted, own_negative=own_negative)

    async def decided(
        self,
        draft: Draft,
        model: Checkpoint,
        seed: int,
        given: Sequence[Adapter],
        *,
        helped: bool,
    ) -> tuple[Draft, tuple[str, ...]]:
        """The draft with words that stand for themselves, and what is to be said of them.

        Wildcards come first, so that they may bring LoRAs and embeddings, too.  `helped`: the
        assistant found the words.
        """
        prompt, unknown = self._chosen(draft.words.prompt or "", seed)
        negative, unknown_too = self._chosen(draft.words.negative_prompt or "", seed)
        # A wildcard's line was written by the owner, but not necessarily with this policy in mind.
        for text in (prompt, negative):  # apart, so that each is read once for all pictures
            self._assist.check(text)
        await asyncio.sleep(0)
        words = replace(draft.words, prompt=prompt, negative_prompt=negative)
        draft = replace(draft, words=words)
        catalog = self._offers.catalog
        draft, said = applied(draft, catalog, model, given=given)
        draft, told = triggered(draft, catalog, model.spoken_to.dialect, helped=helped)
        return draft, (*unknown, *unknown_too, *said, *told)

    def own_words(self, recipe: Recipe, wording: Wording | None) -> str:
        """The words that a picture was drawn from, as chosen for it, without a style's."""
        if wording is None or not wording.assisted.style:
            return recipe.described
        return self._assist.expanded(self._assist.unstyled(wording.assisted), recipe.seed).text

    def spoken_to(self, recipe: Recipe) -> Family:
        """The family of a recipe's model, with the dialect in which that one is spoken to."""
        model = self._offers.checkpoint_of(recipe)
        return model.spoken_to if model is not None else family(recipe.family)

    async def spoken(
        self, text: str, family: Family, *, style: str | None, negative: str
    ) -> Assisted:
        """Words that were found already, in a style; asks no model.  Raises Declined."""
        return await self._assist.spoken(text, family, style=style, negative=negative)

    async def restyled(
        self, words: Assisted, style: str, model: Checkpoint, *, negative: str
    ) -> Assisted:
        """The same wording in another style; asks no model.  Raises UnknownName."""
        tokenizer = self._offers.folder_of(model.weights)
        return await self._assist.restyle(words, style, negative=negative, tokenizer=tokenizer)

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
            said, told = await self._saying(recipes, words, negative, helped=False)
            said = _other(said, recipes, "own words")
            return Drafted(recipes=said, wording=None, notes=told)
        base = self._dice() % 2**31
        for attempt in range(ATTEMPTS):
            assisted = await self._reworded(
                words, recipes[0], last, negative, style, (base + attempt) % 2**31
            )
            said, told = await self._saying(
                recipes, assisted.prompt, assisted.negative, helped=True
            )
            if style is not None or _seen(said) != _seen(recipes):
                break
        said = _other(said, recipes, "wording" if style is None else "style")
        wording = Wording(assisted=assisted, own_negative=negative)
        return Drafted(recipes=said, wording=wording, notes=notes.bounded((*told, *remarks(said))))

    async def propose(self, draft: RequestDraft, model: Checkpoint) -> Proposed:
        """Three different prompts for a wish, in the dialect of the model that would draw it."""
        negative = draft.words.negative_prompt or ""
        found = await self._assist.propose(
            marked(clean_text("prompt", draft.words.prompt or ""), self._offers.catalog),
            model.spoken_to,
            seed=self._dice() % 2**31,
            style=draft.style,
            negative=negative,
            tokenizer=self._offers.folder_of(model.weights),
        )
        said = of_words([words.prompt for words in found], model.family.name)
        return Proposed(words=found, notes=tuple(said), negative=negative)

    async def describe(
        self, draft: RequestDraft, model: Checkpoint, *, known: Recipe | None
    ) -> Proposed:
        """The words of a picture plainly, with a scene around them, and in another style.

        `known`: what it was drawn by; that prompt comes first, exactly.  Raises Declined.
        """
        text = clean_text("prompt", draft.words.prompt or "")
        plain = await self._assist.spoken(text, model.family, style=None, negative="")
        found = [plain]
        if known is not None and known.words is not None:
            prompt, negative = known.described, known.words.negative_prompt
            found.insert(0, replace(plain, wish=prompt, prompt=prompt, negative=negative))
        wider = await self.propose(replace(draft, style=None), model)
        found += wider.words[:1]
        for style in _AS:
            other = await self._assist.refine(plain, style, negative="", began=text, tokenizer=None)
            found += [other[0]] if other is not None else []
        found += wider.words[1:]
        different = {_shown(words.prompt): words for words in reversed(found)}
        chosen = tuple(w for w in found if different[_shown(w.prompt)] is w)[:DESCRIBED]
        notes_of_it = of_words([words.prompt for words in chosen], model.family.name)
        return Proposed(words=chosen, notes=tuple(notes_of_it))

    async def refine(self, found: Proposed, further: str, model: Checkpoint) -> Proposed:
        """The proposals with a further wish in each.  Raises Declined, NothingNew."""
        tokenizer = self._offers.folder_of(model.weights)
        further = clean_text("prompt", further)
        again: list[tuple[Assisted, str]] = []
        for words in found.words:
            await asyncio.sleep(0)  # nobody else waits for more than one of them
            said = await self._assist.refine(
                words,
                further,
                negative=found.negative,
                began=found.began or found.wish,
                tokenizer=tokenizer,
            )
            if said is None:
                raise NothingNew("further wish")
            again.append(said)
        different = tuple({words.prompt: words for words, _ in again}.values())
        told = of_words([words.prompt for words in different], model.family.name)
        return Proposed(
            words=different,
            notes=tuple(told),
            negative=again[0][1],
            began=found.began or found.wish,
        )

    async def _saying(
        self, recipes: Sequence[Recipe], prompt: str, negative: str, *, helped: bool
    ) -> tuple[tuple[Recipe, ...], tuple[str, ...]]:
        """The recipes with other words, whose choices each one's seed decides."""
        said: list[Recipe] = []
        told: list[str] = []
        for recipe in recipes:
            words = DraftWords(prompt=prompt, negative_prompt=negative)
            draft = Draft(words=words, adapters=recipe.adapters)
            model = needed(self._offers.checkpoint_of(recipe))
            decided, notes_of_it = await self.decided(
                draft, model, recipe.seed, recipe.adapters, helped=helped
            )
            told += notes_of_it
            changed = replace(
                needed(recipe.words),
                prompt=decided.words.prompt or "",
                negative_prompt=decided.words.negative_prompt or "",
                # Other words are a new picture, read as A1111 reads new ones.
                syntax=model.family.syntax,
            )
            on = placed(decided.adapters, in_turns=recipe.in_turns)
            said.append(replace(recipe, words=changed, adapters=on))
        return tuple(said), tuple(told)

    async def _reworded(
        self,
        words: str,
        recipe: Recipe,
        last: Wording | None,
        negative: str,
        style: str | None,
        seed: int,
    ) -> Assisted:
        if last is not None and style is not None:
            model = needed(self._offers.checkpoint_of(recipe))
            return await self.restyled(last.assisted, style, model, negative=negative)
        tokenizer = self._offers.folder_of(recipe.checkpoint)
        return await self._assist.assist(
            marked(words or recipe.prompt, self._offers.catalog),
            self.spoken_to(recipe),
            seed=seed,
            style=style or (last.assisted.style or None if last else None),
            negative=negative,
            tokenizer=tokenizer,
        )

    def _chosen(self, text: str, seed: int) -> tuple[str, tuple[str, ...]]:
        """The text with its choices decided; a list that is not here is read as its name."""
        expanded = self._assist.expanded(text, seed)
        plain, said = expanded.text, []
        for name in expanded.unknown:
            word = name.rstrip("/").rpartition("/")[2].replace("_", " ").replace("-", " ").strip()
            plain = plain.replace(f"__{name}__", word)
            said.append(notes.unknown_wildcard(name, word, self._assist.lists()))
        return plain, tuple(said)


def _seen(recipes: Sequence[Recipe]) -> list[frozenset[str]]:
    """What somebody would read of them: another comma is no other picture."""
    return [seen(recipe.prompt) for recipe in recipes]


def _other(said: tuple[Recipe, ...], before: Sequence[Recipe], what: str) -> tuple[Recipe, ...]:
    """The recipes, if they say anything else.  Raises NothingNew.

    A negative prompt alone is no other wording, but it is a part of a style.
    """
    if said == tuple(before) or (what != "style" and _seen(said) == _seen(before)):
        raise NothingNew(what)
    return said


def _shown(prompt: str) -> frozenset[str]:
    """What a prompt says of a picture: "watercolor style" is "watercolor"."""
    return seen(prompt) - {"style"}

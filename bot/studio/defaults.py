"""Defaults: what counts where a wish says nothing, and who said it.

    preset > person > channel > server, then the owner's, the model's card and its family's

Each is a layer of one fold (`bot.studio.layers`), which also tells where every value came from.
What somebody likes is checked before it is kept.
"""

from __future__ import annotations

from dataclasses import replace

from bot.studio import notes
from bot.studio.drafting import Drafting
from bot.studio.layers import Around, FilledRequest, RequestDraft, Whence, of_preferences
from bot.studio.presetting import Presetting, Whereabouts
from bot.studio.saved_drafts import SavedDraft, layer_of
from bot.studio.wishes import Counting, Wish
from generation.draft import (
    UNSAID,
    Checkpoint,
    DraftCanvas,
    DraftSampling,
    DraftWords,
    picked,
)
from generation.families.model_family import Family
from generation.layers import filled
from storage.people import Level, People, Preferences, SeedMode
from storage.presets import StoredPreset
from storage.requests import Origin


class Defaults:
    """Everybody's settings, and those of places."""

    def __init__(self, people: People, drafting: Drafting, presets: Presetting) -> None:
        self._people, self._drafting, self._presets = people, drafting, presets

    async def of(self, whose: int, level: Level = Level.PERSON) -> Preferences:
        """Those of a person or a place; empty for whoever never said anything."""
        return await self._people.preferences(whose, level)

    async def keep(
        self,
        whose: int,
        wanted: Preferences,
        *,
        size: str | None = None,
        level: Level = Level.PERSON,
    ) -> Preferences:
        """Check and keep them, with a size if one is named.  Raises Unacceptable."""
        kept = await self.of(whose, level)
        checked = self._drafting.checked(wanted, kept=kept, size=size)
        await self._people.prefer(whose, checked, level)
        return checked

    async def saved(
        self, liked: Preferences, more: SavedDraft, *, size: str | None = None
    ) -> SavedDraft:
        """What a preset holds of these settings, checked as a person's are.  Raises Unacceptable.

        `more`: what no settings say.
        """
        checked = self._drafting.checked(liked, kept=Preferences(), size=size)
        offers = self._drafting.offers
        model = offers.catalog.find(checked.model).weights if checked.model is not None else None
        said = SavedDraft(
            words=picked(DraftWords, checked),
            canvas=picked(DraftCanvas, checked),
            sampling=picked(DraftSampling, checked),
            model=model,
            vae=checked.vae,
            count=checked.count,
            style=checked.style,
            assist=checked.assist,
        )
        return more.over(said)

    async def around(self, wish: Wish) -> Around:
        """What counts where the wish says nothing.  Raises NoSuchName for its preset."""
        there = Whereabouts.of(wish.origin)
        preset = await self._preset(wish, there)
        layers = [
            (Whence(owner.level), of_preferences(await self.of(owner.id, owner.level)))
            for owner in there.owners
        ]
        counting = await self._counting(wish.origin, layers)
        if preset is None:
            return Around(layers=tuple(layers), counting=counting)
        saved = SavedDraft.load(preset.text)
        layer, gone = layer_of(saved, self._drafting.offers)
        return Around(
            layers=((Whence.PRESET, layer), *layers),
            counting=counting,
            suffix=saved.suffix or "",
            notes=gone if wish.preset is not None else (notes.preset_used(preset.name), *gone),
        )

    async def counting(self, origin: Origin) -> Counting:
        """Where a person's next seed comes from there."""
        return (await self.around(Wish(origin=origin, draft=UNSAID))).counting

    async def note_seed(self, origin: Origin, counting: Counting) -> None:
        """Remember from which seed the next one is counted there.

        Kept for every mode: who switches to "increment" goes on from the picture they liked.
        """
        if counting.last is not None:
            await self._people.note_seed(origin.owner, origin.channel, counting.last)

    async def resolved(self, origin: Origin) -> tuple[FilledRequest, Checkpoint, Around]:
        """All that is drawn with there where nothing is said, and where each value comes from."""
        wish = Wish(origin=origin, draft=UNSAID)
        around = await self.around(wish)
        found, model = self._drafting.resolved(wish, around)
        return found, model, around

    async def family(self, origin: Origin) -> Family:
        """What the model is of that would draw there."""
        around = await self.around(Wish(origin=origin, draft=UNSAID))
        model = filled(RequestDraft, around.layers).value.model
        return self._drafting.offers.family_of(model if isinstance(model, str) else None)

    async def _preset(self, wish: Wish, there: Whereabouts) -> StoredPreset | None:
        """The one that it names, or for a new picture the one that is drawn with there."""
        if wish.preset is not None:
            return await self._presets.named(there, wish.preset)
        if not (wish.parent is None and wish.after is None and wish.imported is None):
            return None  # what is changed stays as it was, and what came from elsewhere, too
        return await self._presets.standing(there)

    async def _counting(
        self, origin: Origin, layers: list[tuple[Whence, RequestDraft]]
    ) -> Counting:
        mode = filled(RequestDraft, layers).value.seed_mode or SeedMode.RANDOMIZE
        last = await self._people.last_seed(origin.owner, origin.channel)
        return Counting(mode=mode, last=last)


def suffixed(wish: Wish, suffix: str) -> Wish:
    """The wish with a preset's words behind its own."""
    words = wish.draft.words
    if not suffix or wish.words is not None or not words.prompt:
        return wish
    behind = replace(words, prompt=with_suffix(words.prompt, suffix))
    return replace(wish, draft=replace(wish.draft, words=behind))


def with_suffix(words: str, suffix: str) -> str:
    """The words, and behind them those of a preset."""
    return f"{words.rstrip(' ,')}, {suffix}" if suffix else words

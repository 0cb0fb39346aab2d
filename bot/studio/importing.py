"""Importing: what a file of anybody's says of its picture, and what of that can be drawn here.

    bytes --texts, readers--> Imported --the catalog--> Brought --a press--> a wish

Invariant: nothing is drawn by looking; what was said beside the file counts more than the file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bot.studio.offers import Offers
from bot.studio.wishes import Wish
from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.catalog.matching import MatchedFile, matched, nearest
from generation.draft import UNSAID
from generation.interchange.imported import Imported
from generation.interchange.reading import read
from generation.media.containers import texts_of
from generation.recipe import Adapter, Sha256
from generation.sources.places import Places
from generation.sources.wanted import Obtainable, obtainable
from generation.spans import meant
from storage.people import AssistMode


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """What was read, and which of its files are here."""

    imported: Imported
    files: tuple[MatchedFile, ...]
    instead: Entry | None = None  # a model that draws it, where its own is not here

    @property
    def model(self) -> MatchedFile | None:
        """The checkpoint that it was drawn with, if it is named."""
        wanted = (one for one in self.files if not one.wanted.idle)
        return next((one for one in wanted if one.wanted.kind == "checkpoint"), None)

    @property
    def missing(self) -> tuple[MatchedFile, ...]:
        """What is not here."""
        return tuple(
            one for one in self.files if one.entry is None and not (one.part or one.wanted.idle)
        )

    @property
    def lacks_its_model(self) -> bool:
        """Whether another model would have to draw it."""
        return self.model is not None and self.model.entry is None


def read_file(data: bytes) -> Imported:
    """What a file says of how it was drawn.  Raises NotRead."""
    return read(texts_of(data))


def brought(
    imported: Imported,
    catalog: Catalog,
    usual: str | None = None,
    offered: Callable[[Sha256], bool] = lambda _: True,
) -> Brought:
    """What of it is here; `usual` is the model that draws where none is named.

    Another model than the file's own is one of those that are `offered`.

    May read files of LoRAs.
    """
    files = matched(imported.files, catalog.entries())
    found = Brought(imported=imported, files=files)
    if not found.lacks_its_model or found.model is None:
        return found
    loras = [one.entry for one in files if one.entry is not None and one.entry.kind == "lora"]
    wanted = found.model.wanted
    models = [entry for entry in catalog.models() if offered(entry.weights.sha256)]
    canvas, task = imported.draft.canvas, imported.task
    instead = nearest(wanted, canvas, loras, models, usual, task=task)
    return replace(found, instead=instead)


async def read_and_matched(
    data: bytes, offers: Offers, offered: Callable[[Sha256], bool] = lambda _: True
) -> Brought:
    """Both, in a thread: texts may be long and LoRAs may be read.  Raises NotRead."""
    usual = offers.checkpoint(None).weights.name
    return await asyncio.to_thread(lambda: brought(read_file(data), offers.catalog, usual, offered))


def where_to_get(file: MatchedFile, places: Places | None = None) -> Obtainable:
    """Where a file is to be had that is not here."""
    return obtainable(file.wanted, places or Places())


def beside(wish: Wish, found: Brought) -> Wish:
    """The wish with a file beside it; where its model is not here, with the one that is nearest."""
    wish = replace(wish, imported=found.imported)
    if wish.model is not None or not found.lacks_its_model or found.instead is None:
        return wish
    return replace(wish, model=found.instead.name)


def is_exact(wish: Wish) -> bool:
    """Whether a recipe of ours is to be drawn as it is: nothing else was said."""
    return (
        wish.imported is not None
        and wish.imported.recipe is not None
        and wish.draft == UNSAID
        and all(
            value is None
            for value in (
                *(wish.model, wish.vae, wish.size, wish.count, wish.best_of, wish.seed),
                *(wish.parent, wish.style),
            )
        )
        and wish.assist in (None, AssistMode.OFF)
    )


def its_model(wish: Wish, files: Sequence[MatchedFile]) -> str | None:
    """The model that draws a wish: the one that was said, or the file's own, if that is here."""
    if wish.model is not None or wish.parent is not None:
        return wish.model
    found = (one.entry for one in files if one.entry is not None and not one.wanted.idle)
    models = [one for one in found if one.kind == "checkpoint" and one.purpose is None]
    return models[0].name if models else None


def its_vae(wish: Wish, files: Sequence[MatchedFile]) -> Entry | None:
    """The VAE of the file that is here, where nobody said another."""
    found = (one.entry for one in files if one.entry is not None and not one.wanted.idle)
    return next((one for one in found if one.kind == "vae"), None) if wish.vae is None else None


def its_loras(files: Sequence[MatchedFile]) -> tuple[tuple[Entry, Adapter], ...]:
    """The LoRAs of the file that are here, as strong as it says."""
    found: list[tuple[Entry, Adapter]] = []
    for file in files:
        entry = file.entry
        if entry is None or entry.kind != "lora" or file.wanted.idle:
            continue
        strength = entry.strength if file.wanted.strength is None else file.wanted.strength
        adapter = Adapter(
            kind="lora",
            weights=entry.weights,
            strength=strength,
            control=None,
            expert=meant(file.wanted.expert, entry.expert),
        )
        if strength and not any(adapter.meets(other) for _, other in found):
            found.append((entry, adapter))
    return tuple(found)

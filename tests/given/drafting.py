"""A drafting over weights that are nowhere: what is decided of a wish needs no file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from bot.studio.assistant import PromptAssist, WordSettings
from bot.studio.drafting import Drafting
from bot.studio.layers import Around, RequestDraft, Whence, of_preferences
from bot.studio.model_folders import ModelFolders
from bot.studio.offers import Offers
from bot.studio.phrasing import Phrasing
from bot.studio.wishes import Counting
from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.recipe import Recipe, Sha256, Weights
from storage.people import AssistMode, Preferences
from storage.pictures import StoredPicture

MOST = 4  # pictures of one wish


def liking(mine: Preferences, counting: Counting | None = None) -> Around:
    """What is around a wish of a person with these settings."""
    layers = ((Whence.PERSON, of_preferences(mine)),)
    return Around(layers=layers, counting=counting or Counting())


def weights(name: str) -> Weights:
    return Weights(name=name, sha256=Sha256(sha256(name.encode()).hexdigest()))


class Unchanging(Catalog):
    """A catalog of what it is told, and of nothing else."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        super().__init__((), Path("nowhere"))
        self._entries = tuple(entries)


class Still(ModelFolders):
    """Folders in which nothing ever changes."""

    async def changed(self) -> bool:
        return False


def an_entry(name: str, family: str, kind: Any = "checkpoint", **more: Any) -> Entry:
    if "vae" in more:
        more["vae"] = weights(more["vae"])
    if kind == "vae" and not family:
        more["built"] = ("sd1", "sdxl")  # whose VAEs have the same shapes
    return Entry(
        name=name,
        path=Path("nowhere") / name,
        weights=weights(name),
        family=family,
        kind=kind,
        size_bytes=1,
        title=name,
        **more,
    )


def a_parent(recipe: Recipe) -> StoredPicture:
    """A picture of that recipe; of a parent, drafting reads nothing else."""
    return cast(StoredPicture, SimpleNamespace(recipe=recipe))


def a_drafting(models: Iterable[Mapping[str, Any]], *, default: str) -> Drafting:
    """Fills in recipes with entries of these fields; whoever names no model gets `default`."""
    catalog = Unchanging(an_entry(**model) for model in models)
    thrown = count(1)
    prompt_assist = PromptAssist(WordSettings(assist=AssistMode.OFF))
    offers = Offers(
        catalog=catalog,
        folders=Still(catalog),
        styles=prompt_assist.styles,
        default_model=lambda: catalog.find(default).model,
    )

    def dice() -> int:
        return 1_000_003 * next(thrown) % 2**32

    return Drafting(
        offers=offers,
        phrasing=Phrasing(prompt_assist, offers, dice=dice),
        house=RequestDraft(model=default, assist=AssistMode.OFF),
        max_count=MOST,
        dice=dice,
    )

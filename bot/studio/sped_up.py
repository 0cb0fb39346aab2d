"""Sampling as the LoRAs that are on want it: those that were taught to draw in few steps.

Their settings stand between the person's and the model's: what was said, and what the person,
the channel or the server chose, stays.  So does the picture before, unless such a LoRA was put on
or taken off since.  Invariant: of two LoRAs that want different things the first counts, and the
other is named.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, TypeVar

from bot.languages.speaking import tr
from bot.studio import notes
from bot.studio.layers import Whence
from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.draft import UNSAID, Checkpoint, Draft, DraftSampling, usual_of
from generation.modes import in_words
from generation.recipe import Adapter, Recipe, Sha256

D = TypeVar("D", bound=Draft)


def sped_up(
    draft: D,
    model: Checkpoint,
    whence: Mapping[str, Whence],
    catalog: Catalog,
    before: Recipe | None,
) -> tuple[D, tuple[str, ...]]:
    """The draft with what its LoRAs say of sampling, and what is to be said of that."""
    on = list(_wanting(draft.adapters, catalog))
    off = list(_wanting(before.adapters if before is not None else (), catalog))
    changed = _named(on) != _named(off)
    open_to = {Whence.CARD, Whence.FAMILY} | ({Whence.PARENT} if changed else set())
    settings: dict[str, Any] = {}
    if changed:
        settings |= _taken_back(off, draft, model, whence)
    told: list[str] = []
    for entry in on[:1]:
        wanted = _fitting(entry.usual.sampling, model)
        free = {
            name: value
            for name, value in wanted.items()
            if whence.get(f"sampling.{name}", Whence.FAMILY) in open_to
        }
        settings |= free
        if free:
            how = in_words(entry.mode or tr("its card"), DraftSampling(**free))
            told.append(notes.sped_up(entry.name, how))
    others = [one for one in on[1:] if one.usual.sampling != on[0].usual.sampling]
    told += [notes.two_modes(entry.name, on[0].name) for entry in others]
    return replace(draft, sampling=replace(draft.sampling, **settings)), tuple(told)


def _wanting(adapters: Sequence[Adapter], catalog: Catalog) -> Iterator[Entry]:
    """The LoRAs that say how to sample."""
    for adapter in adapters:
        entry = catalog.known(adapter.weights) if adapter.strength else None
        if entry is not None and entry.kind == "lora" and entry.usual != UNSAID:
            yield entry


def _named(entries: Sequence[Entry]) -> set[Sha256]:
    return {entry.weights.sha256 for entry in entries}


def _taken_back(
    off: Sequence[Entry], draft: Draft, model: Checkpoint, whence: Mapping[str, Whence]
) -> dict[str, Any]:
    """What the picture before was drawn with because of a LoRA, as it is usual without one."""
    usual = usual_of(model, draft.task).sampling
    return {
        name: getattr(usual, name)
        for entry in off
        for name in _said(entry.usual.sampling)
        if whence.get(f"sampling.{name}") is Whence.PARENT
    }


def _fitting(said: DraftSampling, model: Checkpoint) -> dict[str, Any]:
    """What a LoRA says, of which the model is told."""
    wanted = _said(said)
    if not model.family.flows:
        wanted.pop("shift", None)
    if model.family.guidance is None:
        wanted.pop("guidance", None)
    return wanted


def _said(sampling: DraftSampling) -> dict[str, Any]:
    values = {field.name: getattr(sampling, field.name) for field in fields(sampling)}
    return {name: value for name, value in values.items() if value is not None}

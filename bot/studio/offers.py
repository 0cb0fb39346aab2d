"""Offers: what can be chosen here, by the names that people type.

Models, VAEs and LoRAs of the catalog, and styles of the library.  Somebody who is choosing makes
the folders be looked at soon, so that what was just put there is offered, too.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bot.languages.speaking import tr
from bot.studio.abilities import ResultReach
from bot.studio.model_folders import ModelFolders
from bot.studio.wishes import OWN_VAE
from generation import limits
from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.draft import UNSAID, Checkpoint
from generation.errors import (
    NoCaptioner,
    NoControlNet,
    NoMaker,
    NoScorer,
    NoSegmenter,
    NoSuchName,
    WrongFamily,
)
from generation.families.family import FAMILIES, family, has_few_words
from generation.families.model_family import Family
from generation.recipe import Adapter, Recipe, Sha256, Weights
from generation.spans import meant, on_one
from generation.tasks import IMAGE, Task
from generation.two_passes import without_enlarger
from prompting.speaking.styles import Styles


class Offers:
    """What is installed, as people call it."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        folders: ModelFolders,
        styles: Styles,
        default_model: Callable[[], Checkpoint],
    ) -> None:
        self.catalog, self._folders = catalog, folders
        self.styles, self._default_model = styles, default_model
        self.painter = False  # whether a page is served on which masks are painted

    def checkpoints(self, medium: str | None = None) -> tuple[Entry, ...]:
        """The models that can draw, of one medium or of all."""
        self._folders.nudge()
        return tuple(
            entry
            for entry in self.catalog.models()
            if entry.purpose is None and (medium is None or entry.makes(medium))
        )

    def makers(self, *tasks: Task, like: Family | None = None) -> tuple[Entry, ...]:
        """The models that do one of these tasks, the first task's first.

        Of each task, those of that family come first, then the owner's in their order, and at
        last our own small ones.
        """
        self._folders.nudge()
        here = self.catalog.models()
        found: dict[str, Entry] = {}
        for task in tasks:
            able = [entry for entry in here if task in entry.tasks]
            able.sort(
                key=lambda entry: (
                    like is None or entry.family != like.name,
                    has_few_words(entry.family or ""),
                )
            )
            found |= {entry.name: entry for entry in able if entry.name not in found}
        return tuple(found.values())

    def maker(self, *tasks: Task, like: Family | None = None) -> Entry:
        """The first of these that is here.  Raises NoMaker, of the first task's medium."""
        here = self.makers(*tasks, like=like)
        if not here:
            raise NoMaker(tasks[0].needs.medium)
        return here[0]

    def editors(self, like: Family | None = None) -> tuple[Entry, ...]:
        """The models that change a picture as they are told to; first those of that family."""
        return self.makers(Task.EDIT, like=like)

    def loras(self) -> tuple[Entry, ...]:
        """The LoRAs that can be put on a checkpoint."""
        self._folders.nudge()
        return self.catalog.entries("lora")

    def controlnets(self) -> tuple[Entry, ...]:
        """The networks that steer a drawing by a picture."""
        self._folders.nudge()
        return self.catalog.entries("controlnet")

    def controlnet(self, name: str | None, like: Family) -> Entry:
        """The ControlNet of that name, or where none is named the first for such models.

        Raises NoSuchName, NoControlNet.
        """
        if name is not None:
            return self.catalog.find(name.strip(), "controlnet")
        for entry in self.controlnets():
            theirs = FAMILIES.get(entry.family)
            if theirs is not None and like.takes("controlnet", theirs):
                return entry
        raise NoControlNet(like.title)

    def vaes(self) -> tuple[Entry, ...]:
        """The VAEs that can be put in place of a checkpoint's own."""
        self._folders.nudge()
        return self.catalog.entries("vae")

    def upscalers(self) -> tuple[Entry, ...]:
        """The networks that make pictures larger."""
        self._folders.nudge()
        return self.catalog.entries("upscaler")

    def upscaler(self, name: str | None) -> Entry | None:
        """The upscaler of that name, or where none is named the one with most weights, if any.

        Raises NoSuchName.
        """
        if name is not None:
            return self.catalog.find(name.strip(), "upscaler")
        here = self.catalog.entries("upscaler")
        return max(here, key=lambda entry: entry.size_bytes, default=None)

    @property
    def finds_regions(self) -> bool:
        """Whether anything here finds a part of a picture by words."""
        return bool(self.catalog.entries("segmenter"))

    def segmenter(self, name: str | None = None) -> Weights:
        """What finds a region by words: the one of that name, or the first.

        Raises NoSegmenter, NoSuchName.
        """
        if name is not None:
            return self.catalog.find(name, "segmenter").weights
        self._folders.nudge()
        if not (found := self.catalog.entries("segmenter")):
            raise NoSegmenter
        return found[0].weights

    def captioner(self) -> Entry:
        """What says what a picture shows: of several, the one with most weights.

        Raises NoCaptioner.
        """
        self._folders.nudge()
        here = self.catalog.entries("captioner")
        if not here:
            raise NoCaptioner
        return max(here, key=lambda entry: entry.size_bytes)

    def scorer(self, family_name: str = "") -> Entry:
        """What says how well words fit a picture that models of that family drew, or any other.

        One whose card names the family is for its pictures alone, and comes first for these; of
        several, the one with most weights.  Raises NoScorer.
        """
        self._folders.nudge()
        here = [e for e in self.catalog.entries("scorer") if e.family in ("", family_name)]
        if not here:
            raise NoScorer
        return max(here, key=lambda entry: (entry.family, entry.size_bytes))

    async def changed(self) -> bool:
        """Look now whether anything is here that was not, for somebody who named it."""
        return await self._folders.changed()

    def checkpoint(self, model: str | Checkpoint | None, task: Task | None = None) -> Checkpoint:
        """The model of that name, for that task, or the one that draws for whoever names none.

        Raises NoSuchName, with those that make what the task makes: of none, pictures.
        """
        if model is None:
            return self._default_model()
        if not isinstance(model, str):
            return model
        medium = IMAGE if task is None else task.needs.medium
        return self.catalog.find(model, medium=medium).model_for(task)

    def tasks_of(self, model: str, medium: str) -> frozenset[Task]:
        """What is made with the model of that name.

        Raises NoSuchName, with those that make that medium.
        """
        return self.catalog.find(model, medium=medium).tasks

    def checkpoint_of(self, recipe: Recipe) -> Checkpoint | None:
        """The one that a recipe was drawn with, with the VAE and the noise that are its own.

        None: nothing was drawn.
        """
        entry, sampling = self.catalog.known(recipe.checkpoint), recipe.sampling
        if sampling is None:
            return None
        components, enlarger = without_enlarger(recipe)
        return Checkpoint(
            weights=recipe.checkpoint,
            family=family(recipe.family),
            purpose=entry.purpose if entry is not None else None,
            components=components,
            vae=recipe.vae,
            enlarger=enlarger or (entry.enlarger if entry is not None else None),
            levels=entry.levels if entry is not None else None,
            prediction=sampling.prediction,
            noise=sampling.noise,
            usual=entry.usual if entry is not None else UNSAID,
            dialect=entry.dialect if entry is not None else "",
        )

    def makes(self, model: str | Checkpoint) -> str:
        """The medium of what a model makes; of one that is not here, pictures."""
        with contextlib.suppress(NoSuchName):
            return self.checkpoint(model).family.medium
        return IMAGE

    def family_of(self, model: str | None) -> Family:
        """The family of a named model, or of the default one."""
        with contextlib.suppress(NoSuchName):
            return self.checkpoint(model).family
        return self._default_model().family

    def folder_of(self, weights: Weights) -> Path | None:
        """Where a model's tokenizer may lie."""
        for entry in self.catalog.models():
            if entry.weights.sha256 == weights.sha256 and entry.path.is_dir():
                return entry.path
        return None

    @property
    def reach(self) -> ResultReach:
        """What can be made of a result here."""
        made = {task for entry in self.catalog.models() for task in entry.tasks}
        return ResultReach(
            painter=self.painter,
            films=bool(made & {Task.TEXT_TO_VIDEO, Task.IMAGE_TO_VIDEO}),
            voices=Task.TEXT_TO_AUDIO in made,
            forms=bool(made & {Task.TEXT_TO_3D, Task.IMAGE_TO_3D}),
            extends=Task.EXTEND_VIDEO in made,
        )

    def lora(self, text: str) -> Adapter:
        """ "name:0.8" as an adapter; without a number, as it is usual.  Raises NoSuchName.

        "name:0.8:high" and "name:low" are put on one of a model's two denoisers alone.
        """
        text, expert = on_one(text.strip())
        name, _, number = text.rpartition(":")
        strength: float | None = None
        try:
            strength = float(number) if name else None
        except ValueError:
            name = ""  # the colon belongs to the name
        entry = self.catalog.find(name or text, "lora")
        usual = entry.strength if strength is None else strength
        return Adapter(
            kind="lora",
            weights=entry.weights,
            strength=usual,
            control=None,
            expert=meant(expert, entry.expert),
        )

    def with_vae(self, model: Checkpoint, vae: str | Weights | None) -> Checkpoint:
        """The model with that VAE, or with its own (OWN_VAE).  Raises NoSuchName, WrongFamily."""
        if not isinstance(vae, str):
            return replace(model, vae=vae)
        if _is_own(vae):
            return replace(model, vae=None)
        entry = self.catalog.find(vae.strip(), "vae")
        if not entry.fits(model.family.name):
            theirs, wanted = _title(entry.family), model.family.title
            raise WrongFamily("vae", entry.name, theirs, model.weights.name, wanted)
        return replace(model, vae=entry.weights)

    def check_vae(self, vae: str) -> None:
        """Raise NoSuchName unless there is one of that name."""
        if not _is_own(vae):
            self.catalog.find(vae.strip(), "vae")

    def vae_fits(self, vae: str, family: Family) -> bool:
        """Whether it is one for that family, or unknown, and to be refused where it is put on."""
        try:
            return _is_own(vae) or self.catalog.find(vae.strip(), "vae").fits(family.name)
        except NoSuchName:
            return True

    def here(self) -> dict[Sha256, limits.Present]:
        """What the recipes of strangers are checked against."""
        return {
            entry.weights.sha256: limits.Present(
                kind=entry.kind,
                weights=entry.weights,
                family=entry.family,
                purpose=entry.purpose,
                noise=entry.levels,
            )
            for entry in self.catalog.entries()
        }


def _is_own(vae: str) -> bool:
    return vae.strip().casefold() == OWN_VAE


def _title(family_name: str) -> str:
    return FAMILIES[family_name].title if family_name in FAMILIES else tr("another kind of model")

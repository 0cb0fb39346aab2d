"""What the catalog lists: usable weights, each under a name that no other has.

Invariant: an Entry that exists can be drawn with; what lacks a part or names a VAE that is not here
is refused with its reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from generation.catalog.card import check_usual
from generation.catalog.companions import Component, Incomplete, chosen
from generation.catalog.recognition import Anatomy, Kind
from generation.draft import UNSAID, Checkpoint, Draft
from generation.errors import NoSuchName, NotMadeFor, UnusableWeights
from generation.families.architecture import Purpose, Stage
from generation.families.family import ARCHITECTURES, FAMILIES, borrowers, borrowing, family
from generation.layers import filled
from generation.modes import in_words
from generation.recipe import Adapter, Sha256, Weights
from generation.tasks import IMAGE, PARTS, Task

SHORT_HASH = 10  # letters of a sha256, as A1111 shows them beside a model's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Usable weights.  `weights.name` is `name`, which no other entry of the catalog has."""

    name: str
    path: Path
    weights: Weights
    family: str  # "" for a VAE without a card, whose shapes do not tell, and for an upscaler
    kind: Kind
    size_bytes: int
    title: str
    channels: int | None = None  # of a checkpoint: that its denoiser takes
    # Of a checkpoint: what `Checkpoint` says of them.
    components: tuple[Weights, ...] = ()
    vae_apart: Weights | None = None
    vae: Weights | None = None
    enlarger: Weights | None = None
    levels: str | None = None
    prediction: str | None = None
    noise: str | None = None
    usual: Draft = UNSAID
    dialect: str = ""  # in which it wants to be spoken to
    built: tuple[str, ...] = ()  # of a VAE: the architectures that have such a one
    triggers: tuple[str, ...] = ()  # of a LoRA: the words that it listens to
    mode: str = ""  # of a checkpoint or LoRA that draws in few steps: its title
    strength: float = 1.0  # of a LoRA, where nobody names one
    expert: str | None = None  # of a LoRA, which of two denoisers it is for
    modes: tuple[str, ...] = ()  # of a ControlNet: what its picture may show, if it has to be said
    factor: int | None = None  # of an upscaler: how many times as long the sides become
    # Of a checkpoint: adapters with which one of another medium draws with it, and their settings.
    beside: tuple[Adapter, ...] = ()
    usual_beside: Draft = UNSAID
    note: str = ""  # what its owner may want to know

    @property
    def short(self) -> str:
        """A short name that means this entry alone, in the form that A1111 shows: `name [hash]`."""
        return f"{self.name[:40].replace(',', ' ').strip()} [{self.weights.sha256[:SHORT_HASH]}]"

    @property
    def model(self) -> Checkpoint:
        """What a draft is completed with.  Raises NoSuchName when it is no checkpoint."""
        if self.kind != "checkpoint":
            raise NoSuchName("model", self.name)
        return Checkpoint(
            weights=self.weights,
            family=family(self.family),
            purpose=self.purpose,
            components=self.components,
            vae_apart=self.vae_apart,
            vae=self.vae,
            enlarger=self.enlarger,
            levels=self.levels,
            prediction=self.prediction,
            noise=self.noise,
            usual=self.usual,
            dialect=self.dialect,
        )

    def making(self, medium: str) -> Checkpoint:
        """What a draft of that medium is completed with, where another is its own as well.

        Raises NoSuchName when it is no checkpoint, NotMadeFor when nothing makes that of it.
        """
        model = self.model
        if model.family.medium == medium:
            return model
        other = borrowing(model.family, medium) if model.purpose is None else None
        if other is None:
            raise NotMadeFor(self.name, " or ".join(sorted(model.family.tasks)))
        usual, beside = self.usual_beside, self.beside
        return replace(model, family=other, levels=None, noise=None, usual=usual, adapters=beside)

    def model_for(self, task: Task | None) -> Checkpoint:
        """What a draft of that task is completed with; of none that it does, what it is."""
        medium = IMAGE if task is None else task.needs.medium
        return self.making(medium) if self.makes(medium) else self.model

    def makes(self, medium: str) -> bool:
        """Whether something of that medium can be made with it."""
        if self.kind != "checkpoint":
            return False
        mine = family(self.family)
        borrowed = bool(self.beside) and borrowing(mine, medium) is not None
        return mine.medium == medium or borrowed

    @property
    def drawn_with(self) -> Checkpoint:
        """The model, or of a LoRA one of its family, whose settings are then the LoRA's."""
        if self.kind == "checkpoint":
            return self.model
        return Checkpoint(weights=self.weights, family=family(self.family), usual=self.usual)

    @property
    def purpose(self) -> Purpose | None:
        """What it is made for, where it does not draw from words or over a picture."""
        if self.channels is None or self.kind != "checkpoint":
            return None
        return family(self.family).architecture.purposes.get(self.channels)

    @property
    def tasks(self) -> frozenset[Task]:
        """What is made with it."""
        if self.kind != "checkpoint":
            return frozenset()
        others = borrowers(family(self.family)) if self.beside else ()
        return self.model.tasks.union(*(one.tasks for one in others))

    @property
    def draws_words(self) -> bool:
        """Whether it makes pictures of words alone."""
        return self.purpose is None and Task.TEXT_TO_IMAGE in self.tasks

    def fits(self, family_name: str) -> bool:
        """Whether a VAE can be used with that family: some architectures have the same shapes."""
        mine, theirs = FAMILIES.get(self.family), family(family_name)
        return theirs.architecture.name in self.built if mine is None else theirs.takes("vae", mine)


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundWeights:
    """Weights that are usable, before they have a unique name."""

    path: Path
    sha256: Sha256
    anatomy: Anatomy
    size_bytes: int
    title: str | None
    note: str = ""


def entries_of(
    names: Sequence[str], found: Sequence[FoundWeights], refused: list[UnusableWeights]
) -> list[Entry]:
    """Each under its name.

    A checkpoint is refused whose card's VAE or settings cannot be used, or that lacks a part.
    """
    named = list(zip(names, found, strict=True))
    vaes = {
        spelled: Weights(name=name, sha256=one.sha256)
        for name, one in named
        if one.anatomy.kind == "vae"
        for spelled in _spellings(name, one)
    }
    parts = {name: _component(name, one) for name, one in named if one.anatomy.fills}
    called = {s: name for name, one in named if name in parts for s in _spellings(name, one)}
    entries = []
    for name, one in named:
        wanted = one.anatomy.vae
        vae = None if wanted is None else vaes.get(wanted) or vaes.get(wanted.casefold())
        if wanted is not None and vae is None:
            refused.append(UnusableWeights(name, f"its card's VAE {wanted!r:.60} is not here"))
            continue
        entry = _entry(name, one, vae)
        try:
            if one.anatomy.lacks or one.anatomy.components:
                entry = _completed(entry, one.anatomy, tuple(parts.values()), called)
            if entry.usual != UNSAID:
                check_usual(entry.drawn_with)
        except UnusableWeights as error:
            refused.append(error)
        else:
            entries.append(entry)
    return [_accompanied(entry, entries) for entry in entries]


def _accompanied(entry: Entry, entries: Sequence[Entry]) -> Entry:
    """A checkpoint with the adapters that are a part of it where it makes another medium.

    Of several the one without settings of its own that has most weights.
    """
    if entry.kind != "checkpoint" or entry.purpose is not None:
        return entry
    able = [one for one in entries if one.kind in PARTS and _goes_with(one, entry)]
    best = min(able, key=lambda one: (one.usual != UNSAID, -one.size_bytes, one.name), default=None)
    if best is None:
        return entry
    own = Draft(words=entry.usual.words, sampling=entry.usual.sampling)
    return replace(
        entry,
        beside=(Adapter(kind=best.kind, weights=best.weights, strength=1.0, control=None),),
        usual_beside=filled(Draft, [("beside", best.usual), ("card", own)]).value,
    )


def _goes_with(part: Entry, model: Entry) -> bool:
    theirs = FAMILIES.get(part.family)
    if theirs is None or not theirs.takes("checkpoint", family(model.family)):
        return False
    return theirs.medium != family(model.family).medium


def _spellings(name: str, one: FoundWeights) -> tuple[str, ...]:
    """How a card may call it."""
    return name, name.casefold(), f"{name}.safetensors", one.path.name


def _component(name: str, one: FoundWeights) -> Component:
    return Component(
        weights=Weights(name=name, sha256=one.sha256),
        fills=one.anatomy.fills,
        besides=one.anatomy.besides,
        size_bytes=one.size_bytes,
        file=one.path.name,
        family=one.anatomy.family,
    )


def _completed(
    entry: Entry, anatomy: Anatomy, parts: Sequence[Component], called: Mapping[str, str]
) -> Entry:
    """A checkpoint with the files of what it lacks; `called`: the entry that a name means.

    Raises UnusableWeights.
    """
    wanted = [*anatomy.components, *([entry.vae.name] if entry.vae else ())]
    model = Incomplete(
        name=entry.name,
        architecture=family(entry.family).architecture,
        lacks=anatomy.lacks,
        config=anatomy.denoiser,
        others=anatomy.others,
        wanted=tuple(called.get(one) or called.get(one.casefold()) or one for one in wanted),
    )
    taken = chosen(model, parts)
    _check_experts(entry, model, parts, taken.components)
    return replace(
        entry,
        components=taken.components,
        vae_apart=taken.vae,
        enlarger=taken.enlarger,
        note="; ".join(text for text in (entry.note, taken.note) if text),
    )


def _dialect(anatomy: Anatomy, called: str) -> str:
    known = FAMILIES.get(anatomy.family) if anatomy.kind == "checkpoint" else None
    return known.dialect_of(called) if known is not None else ""


def _entry(name: str, found: FoundWeights, vae: Weights | None) -> Entry:
    anatomy = found.anatomy
    return Entry(
        name=name,
        path=found.path,
        weights=Weights(name=name, sha256=found.sha256),
        family=anatomy.family,
        kind=anatomy.kind,
        size_bytes=found.size_bytes,
        title=found.title or name,
        vae=vae,
        channels=anatomy.channels,
        levels=anatomy.levels,
        prediction=anatomy.prediction,
        noise=anatomy.noise,
        usual=anatomy.usual,
        dialect=anatomy.dialect or _dialect(anatomy, f"{name} {found.title or ''}"),
        built=anatomy.built,
        triggers=anatomy.triggers,
        mode=anatomy.distilled.mode.title if anatomy.distilled else "",
        strength=anatomy.strength,
        expert=anatomy.expert,
        modes=anatomy.modes,
        factor=anatomy.factor,
        note="; ".join(
            text for text in (found.note, _said_of_mode(anatomy), _said_of_part(anatomy)) if text
        ),
    )


def _said_of_mode(anatomy: Anatomy) -> str:
    if anatomy.distilled is None:
        return ""
    return in_words(anatomy.distilled.mode.title, anatomy.usual.sampling)


def _said_of_part(anatomy: Anatomy) -> str:
    """What a file is that enlarges latents: it is a part of models that it is named for alone."""
    found = {
        part.usual_file({})
        for one in ARCHITECTURES
        for part in one.at(Stage.ENLARGE)
        if part.kind in anatomy.fills
    }
    if not found:
        return ""
    return (
        "a latent upsampler, for films in two passes: taken by the model whose family its card "
        f"names, or where it is called as {' or '.join(sorted(found))}"
    )


def _check_experts(
    entry: Entry, model: Incomplete, parts: Sequence[Component], taken: Sequence[Weights]
) -> None:
    """Raises UnusableWeights for one of two experts whose card does not name the other."""
    kinds = {part.kind for part in model.architecture.at(Stage.REFINE)} & set(model.lacks)
    second = [one for one in parts if one.weights in taken and kinds & one.fills.keys()]
    if kinds and not second and family(entry.family).experts is not None:
        raise UnusableWeights(
            entry.name,
            "one of two experts: its card names the file of the other one, components = [...]",
        )

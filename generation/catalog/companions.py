"""The files that a checkpoint takes for the parts that it lacks, and what is said of the choice.

    text encoders   of those that fit the denoiser and hold little else (one that sees pictures may
                    have the shapes of one that does not), the one with most digits
    the enlarger    the one whose card names the family, or is called as that family's usually is
    the VAE         of those with its shapes, the one whose card names the family, or is called as
                    that family's usually is: shapes do not tell whose numbers they are

Invariant: the same files give the same choice, whatever they were found in; a card comes before
every rule, and what is taken of several is said with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from generation.errors import UnusableWeights
from generation.families.architecture import Architecture, Config, Part, Stage
from generation.families.family import FAMILIES
from generation.recipe import Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A file that can be a part."""

    weights: Weights
    fills: Mapping[str, Config]  # the parts that it can be, by `Part.kind`: built from what
    besides: frozenset[str]  # those of them beside which it holds much else
    size_bytes: int
    file: str  # what it is called
    family: str = ""  # that its card says it is of


@dataclass(frozen=True, slots=True, kw_only=True)
class Incomplete:
    """A checkpoint that lacks parts."""

    name: str
    architecture: Architecture
    lacks: tuple[str, ...]  # by `Part.kind`
    config: Config  # of its denoiser
    others: Mapping[str, Config] = field(default_factory=dict)  # of what else it has, by its name
    wanted: tuple[str, ...] = ()  # the components that its card names


@dataclass(frozen=True, slots=True, kw_only=True)
class Companions:
    """What a checkpoint takes."""

    components: tuple[Weights, ...] = ()
    vae: Weights | None = None
    enlarger: Weights | None = None
    note: str = ""  # what is to be said of the choice


def chosen(model: Incomplete, here: Sequence[Component]) -> Companions:
    """The files for what a checkpoint lacks.  Raises UnusableWeights, with all that is missing."""
    found: dict[str, Weights] = {}
    missing: list[str] = []
    notes: list[str] = []
    for part in model.architecture.parts:
        if part.kind not in model.lacks:
            continue
        able = [one for one in here if part.kind in one.fills]
        fitting = [one for one in able if _misfit(model, part, one) is None]
        if part.stage is Stage.REFINE:  # no tensor tells which two belong together
            fitting = [one for one in fitting if one.weights.name in model.wanted]
        if part.stage is Stage.ENLARGE:  # nor whose latents it enlarges
            fitting = [one for one in fitting if _is_meant(one, part, model)]
        if not fitting:
            if not part.optional:
                missing.append(_lack(model, part, able))
            continue
        taken, why = _best(model, part, fitting)
        found[part.name] = taken.weights
        others = " or ".join(sorted(o.weights.name for o in fitting if o is not taken))
        said = f"{taken.weights.name} is its {part.title}"
        notes.append(f"{said}, not {others}: {why}" if others else said)
    if missing:
        raise UnusableWeights(
            model.name,
            f"a checkpoint without its {'; its '.join(missing)}; each may be a file of its own in "
            "a model folder",
        )
    unknown = sorted(set(model.wanted) - {weights.name for weights in found.values()})
    if unknown:
        raise UnusableWeights(
            model.name,
            f"its card's component {unknown[0]!r:.60} is not here, or is none of its parts",
        )
    vae = found.pop(model.architecture.vae.name, None)
    larger = [found.pop(one.name, None) for one in model.architecture.at(Stage.ENLARGE)]
    return Companions(
        components=tuple(found.values()),
        vae=vae,
        enlarger=next(iter(larger), None),
        note="; ".join(notes),
    )


def _is_meant(one: Component, part: Part, model: Incomplete) -> bool:
    """Whether a file is said to be that part of this model: its card, or its name says it."""
    if one.family in FAMILIES:
        return part in FAMILIES[one.family].architecture.parts
    return one.weights.name in model.wanted or _is_called(one, part, model)


def _misfit(model: Incomplete, part: Part, one: Component) -> str | None:
    """Why a file is no part of this checkpoint."""
    if part is model.architecture.vae and one.family in FAMILIES:
        theirs = FAMILIES[one.family]
        if theirs.architecture.vae is not part:
            return f"its card says that it is of {theirs.title}"
    denoiser = model.architecture.denoiser.name
    configs = {**model.others, denoiser: model.config, part.name: one.fills[part.kind]}
    return model.architecture.fits(configs)


def _lack(model: Incomplete, part: Part, able: Sequence[Component]) -> str:
    """What is missing, what it is usually called, and why what is there is not it."""
    usual = part.usual_file(model.config)
    called = f"{part.title}: {usual}" if usual else part.title
    odd = [f"{one.weights.name} does not fit: {_misfit(model, part, one)}" for one in able]
    return f"{called} ({'; '.join(odd)})" if odd else called


def _best(model: Incomplete, part: Part, fitting: Sequence[Component]) -> tuple[Component, str]:
    """Which of them is taken, and why."""
    wanted = [one for one in fitting if one.weights.name in model.wanted]
    if wanted:
        return min(wanted, key=_rank), "its card says so"
    if part.stage is Stage.ENLARGE:
        return max(fitting, key=lambda one: one.weights.name), "the last by its name"
    if part is model.architecture.vae:
        carded = [one for one in fitting if one.family]
        if carded:
            return min(carded, key=_rank), "its card names the family"
        usual = [one for one in fitting if _is_called(one, part, model)]
        if usual:
            return min(usual, key=_rank), "it is called as usual"
    plain = [one for one in fitting if part.kind not in one.besides]
    if plain and len(plain) < len(fitting):
        return min(plain, key=_rank), "it holds nothing else"
    best = min(fitting, key=_rank)
    same = sum(one.size_bytes == best.size_bytes for one in fitting)
    return best, "it is the largest" if same == 1 else "the first by its name of the largest"


def _rank(one: Component) -> tuple[int, str, str]:
    return -one.size_bytes, one.weights.name, one.weights.sha256


def _is_called(one: Component, part: Part, model: Incomplete) -> bool:
    usual = part.usual_file(model.config).removesuffix(".safetensors")
    return bool(usual) and usual.casefold() in one.file.casefold()

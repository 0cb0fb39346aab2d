"""The family whose layers a LoRA changes.

Where the layers alone leave it open (both families have such a text encoder), the spelling and what
the trainer wrote into the metadata decide; where nothing does, the owner is asked for a card.
"""

from __future__ import annotations

from collections.abc import Mapping

from generation.catalog.embeddings import family_of_words
from generation.catalog.loras.layers import SHAPED, layers_of
from generation.catalog.loras.plan import LayerChange, LoraPlan, Shapes
from generation.errors import UnknownWeights, UnusableWeights
from generation.families.architecture import Stage


def family_of(plan: LoraPlan, shapes: Shapes, metadata: Mapping[str, str], name: str) -> str:
    """The LoRA's family.  Raises UnusableWeights, and UnknownWeights where a card could tell."""
    if plan.family:
        return plan.family
    fitting = [f for f in SHAPED if not _misfits(plan, f)]
    of_words = {
        family_of_words({key: shapes[key] for key in keys}, keys, name)
        for keys in plan.words.values()
    }
    if of_words and plan.changes:
        fitting = [family for family in fitting if family in of_words]
    elif of_words:
        fitting = sorted(of_words)
    if len(fitting) == 1:
        return fitting[0]
    if not fitting:
        raise _stranger(plan, name)
    return _said(plan, metadata, fitting, name)


def _misfits(plan: LoraPlan, family: str) -> list[LayerChange]:
    layers = layers_of(family)
    none: tuple[int, ...] = (0,)
    return [
        change
        for change in plan.changes
        if not change.form.fits(layers.get(change.part, {}).get(change.path, none))
    ]


def _said(plan: LoraPlan, metadata: Mapping[str, str], fitting: list[str], name: str) -> str:
    """Which of several it is."""
    for key in ("modelspec.architecture", "ss_base_model_version"):
        said = metadata.get(key, "").casefold()
        named = {
            begin: family
            for family in fitting
            for begin in SHAPED[family].trainers_names
            if said.startswith(begin)
        }
        if named:
            return named[max(named, key=len)]
    fitting = [family for family in fitting if SHAPED[family].elder not in fitting]
    if len(fitting) == 1:
        return fitting[0]
    # kohya numbers the text encoders only where there are two, and calls a UNet's layers by
    # CompVis' names only in SDXL.
    encoders = {family: len(SHAPED[family].at(Stage.ENCODE)) for family in fitting}
    if "lora_te1" in plan.prefixes or plan.compvis:
        return max(encoders, key=encoders.__getitem__)
    if all(change.part == "text_encoder" for change in plan.changes):
        return min(encoders, key=encoders.__getitem__)
    raise UnknownWeights(name, f"a LoRA whose few layers are in {' and '.join(fitting)} alike")


def _stranger(plan: LoraPlan, name: str) -> UnusableWeights:
    nearest = min(SHAPED, key=lambda family: len(_misfits(plan, family)))
    misfits = _misfits(plan, nearest)
    if not misfits:
        return UnknownWeights(name, "a LoRA with an embedding of another family")
    odd = misfits[0]
    columns = odd.form.inner or 1
    more = f" ({len(misfits) - 1} more)" if len(misfits) > 1 else ""
    return UnknownWeights(
        name,
        f"a LoRA for no family known here: its {odd.path} is {odd.form.out}x{columns}{more}",
    )

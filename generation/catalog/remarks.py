"""What the owner of a file may want to know of what it was taken for.

Invariant: nothing is said where a card says it, or where the tensors leave one answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from generation.catalog.recognition import Anatomy
from generation.families.family import ARCHITECTURES, FAMILIES


def remark_on(anatomy: Anatomy, said: str | None) -> str:
    """What a file may also be, and how that is told; `said`: the family that its card names."""
    if said is not None:
        return ""
    if anatomy.kind == "checkpoint":
        return _of_checkpoint(anatomy.family)
    return _of_vae(anatomy) if anatomy.kind == "vae" else ""


def _of_checkpoint(family: str) -> str:
    others = FAMILIES[family].architecture.alike.get(family, ())
    if not others:
        return ""
    titles = _listed([FAMILIES[other].title for other in others])
    keys = _listed([f'family = "{other}"' for other in others], "or")
    has = "has" if len(others) == 1 else "have"
    mine = FAMILIES[family].title
    return f"by its tensors {mine}, and {titles} {has} the same: a card says ({keys})"


def _of_vae(anatomy: Anatomy) -> str:
    """Architectures whose VAEs have the same shapes, and other numbers."""
    owners = [one for one in ARCHITECTURES if not one.borrows]
    kinds = {one.vae.kind: FAMILIES[one.family] for one in reversed(owners)}
    whose = [family for kind, family in reversed(kinds.items()) if kind in anatomy.fills]
    if len(whose) < 2:
        return ""
    titles = _listed([family.title for family in whose], "or")
    return f'by its tensors the VAE of {titles}: a card says whose (family = "{whose[0].name}")'


def _listed(names: Sequence[str], word: str = "and") -> str:
    *most, last = names
    return f"{', '.join(most)} {word} {last}" if most else last

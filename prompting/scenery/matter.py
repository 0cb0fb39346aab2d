"""What a thing is made of: an origami crane has no feathers, a teapot like an elephant no hide.

    "a crane made of paper"             ▶ the crane is of paper
    "a teapot shaped like an elephant"  ▶ the elephant is a shape only

The invariant: a thing without such a word is of what its kind is of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

Matters = Mapping[tuple[int, int], frozenset[str]]  # where words of matter stand, and of which

# Between the matter and its thing, in either order; "of" only where the matter is a likeness.
_BEFORE = re.compile(r"[\s-]+(?:(?:little|small|tiny|big|giant|old|cute)\s+)?$", re.I)
_LIKENESS = re.compile(
    r"s?\s+(?:toys?\s+)?of\s+(?:(?:an?|the|my|his|her|two)\s+)?(?:[\w-]+\s+)?$", re.I
)
_AFTER = re.compile(
    r"\b(?:made|built|carved|sculpted|woven|folded|formed|cut|cast|moulded|molded|blown|fashioned"
    r"|constructed|sewn|crafted)\s+(?:entirely\s+|only\s+|completely\s+)?"
    r"(?:out\s+of|from|of|in|with)\s+(?:an?\s+)?(?:[\w-]+\s+){0,2}$",
    re.I,
)
_BEHIND = re.compile(r"^(?:s|es)?[\s-]+$")
_MADE_ZH = re.compile(r"^(?:做成?的?|制成?的?|制作的|雕成?的?|编的?|折的?|的|雕刻的)?(?:小|大)?$")
_SHAPED = re.compile(
    r"\b(?:(?:shaped|formed|looks?|looking|decorated|styled)\s+(?:like|as)|resembling"
    r"|in\s+the\s+(?:shape|form|style)\s+of|dressed\s+(?:up\s+)?as|disguised\s+as)"
    r"\s+(?:(?:an?|the|some)\s+)?(?:[\w-]+\s+){0,1}$",
    re.I,
)
_SHAPED_BY = re.compile(r"^(?:-|\s)?shaped\b|^(?:形状的?|形的|样子的|造型的?)")
_LIKE = frozenset({"drawnlike", "carved", "wooden", "metal", "clayish"}) | {
    *("toyish", "folded", "glassy", "icy_made", "knit")
}
_LIVING_FORMS = re.compile(r"\b(?:statue|sculpture|figurine|toy|plush|doll|tattoo|puppet)s?\b")


def shape_only(text: str, start: int, end: int) -> bool:
    """Whether a thing of the text is only a shape: the elephant that a teapot looks like."""
    return bool(_SHAPED.search(text[:start]) or _SHAPED_BY.match(text[end:]))


def matter(text: str, start: int, end: int, words: Matters) -> frozenset[str]:
    """What the thing between two places of the text is made of, by where the matters stand."""
    for (at, till), kinds in sorted(words.items()):
        if at >= end:
            behind = text[end:at]
            form = _LIVING_FORMS.match(text[at:till].lower()) and _BEHIND.match(behind)
            if form or _AFTER.search(behind):
                return kinds
            continue
        between = text[till:start]
        inside = at >= start
        zh = not text[at:till].isascii() and _MADE_ZH.match(between)
        likeness = kinds & _LIKE and _LIKENESS.match(between)
        if inside or zh or likeness or _BEFORE.match(between):
            return kinds
    return frozenset()

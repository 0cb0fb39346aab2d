"""What people read where the best of several pictures was asked for.

Pure.  Invariant: a picture is called the best only of those that have a score by the same scorer.
"""

from __future__ import annotations

from bot.dispatch.audience import Outcome
from bot.languages.amounts import listed
from bot.languages.speaking import mark, tr
from storage.pictures import StoredPicture

UNSCORED = mark("I could not tell which of them fits best: choose yourself.")


def best_line(outcome: Outcome) -> str:
    """Which picture is the best, and how well it fits; nothing where nobody asked."""
    if outcome.request.scorer is None or not outcome.pictures:
        return ""
    scored = [picture for picture in outcome.pictures if picture.score is not None]
    if not scored:
        return tr(UNSCORED)
    best = max(scored, key=_value)
    others = listed(f"#{one.id} {_value(one):.2f}" for one in scored if one is not best)
    rest = f" ({others})" if others else ""
    said = tr(
        "⭐ #{number} is the best of {count}: {score}",
        number=best.id,
        count=len(scored),
        score=f"{_value(best):.2f}",
    )
    return f"{said}{rest}"


def scored(picture: StoredPicture) -> str:
    """The score of one picture in a menu; nothing without one."""
    return f"{_value(picture):.2f}" if picture.score is not None else ""


def _value(picture: StoredPicture) -> float:
    return picture.score.value if picture.score is not None else float("-inf")

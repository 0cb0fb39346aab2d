"""Recipes of films that have a sound: those of LTX-2 and 2.3."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from generation.draft import complete
from generation.recipe import Recipe, needed
from tests.given.builders import a_draft, a_model, changed
from tests.given.stock_films import a_film

LEVELS: dict[str, Any] = {"sigmas": (1.0, 0.7, 0.3, 0.0), "steps": 3}


def a_heard_film(name: str = "ltx-2", **changes: Any) -> Recipe:
    """A recipe of a small film and its sound."""
    film = a_film(name, **LEVELS | changes)
    asked = changed(a_draft("x"), frames=9, fps=needed(film.motion).fps)
    sound = needed(complete(asked, a_model(family=name), seed=1, device="cpu").sound)
    return replace(film, sound=replace(sound, seconds=needed(film.motion).seconds))

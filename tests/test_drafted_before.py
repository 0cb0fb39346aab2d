"""Every wish becomes the recipes that it became before what fills a gap was one fold.

`tests/data/drafted.json` holds 400 random wishes, each with a person's settings and perhaps a
picture that it changes, and what was answered to them by the code that looked each default up
where it happened to stand: the beginnings of the recipes' ids, or the name of the error.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.cli.direct import console
from bot.studio.layers import Around
from bot.studio.wishes import Counting, Wish
from generation.errors import Unacceptable
from generation.recipe import Adapter, Input, Sha256, parse
from storage.people import Preferences, SeedMode
from tests.given.builders import a_draft
from tests.given.drafting import a_drafting, a_parent, liking, weights

RECORDED = json.loads((Path(__file__).parent / "data" / "drafted.json").read_text())
PARENTS = [parse(json.dumps(recipe)) for recipe in RECORDED["parents"]]
CASES: Sequence[tuple[dict[str, Any], object]] = RECORDED["cases"]
AT_ONCE = 50

START = Input(role="init", sha256=Sha256("1" * 64), fit="cover")


@pytest.mark.parametrize("first", range(0, len(CASES), AT_ONCE))
async def test_every_wish_becomes_the_recipes_it_became_before(first: int) -> None:
    for number, (case, before) in enumerate(CASES[first : first + AT_ONCE], first):
        assert await answer(case) == before, f"case {number}: {case}"


def test_what_was_recorded_tries_every_way_that_a_gap_is_filled() -> None:
    refused = {before for _, before in CASES if isinstance(before, str)}
    assert refused == {"OutOfRange", "NoSuchName", "WrongFamily"}
    said = {name for case, _ in CASES for name in (*case, *case["said"])}
    liked = {name for case, _ in CASES for name in case["mine"]}
    assert said >= {"model", "vae", "size", "count", "seed", "parent", "start", "lora", "clip_skip"}
    assert liked >= {"model", "vae", "width", "count", "seed_mode", "scheduler", "negative_prompt"}
    assert sum(isinstance(before, list) for _, before in CASES) > 300


async def answer(case: Mapping[str, Any]) -> object:
    """The beginnings of the ids of what the wish becomes, or the name of the error."""
    # Anew for each: a fresh seed is the first throw of the dice.
    drafting = a_drafting(RECORDED["models"], default="photo")
    try:
        drafted = await drafting.draft(a_wish(case), liked(case["mine"]), device=case["device"])
    except Unacceptable as error:
        return type(error).__name__
    return [recipe.id[3:19] for recipe in drafted.recipes]


def a_wish(case: Mapping[str, Any]) -> Wish:
    lora = case.get("lora")
    inked = (
        Adapter(kind="lora", weights=weights(lora), strength=0.7, control=None) if lora else None
    )
    draft = a_draft(
        prompt=case["prompt"],
        inputs=(START,) if case.get("start") else (),
        adapters=(inked,) if inked else (),
        **case["said"],
    )
    return Wish(
        origin=console(),
        draft=draft,
        model=case.get("model"),
        vae=case.get("vae"),
        size=case.get("size"),
        count=case.get("count"),
        seed=case.get("seed"),
        parent=a_parent(PARENTS[case["parent"]]) if "parent" in case else None,
    )


def liked(mine: Mapping[str, Any]) -> Around:
    said = dict(mine)
    mode = SeedMode(said.pop("seed_mode", "randomize"))
    counting = Counting(mode=mode, last=said.pop("last_seed", None))
    return liking(Preferences(**said), counting)

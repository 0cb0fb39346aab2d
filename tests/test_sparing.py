"""What an edit hardly changed is the old picture again, bit for bit, and nobody needs a mask."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from bot.pages.differences import change_of
from generation.draft import said, usual_sparing
from generation.errors import OutOfRange
from generation.media.sparing import changed_area, spared
from generation.recipe import Recipe, Sparing, canonical, dump, parse
from generation.tasks import Task
from generation.trials.preservation import preservation
from tests.given.builders import a_recipe, a_recipe_of

HOW = usual_sparing(96, 96)
EDIT = a_recipe_of(Task.EDIT)
SPARED = replace(EDIT, sparing=HOW)


def scene() -> np.ndarray:
    """A plain picture with soft noise, so that a copied pixel is told from a guessed one."""
    dice = np.random.default_rng(5)
    rough = np.full((96, 96, 3), (200, 190, 90)) + dice.integers(-3, 4, (96, 96, 3))
    return np.asarray(rough, dtype=np.uint8)


def drifted(old: np.ndarray) -> np.ndarray:
    """The same in a shade that is a little off: 4 delta E."""
    return np.asarray(np.clip(old.astype(int) + np.array([6, -2, 5]), 0, 255), dtype=np.uint8)


def edited(old: np.ndarray, size: int = 40) -> np.ndarray:
    """One in a drifted shade with a blue square in the middle."""
    new = drifted(old).copy()
    low = 48 - size // 2
    new[low : low + size, low : low + size] = (30, 40, 220)
    return new


def shown(old: np.ndarray, new: np.ndarray, how: Sparing = HOW) -> np.ndarray:
    before = Image.fromarray(old)
    return np.asarray(spared(before, before, Image.fromarray(new), how))


def test_a_shade_that_drifts_is_copied_and_what_changed_stays_as_drawn() -> None:
    old = scene()
    new = edited(old)
    found = shown(old, new)
    assert preservation(Image.fromarray(old), Image.fromarray(new)).drift > 2
    after = preservation(Image.fromarray(old), Image.fromarray(found))
    assert after.drift == 0.0
    away = np.ones((96, 96), dtype=bool)
    away[20:76, 20:76] = False
    assert (found[away] == old[away]).all()
    assert (found[34:62, 34:62] == new[34:62, 34:62]).all()


def test_outside_of_the_changed_area_every_pixel_is_the_old_one_and_the_edge_is_soft() -> None:
    old = scene()
    new = edited(old)
    area = changed_area(Image.fromarray(old), Image.fromarray(new), HOW)
    found = shown(old, new)
    assert (found[~area] == old[~area]).all()
    rim = area & (found != new).any(axis=-1)
    assert 0 < rim.sum() < area.sum() / 2
    softer = shown(old, new, replace(HOW, soft=4.0))
    assert (softer != found).any()


def test_specks_are_no_change_and_pinholes_no_rest() -> None:
    old = scene()
    speck = edited(old)
    speck[4:6, 4:6] = (120, 120, 60)
    assert (shown(old, speck)[:12, :12] == old[:12, :12]).all()
    hole = edited(old)
    hole[47:49, 47:49] = old[47:49, 47:49]
    area = changed_area(Image.fromarray(old), Image.fromarray(hole), HOW)
    assert area[40:56, 40:56].all()


@pytest.mark.parametrize("size", [0, 80, 96])
def test_where_nothing_clearly_differs_or_nearly_all_it_stays_as_drawn(size: int) -> None:
    old = scene()
    new = edited(old, size)
    assert (shown(old, new) == new).all()


def test_what_is_lost_on_the_way_to_the_drawn_size_is_no_change() -> None:
    old = np.zeros((96, 96, 3), dtype=np.uint8)
    old[::2] = 255
    seen = np.full((96, 96, 3), 128, dtype=np.uint8)
    new = edited(seen)
    before, looked_at, drawn = (Image.fromarray(one) for one in (old, seen, new))
    found = np.asarray(spared(before, looked_at, drawn, HOW))
    assert (found[:16] == old[:16]).all()
    assert (found[40:56, 40:56] == new[40:56, 40:56]).all()


def test_a_recipe_without_it_keeps_its_text_and_id() -> None:
    assert "sparing" not in json.loads(dump(EDIT))
    assert "sparing" not in json.loads(canonical(EDIT))
    assert parse(dump(EDIT)) == EDIT
    assert parse(dump(SPARED)) == SPARED
    assert said(SPARED).sparing == HOW
    others: list[Recipe] = [
        replace(SPARED, sparing=replace(HOW, **{name: value}))
        for name, value in (("within", 9.0), ("soft", 3.0), ("most", 0.5))
    ]
    assert len({one.id for one in (EDIT, SPARED, *others)}) == 5


def test_it_is_for_edits_alone_and_within_bounds() -> None:
    with pytest.raises(OutOfRange) as refused:
        replace(a_recipe(), sparing=HOW)
    assert refused.value.what == "sparing"
    for wrong in ({"within": -1.0}, {"within": 8}, {"soft": 1000.0}, {"most": 1.5}):
        with pytest.raises(OutOfRange):
            replace(HOW, **wrong)


def test_two_edits_that_differ_in_it_alone_are_told_apart() -> None:
    assert change_of(EDIT, SPARED).startswith("unchanged within")
    assert change_of(SPARED, EDIT).startswith("all of it as drawn")

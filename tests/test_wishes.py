"""Whose settings apply, which seeds, which size."""

from __future__ import annotations

import pytest

from bot.studio.wishes import Counting, seeds, shape, sized
from generation.errors import OutOfRange
from generation.families.family import FAMILIES
from generation.families.sizes import fit
from storage.people import SeedMode
from tests.given.builders import a_draft

STARTER = FAMILIES["starter"]


@pytest.mark.parametrize(
    ("mode", "last", "count", "expected"),
    [
        (SeedMode.RANDOMIZE, 5, 2, (99, 100)),
        (SeedMode.INCREMENT, 5, 2, (6, 7)),
        (SeedMode.DECREMENT, 5, 2, (3, 4)),
        (SeedMode.FIXED, 5, 2, (5, 6)),
        (SeedMode.FIXED, None, 1, (99,)),
        (SeedMode.DECREMENT, 0, 1, (2**32 - 1,)),
    ],
)
def test_the_seed_mode_decides_where_the_next_seed_comes_from(
    mode: SeedMode, last: int | None, count: int, expected: tuple[int, ...]
) -> None:
    assert seeds(None, count, Counting(mode=mode, last=last), lambda: 99) == expected


def test_counting_up_and_down_never_draws_the_same_seed_twice() -> None:
    for mode in (SeedMode.INCREMENT, SeedMode.DECREMENT):
        counting = Counting(mode=mode, last=1000)
        seen: list[int] = []
        for count in (1, 4, 2):
            used = seeds(None, count, counting, lambda: 0)
            seen += used
            counting = counting.after(used)
        assert len(set(seen)) == len(seen)


def test_a_named_seed_wins_and_must_be_one() -> None:
    assert seeds(7, 3, Counting(mode=SeedMode.FIXED, last=1), lambda: 0) == (7, 8, 9)
    with pytest.raises(OutOfRange):
        seeds(-2, 1, Counting(), lambda: 0)


@pytest.mark.parametrize("text", ["64x96", " 64 X 96 ", "64×96", "64*96"])
def test_a_size_can_be_written_as_people_write_it(text: str) -> None:
    draft = sized(a_draft(prompt="a"), text, STARTER)
    assert (draft.canvas.width, draft.canvas.height) == (64, 96)


@pytest.mark.parametrize("text", ["", "x", "64x", "0:1", "a:b", "64x96x3"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(OutOfRange):
        sized(a_draft(prompt="a"), text, STARTER)


@pytest.mark.parametrize("family", [f for f in FAMILIES.values() if f.sized], ids=lambda f: f.name)
@pytest.mark.parametrize("ratio", [(1, 1), (2, 3), (16, 9), (1, 99), (99, 1)])
def test_every_shape_is_on_the_grid_and_of_about_the_native_area(
    family: object, ratio: tuple[int, int]
) -> None:
    known = FAMILIES[getattr(family, "name")]  # noqa: B009  # parametrised as object
    width, height = shape(known, *ratio)
    assert width % known.grid == height % known.grid == 0
    assert fit(width, height, known)
    assert width * height <= 1.2 * known.width * known.height

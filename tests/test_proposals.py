"""Three ways to say a wish: other composition and light in each, and another style in one."""

from __future__ import annotations

from itertools import pairwise

import pytest

from prompting.assist import Assistant, Assisted
from prompting.speaking.added import seen
from tests.given.scripted_writer import ScriptedWriter

WISHES = (
    *("a lighthouse", "an old fisherman mending nets", "a red sports car", "a bowl of ramen"),
    *("two cats on a sofa", "a castle at night", "a knight in the rain", "a field of tulips"),
)


async def proposed(wish: str, dialect: str, seed: int = 3) -> tuple[Assisted, ...]:
    assistant = Assistant(ScriptedWriter(placeholders=6))
    return await assistant.propose(wish, dialect=dialect, seed=seed)


@pytest.mark.parametrize("dialect", ["sd15", "sdxl", "illustrious", "flux1"])
async def test_proposals_share_no_addition_and_one_is_in_another_style(dialect: str) -> None:
    shared = 0
    for wish in WISHES:
        found = await proposed(wish, dialect)
        assert len(found) == 3
        assert [bool(each.style) for each in found] == [False, False, True]
        added = [frozenset(each.added) for each in found]
        assert all(added)
        shared += sum(len(one & other) for one, other in pairwise(added))
    assert shared <= len(WISHES), "at most one phrase of a dozen stands in two proposals"


@pytest.mark.parametrize("wish", ["a lighthouse, watercolor", "ink wash painting of a crane"])
async def test_where_a_style_is_said_all_three_keep_it(wish: str) -> None:
    found = await proposed(wish, "sd15")
    assert len({seen(each.prompt) for each in found}) == 3
    assert not any(each.style for each in found)


async def test_another_seed_offers_other_styles_and_the_same_seed_the_same_words() -> None:
    styles = {(await proposed("a lighthouse", "sd15", seed))[2].style for seed in range(12)}
    assert len(styles) >= 3
    once, again = [await proposed("a lighthouse", "flux1", 5) for _ in range(2)]
    assert [each.prompt for each in once] == [each.prompt for each in again]

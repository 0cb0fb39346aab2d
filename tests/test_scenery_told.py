"""What the built-in assistant adds comes from the grammar of scenes, in the form of the dialect."""

from __future__ import annotations

import pytest

from prompting.assist import Assistant, Assisted
from prompting.reading.prose import length
from prompting.writers.cache import Memory
from tests.given.scripted_writer import ScriptedWriter
from tests.given.words import DETAILS, detailed


async def told(wish: str, dialect: str, *, style: str | None = None, seed: int = 1) -> Assisted:
    writer = ScriptedWriter([detailed], placeholders=6)
    return await Assistant(writer, cache=Memory(0)).assist(
        wish, dialect=dialect, seed=seed, style=style
    )


@pytest.mark.parametrize("dialect", ["sd3", "flux1", "flux2", "z-image"])
async def test_a_dialect_of_prose_gets_forty_to_eighty_words(dialect: str) -> None:
    for seed in range(6):
        prompt = (await told("a lighthouse", dialect, seed=seed)).prompt
        assert prompt.startswith("A lighthouse. ")
        assert 40 <= length(prompt) <= 80


async def test_a_chosen_style_decides_what_is_said_of_its_medium() -> None:
    prompts = [
        (await told("a fox", "flux1", style="watercolor", seed=seed)).prompt for seed in range(10)
    ]

    assert not any(word in text for text in prompts for word in ("lens", "Photograph", "bokeh"))


async def test_what_the_small_writer_adds_itself_is_not_taken() -> None:
    answer = await told("a fox", "sd15")

    assert answer.slots is not None
    assert not set(DETAILS) & set(answer.slots.details)
    assert len(answer.slots.details) >= 4

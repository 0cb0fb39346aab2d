"""Twelve replies in a row, as somebody says them: each changes what it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from generation.recipe import needed
from generation.tasks import Task
from tests.given.apps import a_studio
from tests.given.discord_world import pictures
from tests.given.results import is_result, recipe_of


async def test_a_conversation_of_twelve_turns(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann

        async def turn(words: str, to: Any, seen: Any = is_result) -> Any:
            asked = await ann.say(words, reply_to=to)
            return await ann.sees(seen, after=asked)

        await ann.command("imagine", prompt="a red flower", seed="7", count=2)
        first = await ann.sees(is_result)
        second = await turn("2: make it blue", first)
        assert (await recipe_of(second)).described == "a blue flower"
        third = await turn("at night", second)
        assert "night" in (await recipe_of(third)).described
        assert "blue flower" in (await recipe_of(third)).described
        back = await turn("undo", third, "Back to #3")
        assert await pictures(back) == await pictures(second)
        styled = await turn("as pixel art", back)
        assert "pixel art" in (await recipe_of(styled)).prompt
        assert "a blue flower" in (await recipe_of(styled)).prompt
        more = await turn("--steps 12", styled)
        before, after = await recipe_of(styled), await recipe_of(more)
        assert needed(after.sampling).steps != needed(before.sampling).steps
        assert (after.prompt, after.seed, after.inputs) == (
            *(before.prompt, before.seed),
            before.inputs,
        )
        rolled = await turn("again", more)
        assert (await recipe_of(rolled)).seed != after.seed
        await turn("seed?", rolled, "seed ")
        varied = await turn("a subtle variation", rolled)
        assert (await recipe_of(varied)).variations
        wider = await turn("zoom out", varied)
        assert (await recipe_of(wider)).task is Task.OUTPAINT
        await turn("change it", wider, "What should change?")
        larger = await turn("bigger", varied)
        assert (await recipe_of(larger)).task is Task.UPSCALE
        whole = await turn("a red boat at sea", second)
        assert (await recipe_of(whole)).described == "a red boat at sea"
        assert not studio.world.faults

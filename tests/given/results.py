"""What people see of a result in the simulated Discord, and what lies in it."""

from __future__ import annotations

from typing import Any

import discord

from generation.media import image
from generation.recipe import Recipe
from tests.given.discord_world import buttons, pictures
from tests.given.waiting import eventually


def labels(message: Any) -> list[str]:
    """What stands on its buttons."""
    return [b.label or "" for b in buttons(message)]


def is_result(message: Any) -> bool:
    """Whether it shows finished pictures."""
    return bool(message.attachments) and "Again" in labels(message)


def number_of(message: Any, place: int) -> str:
    """What is chosen for the picture at that place: its number, which pictures get as stored."""
    value: str = message.components[0].children[0].options[place - 1].value
    return value


async def recipe_of(message: Any) -> Recipe:
    """The recipe in its first picture."""
    recipe = image.recipe_in((await pictures(message))[0])
    assert recipe is not None
    return recipe


async def prompts_of(message: discord.Message) -> list[str]:
    """The words of all its pictures."""
    found = [image.recipe_in(png) for png in await pictures(message)]
    return [recipe.prompt for recipe in found if recipe is not None]


async def answers(result: Any) -> list[str]:
    """What the bot said to that, as soon as it has said it."""

    def said() -> list[str]:
        shown = [result.response, *result.followups]
        texts = [m.content for m in shown if m is not None and m.content]
        return [text.partition("\nWhat you typed")[0] for text in texts]

    await eventually(lambda: said() or result.modal or result.autocomplete_choices is not None)
    return [*said(), *(["a form"] if result.modal else [])]

"""What autocomplete offers where an option takes several values: what was typed before the last
separator stays, and the last value is completed; ranges are offered as they are spelled.

Invariant: whatever can be chosen is read by `bot.studio.axes` as it stands.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

import discord
from discord import app_commands

from bot.chat.commands import choices
from bot.chat.commands.choices import LETTERS, MOST, Choices
from bot.studio.axes import ALL, NONE
from generation.families.model_family import Family

Interaction = discord.Interaction[Any]
Complete = Callable[[Interaction, str], Coroutine[Any, Any, Choices]]
C = TypeVar("C", bound=Callable[..., object])

_LAST = re.compile(r"(.*[,;|])?\s*(.*)", re.DOTALL)


def each(complete: Complete, *words: str) -> Complete:
    """Completes the last of several values as one is completed; `words` mean something as well."""

    async def completed(interaction: Interaction, typed: str) -> Choices:
        before, last = (part or "" for part in _LAST.fullmatch(typed).groups())  # type: ignore[union-attr]  # it fits all
        kept = f"{before} " if before else ""
        whole = [] if before else [word for word in words if last.lower() in word]
        found = [*_plain(whole), *await complete(interaction, last)]
        return [
            app_commands.Choice(name=f"{kept}{one.name}"[:LETTERS], value=f"{kept}{one.value}")
            for one in found
            if len(f"{kept}{one.value}") <= LETTERS
        ][:MOST]

    return completed


def such_as(lists: Callable[[Family], Iterable[str]]) -> Complete:
    """Lists of numbers that are worth a look for the model's family; others may be typed."""

    async def completed(interaction: Interaction, typed: str) -> Choices:
        family = await choices.family_of(interaction)
        offered = list(dict.fromkeys(filter(None, lists(family))))
        fits = (
            [one for one in offered if one.startswith(typed.strip())] if typed.strip() else offered
        )
        return _plain([*([typed[:LETTERS]] if typed.strip() and not fits else []), *fits])

    return completed


def _plain(values: Iterable[str]) -> Choices:
    return [app_commands.Choice(name=value, value=value) for value in values]


def _steps(family: Family) -> Iterable[str]:
    usual = family.steps
    few = max(1, usual // 4)
    return f"{few}, {2 * few}, {usual}", f"{usual}, {2 * usual}", f"{few}-{usual} step {few}"


def _cfg(family: Family) -> Iterable[str]:
    usual = family.cfg
    if usual <= 1:
        return "1, 1.5, 2", "1-4"
    return f"{usual / 2:g}, {usual:g}, {usual * 1.5:g}", "2-8 step 2", "1, 3, 5, 7, 9"


_OFFERED: dict[str, Complete] = {
    "model": each(choices.models, ALL),
    "style": each(choices.styles, NONE),
    "sampler": each(choices.samplers),
    "scheduler": each(choices.schedulers, ALL),
    "vae": each(choices.vaes, ALL),
    "size": each(choices.sizes),
    "lora": each(choices.loras, NONE),
    "steps": such_as(_steps),
    "cfg": such_as(_cfg),
    "seed": such_as(lambda _: ("4 random", "9 random", "1, 2, 3", "1-9")),
    "denoise": such_as(lambda _: ("0.3, 0.5, 0.7", "0.2-0.8 step 0.2", "0.1-0.9 step 0.1")),
    "guidance": such_as(lambda _: ("2, 3.5, 5", "1-5")),
    "shift": such_as(lambda _: ("1, 3, 5", "1-5")),
    "clip_skip": such_as(lambda _: ("1, 2", "1-4")),
    "assist": such_as(lambda _: ("off, on", "on", "auto")),
}


def offered(callback: C) -> C:
    """The command's function, with such choices for each of its options that has some."""
    known = inspect.signature(callback).parameters.keys() & _OFFERED.keys()
    return app_commands.autocomplete(**{name: _OFFERED[name] for name in known})(callback)

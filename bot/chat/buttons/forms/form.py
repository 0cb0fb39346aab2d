"""A form: how it is shown, and what was written into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord

from generation.errors import OutOfRange
from generation.parameters import DENOISE, AmountParameter

Interaction = discord.Interaction[Any]

MOST_LETTERS = 4000  # of a field: Discord's own limit
DENOISE_ENDS = {"low": f"{DENOISE.low:g}", "high": f"{DENOISE.high:g}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """A line, or several, to write into."""

    name: str
    label: str  # at most 45 letters
    hint: str = ""  # at most 100
    value: str = ""  # what stands there already
    example: str = ""  # in grey, where nothing stands
    several_lines: bool = False
    needed: bool = False
    longest: int = MOST_LETTERS
    choices: tuple[tuple[str, str], ...] = ()  # (what is read, what is meant): a list instead


def form(title: str, custom_id: str, fields: Sequence[FormField]) -> discord.ui.Modal:
    """The form, to be sent.  discord.py does not remember it."""
    modal = discord.ui.Modal(title=title, custom_id=custom_id, timeout=None)
    for field in fields:
        part = _list(field) if field.choices else _line(field)
        modal.add_item(
            discord.ui.Label(text=field.label, description=field.hint or None, component=part)
        )
    modal.stop()
    return modal


def _line(field: FormField) -> discord.ui.TextInput[Any]:
    return discord.ui.TextInput(
        custom_id=field.name,
        style=discord.TextStyle.paragraph if field.several_lines else discord.TextStyle.short,
        default=field.value or None,
        placeholder=field.example or None,
        required=field.needed,
        max_length=field.longest,
    )


def _list(field: FormField) -> discord.ui.Select[Any]:
    options = [
        discord.SelectOption(label=label, value=value, default=value == field.value)
        for label, value in field.choices
    ]
    return discord.ui.Select(custom_id=field.name, options=options, required=field.needed)


def written_in(interaction: Interaction) -> Mapping[str, str]:
    """What was written into each field of a form that came in, or chosen in it."""
    data: Any = interaction.data or {}
    return dict(_written(data.get("components", ())))


def _written(components: Any) -> Iterator[tuple[str, str]]:
    for part in components:
        inner = part.get("components") or filter(None, [part.get("component")])
        yield from _written(inner)
        if "value" in part:
            yield part["custom_id"], part["value"] or ""
        elif part.get("values"):
            yield part["custom_id"], part["values"][0]


def number_written(name: str, typed: Mapping[str, str], row: AmountParameter) -> float | None:
    """The number that a field holds; None where nothing stands in it.  Raises OutOfRange."""
    text = typed.get(name, "").strip()
    if not text:
        return None
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise OutOfRange(name, text, f"a number from {row.range}") from None

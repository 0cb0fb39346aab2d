"""Amounts: numbers and lists as the reader's language writes them, by Babel's tables."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce

from babel import numbers
from babel.lists import format_list

from bot.languages.catalogues import babel_locale
from bot.languages.speaking import spoken


def number(value: float) -> str:
    """A number with its thousands apart: 1,234."""
    return numbers.format_decimal(value, locale=babel_locale(spoken()))


def listed(names: Iterable[str]) -> str:
    """One after the other: a, b, c."""
    pattern: str = babel_locale(spoken()).list_patterns["standard"]["middle"]
    return reduce(pattern.format, names) if (names := list(names)) else ""


def all_of(names: Iterable[str]) -> str:
    """Each of them: a, b, and c."""
    return format_list(list(names), locale=babel_locale(spoken()))


def one_of(names: Iterable[str]) -> str:
    """Any of them: a, b, or c."""
    return format_list(list(names), style="or", locale=babel_locale(spoken()))

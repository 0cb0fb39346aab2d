"""Speaking: every sentence that people read, in the language of whoever reads it.

    tr("Nobody here drew {what}.", what="#7")     the sentence, its gaps filled
    trn("{n} picture", "{n} pictures", 4)         the form that goes with a number
    mark("Nothing was changed.")                  a constant; `tr(CONSTANT)` says it later
    name_of("imagine")                            a command or an option, as it is called on Discord
    with speaking_to("zh-CN"): ...                who reads; `speak("zh-CN")` for the task's rest

Invariant: the English text is the key, and is what is said where a language has nothing that fits.
Gaps are filled, and doubled braces undone, only where facts are given.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from bot.languages.catalogues import ENGLISH, catalogue, language_for

__all__ = [
    "ENGLISH",
    "language_for",
    "mark",
    "name_of",
    "speak",
    "speaking_to",
    "spoken",
    "tr",
    "trn",
]

log = logging.getLogger(__name__)

NAME = "name"  # the context of what a command, a group or an option is called

_language: ContextVar[str] = ContextVar("language", default=ENGLISH)


def tr(text: str, /, **facts: object) -> str:
    """The text in the reader's language, its gaps filled."""
    said = catalogue(_language.get()).gettext(text)
    return _filled(said, text, facts)


def trn(one: str, many: str, n: int, /, **facts: object) -> str:
    """The form that goes with n, which is also the fact `n`."""
    said = catalogue(_language.get()).ngettext(one, many, n)
    return _filled(said, one if n == 1 else many, {"n": n, **facts})


def mark(text: str, /) -> str:
    """The text as it is: what is said of it later is `tr(text)`."""
    return text


def name_of(command: str, /) -> str:
    """What a command, a group or an option is called on the reader's Discord."""
    return catalogue(_language.get()).pgettext(NAME, command)


def spoken() -> str:
    """The language that is spoken now: the name of its catalogue, as Discord names locales."""
    return _language.get()


def speak(locale: str | None) -> None:
    """From here on, in this task and those that it begins, to whoever has this locale."""
    _language.set(language_for(locale))


@contextmanager
def speaking_to(locale: str | None) -> Iterator[None]:
    """Within the block, to whoever has this locale."""
    token = _language.set(language_for(locale))
    try:
        yield
    finally:
        _language.reset(token)


def _filled(said: str, english: str, facts: dict[str, Any]) -> str:
    if not facts:
        return said
    try:
        return said.format(**facts)
    except (KeyError, IndexError, ValueError):
        if said == english:
            raise  # the code is wrong, not a translation
        log.warning("a translation does not fit its text: %.80s", english)
        return english.format(**facts)

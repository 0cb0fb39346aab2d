"""Answers that go round in circles, and where an answer is cut that must end early.

    ..."Bundesarchiv Erfurt Erfurt Erfurt      ▶ kept up to "Bundesarchiv Erfurt
    ..."details": ["The cat", "the cat", "...  ▶ no more of this list

The invariant: each of these is a function of the answer so far, so the same model still says the
same to the same question.
"""

from __future__ import annotations

import re

from prompting.writers.grammar import Grammar

# From so many letters on, a part may stand so often in a row: "ha ha", but not a whole phrase.
_OFTEN = ((12, 1), (4, 2), (2, 3), (1, 8))
_LONGEST = 80  # letters of a part that repeats

_WORDS = 4  # in a row, that stand in a string twice and no more; of Chinese characters, eight
_WORD = re.compile(r"[\u3400-\u9fff]|[^\W_]+")
_BETWEEN = " ,;_-"

_LIST = re.compile(r'\[("[^"]*"(?:, "[^"]*")*),[ "]*$')
_SENTENCE = re.compile(r"[.!?](?= )|[。！？]")  # the end of one


def circle(text: str) -> int | None:
    """How much of the text to keep, if the string that is open in it has begun to repeat itself.

    Of prose, whole sentences.
    """
    if text.count('"') % 2 == 0:
        return None
    said = text[text.rindex('"') + 1 :]
    if (again := _said_again(said)) is not None:
        return _whole(text, len(text) - len(said) + again)
    for length in range(min(_LONGEST, len(said) // 2 + 1), 0, -1):
        allowed = next(often for least, often in _OFTEN if length >= least)
        part = said[-length:]
        first = said[: len(said) - length * allowed]
        # The first of them may stand at the beginning, with nothing that parts it from others.
        there = first.endswith(part) or first == part.lstrip(_BETWEEN)
        if there and said.endswith(part * allowed) and part.strip(_BETWEEN):
            return _whole(text, len(text) - length * allowed)
    return None


def _said_again(said: str) -> int | None:
    """Where the last words of a string begin, if they stand there for the third time."""
    words = list(_WORD.finditer(said.casefold()))
    run = _WORDS if any(len(word[0]) > 1 for word in words[-_WORDS:]) else 2 * _WORDS
    if len(words) < 3 * run:
        return None
    texts = [word[0] for word in words]
    last = texts[-run:]
    times = sum(texts[at : at + run] == last for at in range(len(texts) - run + 1))
    return words[-run].start() if times > 2 else None


def _whole(text: str, kept: int) -> int:
    """How much to keep of a text whose last string is kept so far: of prose, whole sentences."""
    ends = [end.end() for end in _SENTENCE.finditer(text, text.rindex('"'), kept)]
    return ends[-1] if ends else kept


def twice(text: str) -> bool:
    """Whether a list goes on behind an item that says what an earlier one said."""
    found = _LIST.search(text)
    items = [_key(item) for item in found[1].split('", "')] if found else []
    return bool(items) and items[-1] in items[:-1]


def ended(text: str, grammar: Grammar, enough: str) -> str | None:
    """The answer, whole, without what was not said to its end; None if it has not said enough.

    `enough` stands in every answer that is of some use.
    """
    if not enough or enough not in text:
        return None
    if text.count('"') % 2:
        start = text.rindex('"')
        whole = [found.end() for found in _SENTENCE.finditer(text, start)]
        text = text[: whole[-1]] if whole else text[:start]
    reading = grammar.start().advance(text.rstrip(", ").encode())
    return None if reading is None else text.rstrip(", ") + reading.finish()


def _key(item: str) -> str:
    return "".join(char for char in item.casefold() if char.isalnum())

"""Puts phrases into sentences, in English and Chinese, without changing a letter inside them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from prompting.speaking.styles import PROMPT

_ENDS = ".!?。！？…"
_ARTICLE = re.compile(r"^(?:an?|the)\s+(?=\w)", re.IGNORECASE)
_LONG = 60  # characters; longer phrases are sentences of their own,
_MANY = 5  # and so are additions of so many words


def article_off(text: str) -> str:
    """The text without an article before it; tags have none."""
    return _ARTICLE.sub("", text, count=1)


def inside(text: str, template: str) -> str:
    """The text as it stands within a template: with a small article, and no full stop."""
    if template == PROMPT or template.startswith(PROMPT):
        return text if template == PROMPT else text.rstrip(" .。")
    text = text.rstrip(" .。")
    found = _ARTICLE.match(text)
    return text[0].lower() + text[1:] if found else text


def clauses(phrases: Iterable[str], *, chinese: bool, apart: bool = False) -> str:
    """Phrases joined by commas; long ones stand as sentences, and sooner if `apart`."""
    out = last = ""
    for phrase in phrases:
        if not phrase:
            continue
        if not out:
            out = phrase
        elif chinese:
            out = f"{out.rstrip('，。')}，{phrase}"
        elif (
            len(phrase) > _LONG
            or out[-1] in _ENDS
            or (apart and max(len(phrase.split()), len(last.split())) >= _MANY)
        ):
            out = f"{_ended(out)} {_raised(phrase)}"
        else:
            out = f"{out}, {phrase}"
        last = phrase
    return out


def sentences(texts: Iterable[str], *, chinese: bool) -> str:
    """Texts as sentences: with a capital and a full stop."""
    said = [text.strip() for text in texts if text.strip()]
    if chinese:
        return "".join(text if text[-1] in _ENDS else f"{text}。" for text in said)
    return " ".join(_ended(_raised(text)) for text in said)


def _raised(text: str) -> str:
    """With a capital, unless the first word is a name or a part that must not change."""
    found = re.match(r"[a-z]+(?=[\s,.;:]|$)", text)
    return text[0].upper() + text[1:] if found else text


def _ended(text: str) -> str:
    return text if text[-1] in _ENDS else f"{text}."

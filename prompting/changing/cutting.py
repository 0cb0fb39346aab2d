"""Takes things out of a prompt with the phrases that belong to them.

    "a cat wearing a blue hat, sitting on a sofa"  hat ▶  "a cat, sitting on a sofa"
    "a busy street, people with umbrellas"         people ▶  "a busy street"

The invariant: words that belong to other things stay, in their order; what is left has no comma,
link or preposition that leads nowhere.
"""

from __future__ import annotations

import re

from prompting.changing.joining import with_article
from prompting.changing.phrases import NounPhrase, ParsedPrompt, role_of
from prompting.reading.lexicon import fold

_WITH_OBJECT = frozenset(("covered", "filled", "surrounded", "decorated", "dressed", "adorned"))


def span_of(prompt: ParsedPrompt, phrase: NounPhrase) -> tuple[int, int]:
    """What goes with a thing: the thing, and what links it to the others."""
    words = prompt.words
    first = prompt.at(phrase.start)
    last = prompt.at(phrase.end - 1) if phrase.end < len(prompt.text) else len(words) - 1
    last = max(i for i, word in enumerate(words) if word.end <= phrase.end)
    start, end = phrase.start, phrase.end
    before = role_of(words, first - 1) if first else "mark"
    after = role_of(words, last + 1) if last + 1 < len(words) else "mark"
    if after == "preposition" and fold(words[last + 1].text) == "of":
        end = _end_of_phrase_at(prompt, last + 2, end)
        last = max(i for i, word in enumerate(words) if word.end <= end)
        after = role_of(words, last + 1) if last + 1 < len(words) else "mark"
    if before == "link":
        return _link_start(prompt, first - 1, after), end
    if after == "link" and before in ("verb", "preposition", "mark"):
        return start, words[last + 1].end  # the first of several: the next takes its place
    if before == "mark":
        return _leading(prompt, first, last, end, after)
    at = first - 1
    while at >= 0 and role_of(words, at) in ("preposition", "article"):
        at -= 1
    linked = at + 1
    if before == "verb" or (at >= 0 and fold(words[at].text) in _WITH_OBJECT):
        linked = at if before != "verb" else first - 1
    return words[linked].start, end


def _link_start(prompt: ParsedPrompt, at: int, after: str) -> int:
    """ "a cat and a dog on a sofa": the link goes with the dog."""
    return prompt.words[at].start if after != "link" else prompt.words[at].end


def _end_of_phrase_at(prompt: ParsedPrompt, at: int, end: int) -> int:
    if at >= len(prompt.words):
        return end
    start = prompt.words[at].start
    return next((p.end for p in prompt.phrases if p.start >= start), end)


def _leading(prompt: ParsedPrompt, first: int, last: int, end: int, after: str) -> tuple[int, int]:
    """A thing that its part of the prompt begins with."""
    words = prompt.words
    start = words[first].start
    segment = next(s for s in prompt.segments if s[0] <= start < max(s[1], s[0] + 1))
    if after == "mark" or first > 0:
        return start, segment[1] if after != "mark" or first > 0 else end
    at = last + 1
    while at < len(words) and role_of(words, at) in ("verb", "preposition"):
        at += 1
    if at < len(words) and not words[at].mark:
        return start, words[at].start
    return start, segment[1]


def cut(text: str, spans: list[tuple[int, int]]) -> str:
    """The text without these spans, tidied."""
    for start, end in sorted(set(spans), reverse=True):
        text = f"{text[:start]}\0{text[end:]}"
    return tidied(_ARTICLE.sub(_fitting, text))


_ARTICLE = re.compile(r"\b([Aa])n?( *\0 *)(?=(\w+))")


def _fitting(found: re.Match[str]) -> str:
    """The article as what follows wants it, where what stood between them is gone."""
    article, _, _ = with_article(found[3]).partition(" ")
    return f"{found[1]}{article[1:]}{found[2]}"


def tidied(text: str) -> str:
    """What was left when something was taken out at each NUL."""
    text = re.sub(r"[ \t]*\0[ \t]*", "\0", text)
    text = re.sub(r"\0+", "\0", text)
    text = re.sub(r"(?:^|(?<=[,;，；]))\0(?: ?(?:and|or|und|et|y)\b)? ?", " ", text)
    text = re.sub(r"(?<=\S)\0(?=[,;.:!?)\]，。；、])|\0$|^\0", "", text)
    text = text.replace("\0", " ")
    text = re.sub(r"(?:\s*[,;，；、])+(?=\s*[,;，；])", "", text)
    text = re.sub(r"^[\s,;.，；、。]+|[\s,;，；、]+$", "", text)
    text = re.sub(r" +([,;.])", r"\1", text)
    return re.sub(r"[ \t]{2,}", " ", text).strip()

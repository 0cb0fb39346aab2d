"""Joins words to a prompt: an article that fits, a comma where one is needed.

The invariant: what is joined on stands in the new prompt as it was given, but for its article.
"""

from __future__ import annotations

import re

from prompting.changing.phrases import DETERMINERS, ParsedPrompt
from prompting.changing.vocabulary import UNSPACED
from prompting.reading.lexicon import fold

_VOWEL = re.compile(r"(?:[aeio]|un[^i]|u[^sn]|hour|honest)", re.IGNORECASE)
_ARTICLE = re.compile(r"\A(?:a|an)\s+(?=\S)", re.IGNORECASE)
_PLURAL = re.compile(r".*(?:[^s]s|people|men|mice|geese|children|hair|glasses|teeth|feet)\Z")


def bare(text: str) -> str:
    """The words without an article before them."""
    first, _, rest = text.partition(" ")
    return rest if rest and fold(first) in DETERMINERS - {"no"} else text


def with_article(text: str, like: str = "a") -> str:
    """The words with an article: "an" before a vowel."""
    if fold(like) not in ("a", "an"):
        return f"{like} {text}"
    return f"{'an' if _VOWEL.match(text) else 'a'} {text}"


def fitted(text: str) -> str:
    """ "a orange car" is "an orange car"."""
    return re.sub(
        r"\b([Aa])n?( )(?=(\w+))",
        lambda found: f"{found[1]}{'n' if _VOWEL.match(found[3]) else ''} ",
        text,
    )


def refitted(text: str, at: int) -> str:
    """The text, with the article that ends before `at` as what follows wants it."""
    found = re.search(r"\b([Aa])n?( +)\Z", text[:at])
    if not found:
        return text
    an = "n" if _VOWEL.match(text[at:]) else ""
    return f"{text[: found.start()]}{found[1]}{an}{found[2]}{text[at:]}"


def is_plural(text: str) -> bool:
    """Whether the words name several."""
    return bool(_PLURAL.match(fold(text)))


def appended(prompt: ParsedPrompt, words: str) -> str:
    """The prompt with words behind it."""
    text = prompt.text.rstrip()
    if not text:
        return words
    if prompt.language in UNSPACED:
        comma = "，" if prompt.language == "zh" else "、"
        return f"{text.rstrip('。，,、')}{comma}{words}"
    end = text[-1:] if text[-1:] in ".!" else ""
    text = text.rstrip(".!,; ")
    return f"{text}, {words}{end}"


def inserted(text: str, at: int, words: str) -> str:
    """The text with words at that place, and blanks around them."""
    before, after = text[:at].rstrip(), text[at:].lstrip()
    if after and after[0] in ",;.!?)":
        return f"{before} {words}{after}"
    return f"{before} {words} {after}".strip()

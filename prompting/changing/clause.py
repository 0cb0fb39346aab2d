"""One wish of a reply, and the phrases in it: what is meant by "it", "the hat", "her blue scarf".

The invariant: a phrase loses its article and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from prompting.changing.aspects import content
from prompting.changing.intents import (
    Action,
    Aspect,
    ContentChange,
    Intent,
    IntentKind,
    ShownPicture,
)
from prompting.changing.phrasebook import Phrasebook
from prompting.changing.reply import ReadReply
from prompting.changing.vocabulary import UNSPACED, language_of, vocabulary
from prompting.reading.lexicon import fold

Intents = tuple[Intent, ...]
PRONOUNS = frozenset(("he", "she", "him", "her", "they", "them", "it", "its", "his", "their"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Clause:
    """One wish, with what is needed to read it."""

    text: str
    book: Phrasebook
    reply: ReadReply
    shown: ShownPicture
    question: bool = False
    continuing: bool = False  # another change was said before it

    @property
    def language(self) -> str:
        return self.book.language

    def saying(self, text: str) -> Clause:
        """The same of another text."""
        return replace(self, text=text)

    def thing(self, text: str) -> str:
        """A thing that is spoken of: "the hat" is "hat", "it" nothing."""
        text = text.strip(" ,.:;'\"-")
        if self.book.it.fullmatch(text) or text.casefold() in PRONOUNS:
            return ""
        shorter = self.book.definite.sub("", text, count=1)
        return self.reply.restored(shorter or text)

    def phrase(self, text: str) -> str:
        """A phrase as it was said."""
        return self.reply.restored(text.strip(" ,.:;-"))

    def degreeless(self, text: str) -> str:
        """What is to be so, without how much: "a bit darker" is "darker"."""
        while (shorter := self.book.degree.sub("", text, count=1)) != text and shorter.strip():
            text = shorter
        return text

    def items(self, text: str) -> list[str]:
        """The parts of a listing."""
        return [part.strip() for part in self.book.listing.split(text) if part and part.strip()]

    def says_plainly(self, how: str) -> bool:
        """Whether a thing and how it is are a wish without a verb, and no praise: 表情开心."""
        if self.book.spaced or "," in self.text:
            return False
        return not any(word.text in self.book.praise for word in content(how, self.language))

    def prompt_keys(self) -> frozenset[str]:
        """What the words of the picture mean."""
        return keys_of(self.shown.prompt)

    def change(
        self, action: Action, aspect: Aspect, *, what: str = "", into: str = "", **more: str
    ) -> ContentChange:
        return ContentChange(
            action=action, aspect=aspect, what=what, into=into, language=self.language, **more
        )

    def edit(
        self, action: Action, aspect: Aspect, *, what: str = "", into: str = "", **more: str
    ) -> Intents:
        """One change as a wish."""
        return edit(self.change(action, aspect, what=what, into=into, **more))


def edit(*changes: ContentChange) -> Intents:
    """Changes as one wish."""
    return (Intent(kind=IntentKind.EDIT, changes=changes),)


def keys_of(text: str) -> frozenset[str]:
    """What the words of a prompt mean, whatever their language."""
    words = vocabulary()
    return frozenset(word.key for word in words.read(text, language_of(text)) if word.content)


def in_prompt(text: str, language: str, prompt: str) -> bool:
    """Whether the last thing that a phrase names stands in the prompt."""
    named = [word.key for word in content(text, language)]
    keys = keys_of(prompt)
    return any(key in keys or singular(key) in keys for key in named[-1:])


def singular(word: str) -> str:
    folded = fold(word)
    for ending, instead in (("ies", "y"), ("es", ""), ("s", "")):
        if folded.endswith(ending) and len(folded) > len(ending) + 2:
            return folded.removesuffix(ending) + instead
    return folded


def cuts(text: str, language: str) -> Iterator[tuple[str, str]]:
    """Every way to divide a text at a blank, the shortest beginning first; else between words."""
    if language in UNSPACED:
        for word in vocabulary().read(text, language)[1:]:
            yield text[: word.start], text[word.start :]
        return
    at = text.find(" ")
    while at > 0:
        yield text[:at], text[at + 1 :]
        at = text.find(" ", at + 1)

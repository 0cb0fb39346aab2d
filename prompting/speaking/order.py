"""What is to be said, and how: a wish with everything looked up that its prompt depends on."""

from __future__ import annotations

from dataclasses import dataclass

from prompting.reading import opaque
from prompting.reading.facts import facts
from prompting.reading.lexicon import Lexicon
from prompting.slots import Language, Slots, WishText
from prompting.speaking import untranslated
from prompting.speaking.budget import Count
from prompting.speaking.dialects import Dialect
from prompting.speaking.head import unfloated
from prompting.speaking.notes import joined, note
from prompting.speaking.render import Rendered, render, template_of
from prompting.speaking.styles import PROMPT, Style
from prompting.speaking.taglists import TagLists


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One wish in one dialect and style."""

    text: str  # as typed
    wish: WishText  # without the words of asking
    dialect: Dialect
    style: Style | None
    negative: str  # the person's own
    lexicon: Lexicon
    count: Count | None  # the image model's tokenizer, where it is loaded
    locale: str  # the language of notes
    lists: TagLists | None = None  # of booru tags, in which names are looked up
    began: str = ""  # the words of the wish that the dice of a scene depend on; empty: its own

    @property
    def language(self) -> Language:
        """The language of the prompt."""
        return self.dialect.language(self.wish.language)

    @property
    def media(self) -> frozenset[str]:
        """What the chosen style says that the picture is: a watercolor, a photo."""
        return frozenset(facts(self.template, self.lexicon, "en").words)

    @property
    def template(self) -> str:
        """The English words around the prompt that the chosen style brings; empty without one."""
        return template_of(self.style, self.dialect, "en") if self.style else ""

    def speak(self, slots: Slots) -> Rendered:
        """The slots in the order's dialect and style."""
        return render(
            slots,
            self.wish,
            self.dialect,
            lexicon=self.lexicon,
            style=self.style,
            negative=self.negative,
            count_tokens=self.count,
            locale=self.locale,
            lists=self.lists,
        )

    def unchanged(self) -> Rendered:
        """The person's own words, in the style they chose, and the usual negative."""
        typed = opaque.read(self.text)
        prompt = typed.text
        if self.style and prompt:
            text, floating = unfloated(typed)
            template = template_of(self.style, self.dialect, self.language)
            prompt = " ".join((template.replace(PROMPT, text), *floating))
        left = untranslated.told(
            self.wish, prompt, lexicon=self.lexicon, language=self.language, locale=self.locale
        )
        usual = self.dialect.default_negative
        if not self.dialect.negative:
            told = note("ignored", self.locale) if self.negative else ""
            return Rendered(prompt=prompt, negative="", note=joined(told, left))
        if _parts(usual) <= _parts(self.negative):  # who goes on from a picture has it already
            usual = ""
        parts = [part for part in (self.negative, usual) if part.strip()]
        negative = ", ".join(parts) or self.dialect.default_negative
        return Rendered(prompt=prompt, negative=negative, note=left)


def _parts(negative: str) -> set[str]:
    return {part.strip() for part in negative.split(",") if part.strip()}

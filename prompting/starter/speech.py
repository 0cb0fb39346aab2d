"""Words for a scene: what a person says, and what the answer says for it.

The invariant: a `Said` is one content word.  `wish` is how the person writes it, `en` and `zh` how
the answer does; a placeholder is the same in all three.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from prompting.reading import forms
from prompting.reading.lexicon import Lexicon, Meaning
from prompting.writers.template import PLACEHOLDERS

THINGS = ("animal", "person", "plant", "food", "thing", "vehicle", "building")
_OFTEN_HIDDEN = frozenset(
    {
        "place",
        "nature",
        "quality",
        "action",
        "time",
        "weather",
        "light",
        "part",
        "structure",
        "look",
    }
)
# Nouns that take no article and no number.
MASS = frozenset(
    {"people", "grass", "bamboo", "hair", "rice", "sushi", "bread", "tea", "coffee", "wine"}
    | {"noodles", "cheese", "chocolate", "candy", "water", "sand", "fire", "glasses", "sunglasses"}
    | {"stairs", "drums", "ruins", "lavender", "underwater", "snow", "rain", "fog", "wind"}
)
_MEASURES = {
    "animal": "只只只条头匹",
    "person": "个个个位名",
    "plant": "朵朵棵株",
    "food": "个个块份",
    "thing": "个个个把件",
    "vehicle": "辆辆艘架",
    "building": "座座间",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A content word in the wish and in the answer."""

    wish: str
    en: str
    zh: str
    kind: str
    name: str = ""  # of its entry; "" for a placeholder

    @property
    def unknown(self) -> bool:
        return not self.name

    def put(self, language: str) -> str:
        """The form for the answer."""
        return self.zh if language == "zh" else self.en


@dataclass(slots=True, kw_only=True)
class Speaker:
    """Chooses words; remembers how many placeholders it has used."""

    dice: Random
    lexicon: Lexicon
    language: str  # of the wish: "en" or "zh"
    hides: float  # how likely a noun is hidden behind a placeholder
    mixes: float = 0.0  # how likely a word comes from the other language
    used: int = 0
    seen: set[str] = field(default_factory=set)

    def any_of(self, *kinds: str) -> Said:
        """A word of these kinds that was not said before."""
        while True:
            kind = self.dice.choice(kinds)
            entry = self.dice.choice(self.lexicon.of_kind(kind))
            if entry.name not in self.seen and entry.name != "background":
                self.seen.add(entry.name)
                return self.say(entry)

    def say(self, entry: Meaning) -> Said:
        """The word for an entry, or a placeholder instead."""
        if entry.kind in THINGS and self.dice.random() < self.hides and self.room:
            return self.unknown(entry.kind)
        if (
            entry.kind in _OFTEN_HIDDEN
            and self.hides == 1.0
            and self.dice.random() < 0.6
            and self.room
        ):
            return self.unknown(entry.kind)
        other = "zh" if self.language == "en" else "en"
        language = other if self.dice.random() < self.mixes else self.language
        forms = entry.forms.get(language) or (entry.name,)
        text = forms[0] if self.dice.random() < 0.45 else self.dice.choice(forms)
        # An action is put as a participle, and the weather as a noun; all else as it was said.
        plain = language == "en" and entry.kind not in ("action", "weather", "time")
        kept = text.lower() if plain else None
        zh = text if language == "zh" else entry.form("zh")
        return Said(
            wish=text,
            en=kept or entry.name,
            zh=zh.removesuffix("的"),
            kind=entry.kind,
            name=entry.name,
        )

    def exactly(self, entry: Meaning) -> Said:
        """The first form of an entry, for phrases that need this one."""
        form = entry.form(self.language)
        return Said(wish=form, en=entry.name, zh=entry.form("zh"), kind=entry.kind, name=entry.name)

    @property
    def room(self) -> bool:
        return self.used < len(PLACEHOLDERS)

    def unknown(self, kind: str) -> Said:
        """A placeholder; `renumbered` gives it its number in reading order."""
        mark = chr(0xE000 + self.used)
        self.used += 1
        return Said(wish=mark, en=mark, zh=mark, kind=kind)

    def measure(self, kind: str) -> str:
        return self.dice.choice(_MEASURES.get(kind, "个"))


def renumbered(wish: str, answer: str) -> tuple[str, str]:
    """Both texts with their marks replaced by placeholders in the order of the wish."""
    marks = dict.fromkeys(char for char in wish if "\ue000" <= char < "\ue010")
    table = {ord(mark): PLACEHOLDERS[i] for i, mark in enumerate(marks)}
    return wish.translate(table), answer.translate(table)


def plural(noun: str) -> str:
    """An English plural; a placeholder has none."""
    if "\ue000" <= noun[:1] < "\ue010" or noun in MASS or not noun.isascii():
        return noun
    return forms.plural(noun)


def article(words: str) -> str:
    """The noun phrase with "a" or "an"."""
    return f"an {words}" if words[:1].lower() in tuple("aeiou") else f"a {words}"

"""What an open writer may never bring into a prompt, taken out before anything reads it.

    details ["soft light", "<lora:x:1>", "__moods__", "text that says BUY", "7", "Soft light."]
    ▶       ["soft light"]

An addition that holds any of it goes as a whole: nobody asked for it.  A subject is freed of it
and judged by what is left.  Two invariants: no markup, wildcard, address or token of a machine is
left that the wish did not bring, its quotations stay byte by byte; and what was cleaned once stays
as it is.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from prompting.reading import opaque
from prompting.reading.lexicon import Lexicon, Word, fold
from prompting.reading.prose import divided, together
from prompting.slots import Language, OpaqueKind, Slots, WishText

FILE = Path(__file__).with_name("cleaning.toml")

# Machines' parts that go with what stands inside them: a network's tag, a placeholder, a wildcard,
# another program's option, an address.  Signs of markup that stand alone go afterwards.
_PARTS = re.compile(
    r"""<[^<>]{0,200}> | [<\[{(]\s*x\d{1,2}\s*[>\]})] | \[/?[A-Z_]{2,20}\]
    | __[\w./-]{1,80}?__ | (?<!\w)embedding:\S+ | (?<![\w-])--[A-Za-z][\w-]*(?:[ =][\d.:/x%-]+)?
    | \w*://\S* | (?<!\w)www\.\S+ | \S+@\S+\.\S+ | (?<!\w)[@\#]\w[\w.-]*
    | (?<![\w.])(?:[\w-]{2,}\.)+
      (?:com|org|net|info|biz|io|co|ai|app|dev|shop|xyz|ru|cn|de|uk|jp|fr|eu|gg|tv|me|edu|gov)\b
    """,
    re.VERBOSE | re.IGNORECASE,
)
_WEIGHT = re.compile(r":\s*-?(?:\d+\.?\d*|\.\d+)(?=\s*[)\]}>]|\s*$)|::+")
_SIGNS = re.compile(r"[<>{}\[\]()|\\^~`*#$=+]|_{2,}|(?<!\w)_+|_+(?!\w)|--+")
_DOUBLE = re.compile(r"[\"“”„«»「」『』]")
_SINGLE = re.compile(r"(?<![\w'])['‘]([^'‘’]{1,80})['’](?![\w'])")
_JOINED = re.compile(r"(?<=[^\W_])_(?=[^\W_])")  # tags of booru sites: words, as others are
_SHOUTED = re.compile(r"(?<!\w)(?:BREAK|AND)(?!\w)")
_BARE_PLACEHOLDER = re.compile(r"(?<!\w)x\d{1,2}(?!\w)", re.IGNORECASE)
_LOOP = re.compile(
    r"\b(\w+(?:[ ,]+\w+){0,3}?)(?:[ ,_-]+\1\b)+|([\u3400-\u9fff]{2,8}?)\2+", re.IGNORECASE
)
_OFTEN = 3  # so often a word stands in an addition that goes round in circles
_ECHO = 3  # words in a row that an addition took out of what the writer was told

_SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "zh": ("CJK",),
    "ja": ("CJK", "HIRAGANA", "KATAKANA"),
    "ko": ("HANGUL", "CJK"),
    "ru": ("CYRILLIC",),
    "ar": ("ARABIC",),
}


def cleaned(
    slots: Slots, wish: WishText, *, lexicon: Lexicon, language: Language, told: str = ""
) -> Slots:
    """The slots of a writer that can spell anything, without what it must not bring.

    `language` is the prompt's, `told` what the writer was told, which it may have echoed.  The
    subject may become empty.
    """
    cleaner = _Cleaner(wish, lexicon, language, told)
    subject = cleaner.subject(slots.subject)
    style = cleaner.items(slots.style)
    details = cleaner.items(slots.details, beside=(subject, *style))
    return replace(
        slots,
        subject=subject,
        details=details,
        style=style,
        avoid=cleaner.items(slots.avoid),
        scene=cleaner.scene(slots.scene),
    )


@dataclass(frozen=True, slots=True)
class _Cleaner:
    """Cleans what was answered to one wish."""

    wish: WishText
    lexicon: Lexicon
    language: Language
    told: str

    def subject(self, text: str) -> str:
        """The subject without machines' parts, in as many words as it really has."""
        own = [part.text for part in self.wish.opaque if part.kind is OpaqueKind.QUOTE]
        pieces = (
            re.split("|".join(f"({re.escape(quote)})" for quote in own), text) if own else [text]
        )
        kept = (piece if piece in own else self._words(piece) for piece in pieces if piece)
        return " ".join(piece for piece in kept if piece)

    def _words(self, text: str) -> str:
        """What lies between quotations."""
        text = self._once(_opened(_freed(self._readable(text), self.wish)))
        if "," in text:
            text = ", ".join(self._different(text.split(",")))
        return text if any(char.isalnum() for char in text) else ""

    def items(self, texts: Sequence[str], *, beside: Iterable[str] = ()) -> tuple[str, ...]:
        """The additions that are fit for a prompt, each once; none repeats what is `beside`."""
        fit = [text for text in map(self._item, texts) if text]
        known = self._keys(" , ".join((*beside, self.wish.words))) if beside else frozenset()
        return tuple(text for text in self._different(fit) if not self._keys(text) <= known)

    def scene(self, text: str) -> str:
        """The sentences that are fit for a prompt, each once, with the marks that ended them."""
        whole, rest = divided(text)
        fit = [sentence for sentence in (*whole, rest) if self._item(sentence)]
        return together(self._different(fit), self.language)

    def _item(self, text: str) -> str:
        """The addition, or nothing where something in it is unfit."""
        text = " ".join(_JOINED.sub(" ", text).split()).lstrip(" ,;.").rstrip(" ,;.:-")
        if _freed(text, self.wish) != text or self._foreign(text) or self._says("letters", text):
            return ""
        if self._says("talk", text) or self._says("grades", text) or self._echoes(text):
            return ""
        text = self._once(text)
        words = [word for word in self.lexicon.read(text, self.language) if word.content]
        keys = [word.key for word in words]
        looping = any(keys.count(key) >= _OFTEN for key in keys)
        return "" if looping or all(map(_says_nothing, words)) else text

    def _readable(self, text: str) -> str:
        """The text without words in a script that the prompt's reader does not know."""
        known = _strange(text, self.language)
        kept = (" " if odd and char not in self.wish.text else char for char, odd in known)
        return " ".join("".join(kept).split())

    def _foreign(self, text: str) -> bool:
        return any(odd for _, odd in _strange(text, self.language))

    def _says(self, what: str, text: str) -> bool:
        """Whether the text says something of that kind which the wish does not say."""
        if what == "letters" and self.wish.quoted:
            return False
        typed = self.wish.text
        said = (found[0] for found in _phrases()[what].finditer(text))
        return any(not re.search(rf"(?i){re.escape(phrase)}", typed) for phrase in said)

    def _echoes(self, text: str) -> bool:
        """Whether the text repeats what the writer was told."""
        words = fold(text).split()
        return len(words) >= _ECHO and " ".join(words) in " ".join(fold(self.told).split())

    def _once(self, text: str) -> str:
        """The text without words that are said again and again in a row."""
        typed = fold(self.wish.text)
        return _LOOP.sub(
            lambda found: found[0] if fold(found[0]) in typed else found[1] or found[2], text
        )

    def _keys(self, text: str) -> frozenset[str]:
        words = self.lexicon.read(text, self.language)
        return frozenset(word.key for word in words if word.content)

    def _different(self, texts: Sequence[str]) -> tuple[str, ...]:
        """The texts that differ by more than case and punctuation."""
        typed, seen = fold(self.wish.text), Counter[str]()
        found: list[str] = []
        for text in map(str.strip, texts):
            letters = "".join(char for char in fold(text) if char.isalnum())
            seen[letters] += 1
            # New York, New York is said twice where the wish says it twice.
            if letters and seen[letters] <= max(1, typed.count(fold(text))):
                found.append(text)
        return tuple(found)


def _freed(text: str, wish: WishText) -> str:
    """The text without markup, addresses and machines' tokens."""
    typed = fold(wish.text)
    text = _JOINED.sub(" ", opaque.clean(text))
    while (freed := _once_freed(text, typed)) != text:  # parts within parts
        text = freed
    return text


def _once_freed(text: str, typed: str) -> str:
    text = _PARTS.sub(" ", text)
    text = _SHOUTED.sub(lambda found: found[0].lower(), text)
    text = _WEIGHT.sub(" ", text)
    text = _SINGLE.sub(r"\1", _DOUBLE.sub("", _SIGNS.sub(" ", text)))
    text = _BARE_PLACEHOLDER.sub(lambda found: found[0] if fold(found[0]) in typed else " ", text)
    text = "".join(char for char in text if unicodedata.category(char) not in ("So", "Cn"))
    text = re.sub(r"\s+([,，.。;；!！])", r"\1", " ".join(text.split()))
    return re.sub(r"([,，;；])(?:\s*[,，;；])+", r"\1", text).strip(" ,，;；:-")


def _opened(text: str) -> str:
    """The text without what introduces it: "Sure! Here is it: a cat" is a cat."""
    for name, ends in (
        ("opening", r"(?:[,!.，！。]|[^:：!.]{0,40}[:：!.])"),
        ("label", r"\s?[:：]"),
    ):
        before = re.compile(rf"(?:{_phrases()[name].pattern}){ends}\s*", re.IGNORECASE)
        while (found := before.match(text)) and found.end() < len(text):
            text = text[found.end() :]
    return text


def _says_nothing(word: Word) -> bool:
    """Whether it is a number or a colour, which alone describes nothing."""
    kind = word.entry.kind if word.entry else ""
    return kind in ("number", "colour") or not any(char.isalpha() for char in word.text)


def _strange(text: str, language: str) -> list[tuple[str, bool]]:
    """Each character, and whether it is a letter of a script that the language does not have."""
    scripts = ("LATIN", *_SCRIPTS.get(language, ()))
    return [
        (
            char,
            not char.isascii()
            and char.isalpha()
            and not any(script in unicodedata.name(char, "") for script in scripts),
        )
        for char in text
    ]


@lru_cache(maxsize=1)
def unfit() -> Mapping[str, Mapping[str, str]]:
    """What no writer may say unasked, as the file has it: by what it is, and by language."""
    with FILE.open("rb") as file:
        return tomllib.load(file)


@lru_cache(maxsize=1)
def _phrases() -> Mapping[str, re.Pattern[str]]:
    return {name: _either("/".join(table.values())) for name, table in unfit().items()}


def _either(phrases: str) -> re.Pattern[str]:
    parts = sorted({phrase.strip() for phrase in phrases.split("/")} - {""}, key=len, reverse=True)
    return re.compile("|".join(map(_whole, parts)), re.IGNORECASE)


def _whole(phrase: str) -> str:
    inner = re.escape(phrase).replace(r"\*", r"\w*").replace(r"\ ", r"[\s-]+")
    before = r"(?<!\w)" if phrase[0].isascii() else ""
    return f"{before}{inner}" + (r"(?!\w)" if phrase[-1].isascii() and phrase[-1].isalnum() else "")

"""The words that the assistant knows in several languages, and how to read a text with them.

    "a red cat"  ─read─▶  a(function) red(colour: red) cat(animal: cat)
    "红色的猫"    ─read─▶  红色(colour: red) 的(function) 猫(animal: cat)

The invariant: `read` divides a text without losing a character; what it does not know is still a
word, of no entry, and is treated as a name.  Everything is data: `prompting/reading/tables.py`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from pathlib import Path

from prompting.reading import tables
from prompting.reading.cues import cues
from prompting.reading.dividing import divide
from prompting.reading.forms import fold, inflected, plural, plurals
from prompting.reading.ordering import Role, Token, ordered
from prompting.reading.tables import COUNTED, FILE, FOLDER, OBJECTS, Meaning, Tables
from prompting.reading.word import Word
from prompting.slots import Language

__all__ = [
    "NOUN_FIRST",
    "OBJECTS",
    "SCENERY",
    "Lexicon",
    "Meaning",
    "Word",
    "built_in",
    "fold",
    "load",
    "plurals",
]

# Kinds that can be coloured as well, but may be added as surroundings.
SCENERY = frozenset({"nature", "place", "time", "weather", "light", "part", "structure"})

_CJK = (
    r"\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3400-\u4dbf"
    r"\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
)
# A word of letters (with inner apostrophes and hyphens), a number, a run of CJK, or one other sign.
_PIECE = re.compile(
    rf"(?P<latin>(?:(?![{_CJK}])[^\W_])+(?:['’\-](?:(?![{_CJK}])[^\W_])+)*)"
    rf"|(?P<cjk>[{_CJK}]+)|(?P<mark>.)",
    re.DOTALL,
)
# What French and Italian write to the word behind it: l'aube, dell'acqua.
_ELIDED = re.compile(
    r"(?:un|(?:d|n|s)?all|dell|nell|sull|quest|quell|qu|[ldnsjcmt])['’](?=\w)", re.I
)
_ELIDING = ("fr", "it")


class Lexicon:
    """Entries, found by any of their forms."""

    def __init__(self, said: Tables) -> None:
        self._said = said
        self.entries = {entry.name: entry for entry in said.meanings}
        self.function = said.function
        self.links = said.links
        self._longest: dict[str, int] = {}
        self._cuts: dict[str, re.Pattern[str]] = {}
        self._indexes: dict[str, dict[str, Meaning]] = {}
        spoken = (tongue for entry in self.entries.values() for tongue in entry.forms)
        self.languages = tuple(dict.fromkeys((*_DIVIDED, *spoken)))

    def skipping(self, words: Mapping[str, str]) -> Lexicon:
        """The same lexicon, to which further words carry nothing; by language, between blanks."""
        function = dict(self.function)
        for language, more in words.items():
            there = function.get(language, frozenset())
            function[language] = there | frozenset(map(fold, more.split()))
        return Lexicon(replace(self._said, function=function))

    def _index(self, language: str) -> dict[str, Meaning]:
        """The forms of a language; made when it is first asked for."""
        index = self._indexes.get(language)
        if index is None:
            index = self._indexes[language] = self._indexed(language)
        return index

    def _indexed(self, language: str) -> dict[str, Meaning]:
        index: dict[str, Meaning] = {}
        named = [
            entry
            for entry in self.entries.values()
            if language in entry.forms and (language != "en" or entry.kind != "doing")
        ]
        for entry in named:
            index.update(dict.fromkeys(map(fold, entry.forms[language]), entry))
        for entry in named:
            noun, verb = entry.kind in OBJECTS | SCENERY, entry.kind == "action"
            for form in entry.forms[language]:
                for other in inflected(fold(form), language, noun=noun, verb=verb):
                    index.setdefault(other, entry)
        return index

    def __getitem__(self, name: str) -> Meaning:
        return self.entries[name]

    def of_kind(self, *kinds: str) -> tuple[Meaning, ...]:
        return tuple(entry for entry in self.entries.values() if entry.kind in kinds)

    def find(self, text: str, language: str = "en") -> Meaning | None:
        """The entry that has this form."""
        return self._index(language).get(fold(text))

    def closer(self, form: str, language: str) -> str:
        """The English word for a form whose meaning is named wider: 帆船 is a sailboat, a boat."""
        return self._said.closer.get((language, fold(form)), "")

    def language(self, text: str) -> Language:
        """The language of a wish: by its script, then by which lexicon knows most of its words."""
        for letters, language in _SCRIPTS:
            if letters.search(text):
                return language
        words = {
            part
            for found in _PIECE.finditer(text)
            if found["latin"]
            for part in re.split("['-]", fold(found["latin"]))
        }
        if words and not any(word.isascii() or _roman(word) for word in words):
            return "other"
        scores: dict[Language, float] = dict.fromkeys(_ROMAN, 0.0)
        for word in words:
            theirs = [language for language in _ROMAN if self._knows(word, language)]
            for language in theirs:  # a word that several have says little of them
                scores[language] += 1 / len(theirs)
        # English wins a draw: a single "rose" is an English one.
        best = max(_ROMAN, key=lambda language: scores[language])
        strange = not scores[best] and not all(word.isascii() for word in words)
        return "other" if strange else best

    def _knows(self, word: str, language: str) -> bool:
        if word in self.function.get(language, ()) or word in self._index(language):
            return True
        known = cues(language)
        return known is not None and word in known.denying

    def read(self, text: str, language: str | None = None) -> tuple[Word, ...]:
        """The words of the text, in order and without gaps."""
        language = language or self.language(text)
        tongues = ("en",) if language == "en" else (language, "en")
        pieces = [
            (found.lastgroup or "", part)
            for found in self._pieces(language).finditer(text)
            for part in _divided(found[0], language)
        ]
        words: list[Word] = []
        start = at = 0
        while at < len(pieces):
            group, piece = pieces[at]
            if group == "cjk":
                found = self._unspaced(piece, start, "ja" if language == "ja" else "zh")
                words.extend(self._perched(tuple(found)))
                used, length = 1, len(piece)
            elif group == "mixed":
                words.append(
                    Word(text=piece, start=start, entry=self._index(language)[fold(piece)])
                )
                used, length = 1, len(piece)
            elif group == "latin":
                word, used = self._phrase(pieces, at, start, tongues)
                words += self._compound(word, language) or (word,)
                length = len(word.text)
            else:
                words.append(Word(text=piece, start=start, mark=not _symbol(piece)))
                used, length = 1, len(piece)
            at, start = at + used, start + length
        return tuple(words)

    def _phrase(
        self, pieces: list[tuple[str, str]], at: int, start: int, tongues: tuple[str, ...]
    ) -> tuple[Word, int]:
        """The longest known phrase that begins here; otherwise one word."""
        longest = max(map(self._words_of_longest, tongues))
        last = min(len(pieces), at + 2 * longest - 1)
        for end in range(last, at, -1):
            if pieces[end - 1][0] != "latin":
                continue
            phrase = "".join(piece for _, piece in pieces[at:end])
            for tongue in tongues:
                entry = self._index(tongue).get(fold(phrase))
                # Where a word is both, as in "made of glass" and "de" (of), it carries nothing.
                function = end == at + 1 and _unelided(phrase) in self.function.get(tongue, ())
                if function:
                    return Word(text=phrase, start=start, function=True), 1
                if entry:
                    return Word(text=phrase, start=start, entry=entry), end - at
                if fold(phrase) in self.links.get(tongue, ()):  # "in front of" in other words
                    return Word(text=phrase, start=start, function=True), end - at
        return Word(text=pieces[at][1], start=start), 1

    def _compound(self, word: Word, language: str) -> tuple[Word, ...]:
        """The words of which a word that is not known is made: Holzhaus, 겨울밤."""
        if word.function or word.entry or language not in _JOINTS:
            return ()
        joints, least = _JOINTS[language]
        index, text = self._index(language), word.text
        for cut in range(len(text) - least, least - 1, -1):
            last = index.get(fold(text[cut:]))
            if last is None or (last.kind not in COUNTED | SCENERY and len(text) - cut < 4):
                continue
            for joint in joints:
                stem = fold(text[:cut]).removesuffix(joint)
                first = index.get(stem) if len(stem) >= least else None
                if first:
                    rest = word.start + cut
                    return (
                        Word(text=text[:cut], start=word.start, entry=first),
                        Word(text=text[cut:], start=rest, entry=last),
                    )
        return ()

    def _pieces(self, language: str) -> re.Pattern[str]:
        """What a text is cut at; first words of both Latin letters and signs: T恤, 哆啦A梦."""
        if language not in _UNSPACED:
            return _PIECE
        if language not in self._cuts:
            mixed = (f for f in self._index(language) if re.search("[a-z]", f) and not f.isascii())
            words = "|".join(map(re.escape, sorted(mixed, key=len, reverse=True)))
            signs = f"[{_CJK}]+"
            apart = _PIECE.pattern.replace(signs, rf"(?:(?!(?i:{words}))[{_CJK}])+")
            pattern = rf"(?P<mixed>(?i:{words}))|{apart}" if words else _PIECE.pattern
            self._cuts[language] = re.compile(pattern, re.DOTALL)
        return self._cuts[language]

    def _words_of_longest(self, language: str) -> int:
        """Words in the longest phrase of a language that divides by spaces."""
        if language not in self._longest:
            forms = (*self._index(language), *self.links.get(language, ()), "")
            self._longest[language] = max(f.count(" ") + f.count("-") + 1 for f in forms)
        return self._longest[language]

    def _unspaced(self, text: str, start: int, language: str) -> Iterator[Word]:
        """Words of a text without spaces: the longest known ones, and what lies between."""
        index = self._index(language)
        function = self.function.get(language, frozenset()) | self.links.get(language, {}).keys()
        kinds, longest = self._kinds[language], self._longest_of[language]
        for begin, end in divide(text, kinds, function, longest, chinese=language == "zh"):
            piece = text[begin:end]
            entry = index.get(piece)
            if entry and entry.kind == "doing" and (parted := self._parted(piece, entry, index)):
                yield from (replace(word, start=start + begin + word.start) for word in parted)
                continue
            yield Word(
                text=piece,
                start=start + begin,
                entry=entry,
                function=entry is None and piece in function,
            )

    def _perched(self, words: Sequence[Word]) -> Iterator[Word]:
        """停 said of an animal: birds are not parked."""
        nouns = [word.entry.kind for word in words if word.entry and word.entry.kind in OBJECTS]
        sits = nouns[:1] == ["animal"] or nouns[-1:] == ["animal"]
        for word in words:
            parked = word.entry and word.entry.name == "parked"
            perched = self.entries.get("perched") if parked and sits else None
            yield replace(word, entry=perched) if perched else word

    def _parted(self, text: str, entry: Meaning, index: Mapping[str, Meaning]) -> tuple[Word, ...]:
        """Verb and object of what somebody does: 放 is flying before 风筝, and only there."""
        verb = self.find(entry.name.partition(" ")[0])
        for cut in range(1, len(text)):
            thing, own = index.get(text[cut:]), index.get(text[:cut])
            verb = own if own and own.kind == "action" and own.name.count(" ") else verb
            if verb and thing and thing.kind not in ("doing", "action"):
                return Word(text=text[:cut], start=0, entry=verb), Word(
                    text=text[cut:], start=cut, entry=thing
                )
        return ()

    @cached_property
    def _kinds(self) -> dict[str, dict[str, str]]:
        """The kind of every form of the scripts without spaces."""
        return {
            language: {form: entry.kind for form, entry in self._index(language).items()}
            for language in _UNSPACED
        }

    @cached_property
    def _longest_of(self) -> dict[str, int]:
        return {
            language: max(map(len, (*self._index(language), *self.function.get(language, ()))))
            for language in _UNSPACED
        }

    def parts(self, word: Word, language: str) -> tuple[Word, ...]:
        """The word, or those that its English is made of: 弹钢琴 is playing, and a piano."""
        if word.function:
            measure = _MEASURE.fullmatch(self.links.get(language, {}).get(fold(word.text), ""))
            entry = self.find(measure[1]) if measure else None  # 一杯, a cup of
            return (replace(word, entry=entry, function=entry is None),)
        if word.entry is None or word.entry.kind != "doing":
            return (word,)
        return tuple(
            replace(part, text=word.text, start=word.start)
            for part in self.read(word.entry.name, "en")
            if part.content
        )

    def english(self, text: str, language: str | None = None) -> str:
        """The text with every known word in English, and every other word as it is.

        Word order is English where it decides what belongs to what: "un chat noir" becomes "black
        cat".  Known words without meaning for a picture are left out.
        """
        language = language or self.language(text)
        if language == "en":
            return text
        words = list(self.read(text, language))
        if language in _REORDERED:
            return self._reordered(words, language)
        if language in NOUN_FIRST:
            words = _adjectives_first(words)
        links = self.links.get(language, {})
        out: list[str] = []
        many = False  # whether a number waits for its noun
        noun = parted = False  # whether the last word was a noun; whether one was left out since
        for word in words:
            link = links.get(_unelided(word.text)) if word.function else None
            if link or word.mark:
                out.append(link or _ASCII_MARKS.get(word.text, word.text))
                noun, parted = noun and word.text.isspace(), parted and word.text.isspace()
            elif word.function:
                out.append(" ")
                parted = noun
            else:
                kind = word.entry.kind if word.entry else ""
                out.append(", " if parted else "")  # two nouns side by side would be one
                noun, parted = not kind or kind in OBJECTS | SCENERY, False
                name = self.named(word, language)
                out.append(plural(name) if word.entry and noun and many else name)
                many = kind == "number" or (many and not noun)
        return join(out)

    def _reordered(self, words: Sequence[Word], language: str) -> str:
        """Clause by clause in the order of English."""
        out: list[str] = []
        clause: list[Token] = []
        for at, word in enumerate(words):
            if word.mark and word.text.strip():
                out += [self._clause(clause, language), _ASCII_MARKS.get(word.text, word.text), " "]
                clause = []
            elif not word.mark and (token := self._token(word, language)):
                counted = at and (words[at - 1].text[-1:] in "一几这那每")
                if token.role is Role.TAKEN and (counted or _is_number(clause)):
                    continue  # 两把伞
                if clause and clause[-1].timed and token.text in _LATER:  # 雨后
                    token = replace(token, text=_LATER[token.text])
                if len(word.text) > 1 and token.role is Role.AT and _taking(clause):
                    clause.append(Token(role=Role.DOING, text="putting"))  # 把书放在桌上
                clause.append(token)
                if token.role is Role.DOING and word.text.endswith("在"):  # 坐在公园
                    clause.append(Token(role=Role.AT, text=""))
                there = len(clause) > 1 and clause[-2].role is Role.AT
                if language == "zh" and (where := _where(word, there=there)):  # 雨里, 路边
                    clause.append(Token(role=Role.PLACED, text=where))
                if token.role is Role.PLACED and word.text.endswith("的"):  # 上的
                    clause.append(Token(role=Role.OF, text="of"))
        return join([*out, self._clause(clause, language)])

    def _clause(self, tokens: Sequence[Token], language: str) -> str:
        return ordered(tokens, verb_last=language != "zh")

    def _token(self, word: Word, language: str) -> Token | None:
        """A word in English with its role; None where it carries nothing."""
        text = fold(word.text)
        if word.function:
            link = self.links.get(language, {}).get(text, "")
            role = _MARKING.get(text) or _LINKING.get(link)
            if role is None and link:
                role = Role.MEASURE if _MEASURE.fullmatch(link) else Role.PLACED
            return Token(role=role, text="" if role is Role.AT else link) if role else None
        kind = word.entry.kind if word.entry else "name"
        role = _ROLES.get(kind, Role.NOUN)
        marked = self._mark(word, language) if language == "ko" else None
        return Token(
            role=role,
            text=self.named(word, language),
            owner=kind in ("animal", "person"),
            timed=kind in ("time", "weather"),
            marked=marked,
        )

    def _mark(self, word: Word, language: str) -> Role | None:
        """What Korean has written to a noun: 책을 is a book to which something is done."""
        text = fold(word.text)
        if word.entry and text in map(fold, word.entry.forms.get(language, ())):
            return None
        role = next((mark for end, mark in _MARKED if text.endswith(end)), None)
        timed = word.entry is not None and word.entry.kind in ("time", "weather")
        return None if timed and role is Role.PLACED else role

    def named(self, word: Word, language: str) -> str:
        """What a word of that language is called in English; itself where nobody knows it."""
        if word.entry is None:
            return word.text
        name = self.closer(word.text, language) or word.entry.name
        if language == "zh" and word.text.endswith("们"):
            name = plural(name)
        return name.removesuffix("-made")  # made of glass

    def into(self, text: str, to: str) -> str | None:
        """The English text in another language, if every word of it is known; otherwise None."""
        words = [word for word in self.read(text, "en") if not word.mark]
        if any(word.content and not (word.entry and word.entry.forms.get(to)) for word in words):
            return None
        forms = [word.entry.form(to) for word in words if word.entry]
        return ("" if to in ("zh", "ja") else " ").join(forms) or None


def _divided(piece: str, language: str) -> tuple[str, ...]:
    """A piece of text, and apart from it the article that is written to it."""
    if language not in _ELIDING or not (elided := _ELIDED.match(piece)):
        return (piece,)
    return elided[0], piece[elided.end() :]


def _is_number(clause: Sequence[Token]) -> bool:
    return bool(clause) and clause[-1].role is Role.NUMBER


def _taking(clause: Sequence[Token]) -> bool:
    return any(token.role is Role.TAKEN for token in clause)


_WHOLE = frozenset({"石头", "木头", "码头"})  # whose end is no place on them


def _where(word: Word, *, there: bool) -> str:
    """What a word of the weather or of a place says of something beside it: 雨里, 草地上, 路边.

    The ends of 墙头 and 山顶 do so only `there`, behind 在.
    """
    kind = word.entry.kind if word.entry else ""
    if kind not in ("weather", "nature", "place", "structure") or len(word.text) < 2:
        return ""
    if there and word.text[-1] in "头顶" and word.text not in _WHOLE:
        return "on"
    return _ENDING.get(word.text[-1], "")


def _unelided(word: str) -> str:
    return fold(word).rstrip("'")


def _adjectives_first(words: list[Word]) -> list[Word]:
    """Brings colours and qualities that follow a noun before it."""
    out = list(words)
    for at in range(2, len(out)):
        noun, gap, adjective = out[at - 2 : at + 1]
        if (
            gap.text == " "
            and noun.entry
            and adjective.entry
            and noun.entry.kind in OBJECTS | SCENERY
            and adjective.entry.kind in _DESCRIBING
        ):
            out[at - 2], out[at] = adjective, noun
    return out


_DESCRIBING = frozenset({"colour", "quality", "material", "mood"})
_ASCII_MARKS = dict(zip("，。、；：！？（）،؛؟", ",.,;:!?(),;?", strict=True))


def _symbol(char: str) -> bool:
    """An emoji or another sign that shows something."""
    return unicodedata.category(char) == "So"


def _roman(word: str) -> bool:
    return all("LATIN" in unicodedata.name(char, "") or char in "'’-" for char in word)


_SCRIPTS: tuple[tuple[re.Pattern[str], Language], ...] = (
    (re.compile(r"[\u3040-\u30ff\uff66-\uff9f]"), "ja"),
    (re.compile(r"[\uac00-\ud7af]"), "ko"),
    (re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]"), "zh"),
    (re.compile(r"[\u0400-\u04ff]"), "ru"),
    (re.compile(r"[\u0620-\u064a]"), "ar"),
)
_ROMAN: tuple[Language, ...] = ("en", "de", "fr", "es", "it", "pt")
_REORDERED = ("zh", "ja", "ko")
_ROLES = {
    "name": Role.NAME,
    **dict.fromkeys(("time", "weather", "style", "look"), Role.NAME),
    **dict.fromkeys(("colour", "quality", "material", "mood"), Role.LOOK),
    "number": Role.NUMBER,
    **dict.fromkeys(("action", "doing"), Role.DOING),
}
_ENDING = {
    **dict.fromkeys("里中", "in"),
    "上": "on",
    "下": "under",
    **dict.fromkeys("边旁畔", "by"),
}
_LATER = {"behind": "after", "in front of": "before"}  # of what takes time
_MEASURE = re.compile(r"(\w+) of")
_MARKING = {
    **dict.fromkeys(("在", "放在", "摆在"), Role.AT),
    **dict.fromkeys(
        ("从", "给", "替", "朝", "朝着", "向着", "对着", "沿着", "沿", "顺着"), Role.FROM
    ),
    "把": Role.TAKEN,
    "被": Role.BY,
    "を": Role.OBJECT,
    "が": Role.SUBJECT,
    "は": Role.SUBJECT,
}
_LINKING = {"of": Role.OF, "and": Role.AND}
# What Korean writes to what something is done to, and to whose a thing is.
_MARKED = (
    *((end, Role.OBJECT) for end in ("을", "를")),
    *((end, Role.PLACED) for end in ("에서", "에")),
    *((end, Role.AND) for end in ("와", "과", "랑", "하고")),
    ("의", Role.OF),
    *((end, Role.SUBJECT) for end in ("이", "가", "은", "는")),
)
NOUN_FIRST = ("fr", "es", "it", "pt", "ar")  # whose adjectives follow
_UNSPACED = ("zh", "ja")
# Languages that write compounds as one word: what joins the parts, and the letters of the shortest.
_JOINTS: Mapping[str, tuple[tuple[str, ...], int]] = {
    "de": (("", "s", "n", "en", "es", "e", "er"), 3),
    "ko": (("",), 1),
}
_DIVIDED = (*_ROMAN, *_UNSPACED)


def join(pieces: Iterable[str]) -> str:
    """Pieces with a space between those that need one."""
    out = ""
    for piece in pieces:
        if not piece.strip():
            out += " " if out and not out.endswith(" ") else ""
        elif out and not out.endswith(" ") and piece[0].isalnum() and out[-1].isalnum():
            out += f" {piece}"
        else:
            out += piece
    return re.sub(r" +([,.;:!?])", r"\1", " ".join(out.split()))


def load(path: Path = FILE, languages: Path | None = None) -> Lexicon:
    """Read the tables of words: a file, and the folder of languages.  Raises Unreadable."""
    return Lexicon(tables.read(path, languages))


@lru_cache(maxsize=1)
def taught() -> Lexicon:
    """The words that the built-in assistant was taught, and no others."""
    return load()


@lru_cache(maxsize=1)
def built_in() -> Lexicon:
    """The lexicon that is shipped, read once."""
    return load(FILE, FOLDER)

"""What stands behind a word that denies: things in a list, an action, a quality.

    without │ any red shoes or socks │ on the beach
            ╰ a thing ╯    ╰ another ╯ a preposition ends it

A thing is a noun with what describes it; a preposition, a verb, a participle, an article or a mark
ends it.  The invariant: a thing ends before a place, a time or a doer; a verb takes along only the
preposition and the object that belong to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from prompting.reading.cues import Cues
from prompting.reading.denied_words import DESCRIBES, CuedText
from prompting.reading.forms import fold
from prompting.reading.lexicon import Lexicon

_APART = frozenset({"time", "weather", "light", "style", "look", *DESCRIBES})
_MOST = 4  # words of one thing
_ROMANCE = ("fr", "es", "it", "pt")
_GENITIVE = re.compile(r"\w+(?:ого|его|ой|ей|ых|их|ую|юю|ый|ий)$")
_FRENCH_NOT = frozenset(("pas", "jamais", "plus", "point", "guère"))
_FRENCH_NONE = frozenset(("aucun", "aucune", "ni"))


@dataclass(frozen=True, slots=True)
class DeniedThing:
    """Some words that name one thing or one action."""

    what: str
    after: int  # the index of the first word behind it


class Things(CuedText):
    """Reads things out of one text."""

    def __init__(self, text: str, lexicon: Lexicon, language: str, cues: Cues) -> None:
        super().__init__(text, lexicon, language, cues)
        self._capitals = language == "de" and text.lower() != text
        self.enclosed = False  # whether a verb and its "out" stand around the list
        self.singular = False  # whether a verb that carries the thing ends in -s: has no hat

    def light(self, at: int) -> int:
        """Behind a verb that only carries the thing: "without wearing shoes"."""
        if self.word(at) in self.cues.light and not self.mark(at + 1):
            return at + 1
        return at

    def things(self, at: int) -> list[DeniedThing]:
        """The thing that begins at this word, and those that a list joins to it."""
        first = self._thing(at)
        things = [first] if first else []
        while things:
            more = self._joined(things[-1].after)
            if not more:
                break
            things += more
        return things

    def _joined(self, at: int) -> list[DeniedThing]:
        """The further things of a list that goes on at this word."""
        word = self.word(at)
        if word == "/" or word in self.cues.both:
            return self._one(at + 1, bare=not self.enclosed)
        if word in self.cues.either:  # also where it is a cue of its own: nor, ni
            return self._one(self.light(at + 1), bare=False)  # weder mit Schild noch mit Schwert
        return self._enumerated(at) if word == "," else []

    def _one(self, at: int, *, bare: bool) -> list[DeniedThing]:
        thing = self._thing(at, bare=bare)
        return [thing] if thing else []

    def _enumerated(self, at: int) -> list[DeniedThing]:
        """ ", scarves or gloves": nothing unless a link comes before the last of them."""
        links = self.cues.both | self.cues.either
        things: list[DeniedThing] = []
        while self.word(at) == ",":
            linked = self.word(at + 1) in links
            either = self.word(at + 1) in self.cues.either
            thing = self._thing(at + 1 + linked, bare=not either)
            if thing is None:
                return []
            things.append(thing)
            at = thing.after
            if linked:
                return things
        if not things or self.word(at) not in links:
            return []
        last = self._thing(at + 1, bare=self.word(at) in self.cues.both)
        return [*things, last] if last else []

    def _thing(self, at: int, *, bare: bool = False) -> DeniedThing | None:
        """The thing that begins here; a bare one has no article, number, colour or quality."""
        if bare and self._qualified(at):
            return None
        seen: list[int] = []
        joined = single = False
        while not self.mark(at) and len(seen) < _MOST:
            word = self.word(at)
            if seen and self.cues.trail.match(self.text, self.words[at - 1].end):
                break
            if word in self.cues.of and seen and not self._ends_of(at):
                joined = True
                at += 1
                continue
            if not seen and (word in self.cues.article or self._one_of_them(at)):
                single = single or word in ("a", "an", "single", "one")
            elif self._breaks(at, seen) or (seen and not joined and self._ends(seen, at, single)):
                break
            elif self.words[at].content:
                seen.append(at)
                joined = False
            elif seen:
                break
            at += 1
            if self._whole(seen):
                break
        if not seen:
            return None
        return self._ended(seen)

    def _one_of_them(self, at: int) -> bool:
        """Whether a number only says that there is none of them: not a single light."""
        entry = self.words[at].entry
        return entry is not None and entry.name == "one"

    def _ended(self, seen: Sequence[int]) -> DeniedThing | None:
        if self.verbal(seen[0]) and len(seen) == 1:
            return self._action(seen[0])
        first, last = self.words[seen[0]], self.words[seen[-1]]
        return DeniedThing(self.text[first.start : last.end], seen[-1] + 1)

    def _qualified(self, at: int) -> bool:
        return bool(
            self.word(at) in self.cues.article | self.cues.amount
            or self.kind(at) in DESCRIBES
            or self.verbal(at)
            or self.cue(at)
            or (self._finite(at) and not self.kind(at))
            or (self.singular and not self.kind(at) and self.plural(at))
        )

    def _breaks(self, at: int, seen: Sequence[int]) -> bool:
        """Whether what stays begins here."""
        word = self.word(at)
        known = word in self.cues.of and not seen
        return not known and (
            word.partition(" ")[0] in self.cues.preposition  # junto a
            or word in self.cues.stop
            or word in self.cues.both
            or word in self.cues.either
            or bool(seen and word in self.cues.article)
        )

    def _ends_of(self, at: int) -> bool:
        """Whether "of" begins something of its own: "de noche", "de la plaza"."""
        behind = at + 1
        return (
            self.mark(behind)
            or self.kind(behind) in ("time", "weather", "place")
            or (self.language in _ROMANCE and not self.words[behind].content)
        )

    def _whole(self, seen: Sequence[int]) -> bool:
        """Whether a language that marks its nouns has said one."""
        if not seen:
            return False
        last = seen[-1]
        if self._capitals:
            return self.words[last].text[:1].isupper()
        if self.language == "de":
            return self.noun(last) or not re.search(r"e[nrsm]?$", self.word(last))
        if self.language == "ru":
            return not self._russian_adjective(last)
        return False

    def _russian_adjective(self, at: int) -> bool:
        word, following = self.word(at), self.word(at + 1)
        if self.kind(at) and self.kind(at) not in DESCRIBES:
            return False
        if not _GENITIVE.match(word) or self.mark(at + 1) or self._breaks(at + 1, ()):
            return False
        if word.endswith(("ой", "ей")):
            return following.endswith(("и", "ы"))
        return not self.verbal(at + 1) and not following.endswith(("ью", "ет", "ит", "ом", "ем"))

    def _ends(self, seen: Sequence[int], at: int, single: bool) -> bool:
        """Whether the thing has been said before this word."""
        last, kind = seen[-1], self.kind(at)
        noun = not self.describing(last)
        if self.language in _ROMANCE:
            return noun and kind not in ("colour", "quality")
        if self.language != "en":
            return False
        word = self.word(at)
        if self.verbal(at):
            return noun or self.mark(at + 1) or not self.words[at + 1].content
        if noun and (word.endswith("ly") or kind in _APART or word in self.cues.adverb):
            return True
        if noun and self.plural(last):
            return True
        if noun and single and self.plural(at) and not kind:
            return True
        return noun and self.word(at + 1) in self.cues.article and not self.mark(at + 1)

    def _finite(self, at: int) -> bool:
        """An unknown word before an article, which no noun stands before: climbs a ladder."""
        return (
            self.language == "en"
            and self.word(at).endswith("s")
            and self.word(at + 1) in self.cues.article
        )

    def acts(self, cue: re.Match[str], at: int) -> tuple[list[DeniedThing], bool]:
        """What "not" denies, and whether it is said by a verb."""
        if self.language == "fr" and fold(cue[0])[0] == "n" and len(cue[0]) < 3:
            return self._between(at), True
        if self.language == "de" and (behind := self._behind_verb(cue, at)):
            return [behind], True
        while self.word(at) in self.cues.beside and not self.mark(at + 1):
            at += 1
        if self.word(at) in self.cues.light and not self.mark(at + 1):
            return self.things(at + 1), True
        if self.word(at) in self.cues.degree:
            quality = self._thing(at + 1)
            return [self._from(at, quality)] if quality else [], True
        if self.word(at) in self.cues.preposition:
            return self.things(at + 1), True
        if self._acting(cue, at):
            action = self._action(at)
            return [action], True
        return self.things(at), True

    def _acting(self, cue: re.Match[str], at: int) -> bool:
        """Whether a verb follows."""
        if self.mark(at) or not self.words[at].content:
            return False
        helped = self.language != "en" or not fold(cue[0]).startswith(("not", "isn", "aren"))
        adjective = self.kind(at) in DESCRIBES
        return self.verbal(at) or (helped and not adjective and not self.kind(at))

    def _action(self, at: int) -> DeniedThing:
        """A verb, with the preposition and the object that belong to it."""
        behind = at + 1
        if f"{self.word(at)} {self.word(behind)}" in self.cues.bound or (
            self.kind(at) == "action" and " " in self.word(at) and not self.mark(behind)
        ):
            behind += " " not in self.word(at)
            thing = self._thing(behind)
            return self._from(at, thing) if thing else DeniedThing(self.said(at, behind), behind)
        thing = None
        if not self.mark(behind) and not self._breaks(behind, ()):
            thing = self._object(behind)
        return self._from(at, thing) if thing else DeniedThing(self.words[at].text, behind)

    def _object(self, at: int) -> DeniedThing | None:
        """The object of a verb, directly behind it."""
        word = self.word(at)
        if word in self.cues.adverb or word.endswith("ly") or self.kind(at) in _APART:
            return None
        if self.words[at].content and self.language not in ("en",) and not self.noun(at):
            return None
        if self.verbal(at):
            return None
        return self._thing(at)

    def _from(self, at: int, thing: DeniedThing) -> DeniedThing:
        """The words from here to the end of a thing."""
        return DeniedThing(self.said(at, thing.after), thing.after)

    def _between(self, at: int) -> list[DeniedThing]:
        """French: ne, the verb, pas, and what the verb carries."""
        while self.word(at) in self.cues.beside - _FRENCH_NOT and not self.mark(at + 1):
            at += 1
        verb, at = at, at + 1
        word = self.word(at)
        if self.mark(verb) or word not in _FRENCH_NOT | _FRENCH_NONE:
            return []  # "ne … que" is nothing but
        if self.word(verb) in self.cues.light or word in _FRENCH_NONE:
            return self.things(at + 1)
        said = self.words[verb].text
        thing = self._thing(at + 1) if not self.mark(at + 1) else None
        if self.words[at + 1 : at + 2] and f"{fold(said)} {self.word(at + 1)}" in self.cues.bound:
            thing = self._thing(at + 2)
            said = f"{said} {self.words[at + 1].text}"
        if thing is None:
            return [DeniedThing(said, at + 1)]
        return [DeniedThing(f"{said} {self.said(at + 1, thing.after)}", thing.after)]

    def _behind_verb(self, cue: re.Match[str], at: int) -> DeniedThing | None:
        """German: "schaut nicht in die Kamera"; the verb stands before."""
        verb = self.index(cue.start()) - 1
        if verb < 0 or self.kind(verb) != "action" or self.kind(at) in DESCRIBES:
            return None
        if self.word(at) in self.cues.degree:
            return None
        said = self.words[verb].text
        if f"{fold(said)} {self.word(at)}" in self.cues.bound:
            thing = self._thing(at + 1)
            if thing:
                return DeniedThing(f"{said} {self.said(at, thing.after)}", thing.after)
        return DeniedThing(said, at)

"""What a text denies in a language that divides its words by blanks.

    "a girl without any red shoes or socks on the beach"
            ╰ cue ╯     ╰ thing ╯    ╰ th. ╯ ╰ stays: a preposition begins it

A thing is a noun with what describes it; a preposition, a verb, a participle, an article or a mark
ends it.  The invariant: what is denied is the thing alone, or an action with what belongs to it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from prompting.reading.cues import Cues
from prompting.reading.forms import fold
from prompting.reading.lexicon import OBJECTS, SCENERY, Lexicon

_DESCRIBES = frozenset({"colour", "quality", "number"})
_APART = frozenset({"time", "weather", "light", "style", "look", *_DESCRIBES})
_ALIVE = frozenset({"person", "animal"})
_MOVES = _ALIVE | {"vehicle"}
_NO_PLURALS = ("ss", "us", "is", "sports", "christmas", "news", "series", "gas")
_MOST = 4  # words of one thing
_ROMANCE = ("fr", "es", "it", "pt")
_GENITIVE = re.compile(r"\w+(?:ого|его|ой|ей|ых|их|ую|юю|ый|ий)$")
_FRENCH_NOT = frozenset(("pas", "jamais", "plus", "point", "guère"))
_FRENCH_NONE = frozenset(("aucun", "aucune", "ni"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A part of a text that denies."""

    start: int  # characters
    end: int
    what: str  # "hats"


@dataclass(frozen=True, slots=True)
class _Thing:
    """Some words that name one thing or one action."""

    what: str
    after: int  # the index of the first word behind it


class Spaced:
    """One text, and the words around its denials."""

    def __init__(self, text: str, lexicon: Lexicon, language: str, cues: Cues) -> None:
        self._text, self._lexicon, self._language, self._cues = text, lexicon, language, cues
        self._words = [w for w in lexicon.read(text, language) if not w.text.isspace()]
        self._folded = [fold(word.text) for word in self._words]
        self._capitals = language == "de" and text.lower() != text
        self._singular = False  # whether a verb that carries the thing ends in -s

    def denials(self) -> list[Denial]:
        """Every denial of the text, in reading order."""
        found: list[Denial] = []
        at = 0
        while cue := self._cues.search.search(self._text, at):
            at = cue.end()
            denied = self._denied(cue)
            found += denied
            at = max([at, *(denial.end for denial in denied)])
        return found

    def _denied(self, cue: re.Match[str]) -> list[Denial]:
        if cue["idiom"] or self._is_name(cue):
            return []
        if cue["free"]:
            return self._freed(cue)
        behind = self._index(cue.end())
        if cue["nobody"]:
            what = self._cues.nobody[fold(" ".join(cue[0].split())).replace("’", "'")]
            return self._spans(cue, [_Thing(what, behind)], acting=False)
        if cue["thing"]:
            self._singular = self._word(self._index(cue.start()) - 1) in ("has", "does", "is")
            things, acting = self._things(self._light(behind)), False
        else:
            things, acting = self._acts(cue, behind)
        return self._spans(cue, things, acting=acting) if things else []

    def _freed(self, cue: re.Match[str]) -> list[Denial]:
        """Of "crowd-free", the crowd; a sugar-free cola is called so, and stays one."""
        if fold(cue["free"]) in self._cues.free:
            return []
        return [Denial(start=cue.start(), end=cue.end(), what=cue["free"])]

    def _is_name(self, cue: re.Match[str]) -> bool:
        """A capital within a clause, and another behind: a No Parking sign."""
        if self._language != "en" or not cue["thing"] or not cue[0][:1].isupper():
            return False
        before = self._text[: cue.start()].rstrip()
        follows = re.match(r"\s+[A-Z]", self._text[cue.end() :])
        return bool(before and before[-1] not in ",.;:!?" and follows and not before.isupper())

    # What a cue denies

    def _index(self, at: int) -> int:
        """The first word that begins at this character or behind it."""
        return next((i for i, word in enumerate(self._words) if word.start >= at), len(self._words))

    def _word(self, at: int) -> str:
        return self._folded[at] if 0 <= at < len(self._folded) else ""

    def _kind(self, at: int) -> str:
        entry = self._words[at].entry if 0 <= at < len(self._words) else None
        return entry.kind if entry else ""

    def _mark(self, at: int) -> bool:
        return not 0 <= at < len(self._words) or self._words[at].mark

    def _light(self, at: int) -> int:
        """Behind a verb that only carries the thing: "without wearing shoes"."""
        if self._word(at) in self._cues.light and not self._mark(at + 1):
            return at + 1
        return at

    def _things(self, at: int, *, bare: bool = False) -> list[_Thing]:
        first = self._thing(at, bare=bare)
        things = [first] if first else []
        while things:
            more = self._joined(things[-1].after)
            if not more:
                break
            things += more
        return things

    def _joined(self, at: int) -> list[_Thing]:
        """The further things of a list that goes on at this word."""
        word = self._word(at)
        if word in self._cues.either and not self._cues.search.match(
            self._text, self._words[at].start
        ):
            return self._one(at + 1, bare=False)
        if word == "/" or word in self._cues.both:
            return self._one(at + 1, bare=True)
        if word in self._cues.either:  # a cue of its own as well: nor, ni
            return self._one(at + 1, bare=False)
        return self._enumerated(at) if word == "," else []

    def _one(self, at: int, *, bare: bool) -> list[_Thing]:
        thing = self._thing(at, bare=bare)
        return [thing] if thing else []

    def _enumerated(self, at: int) -> list[_Thing]:
        """ ", scarves or gloves": nothing unless a link comes before the last of them."""
        links = self._cues.both | self._cues.either
        things: list[_Thing] = []
        while self._word(at) == ",":
            linked = self._word(at + 1) in links
            either = self._word(at + 1) in self._cues.either
            thing = self._thing(at + 1 + linked, bare=not either)
            if thing is None:
                return []
            things.append(thing)
            at = thing.after
            if linked:
                return things
        if not things or self._word(at) not in links:
            return []
        last = self._thing(at + 1, bare=self._word(at) in self._cues.both)
        return [*things, last] if last else []

    def _thing(self, at: int, *, bare: bool = False) -> _Thing | None:
        """The thing that begins here; a bare one has no article, number, colour or quality."""
        if bare and self._qualified(at):
            return None
        seen: list[int] = []
        joined = single = False
        while not self._mark(at) and len(seen) < _MOST:
            word = self._word(at)
            if word in self._cues.of and seen and not self._ends_of(at):
                joined = True
                at += 1
                continue
            if word in self._cues.article and not seen:
                single = single or word in ("a", "an", "single", "one")
            elif self._breaks(at, seen) or (seen and not joined and self._ends(seen, at, single)):
                break
            elif self._words[at].content:
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

    def _ended(self, seen: Sequence[int]) -> _Thing | None:
        if self._verbal(seen[0]) and len(seen) == 1:
            return self._action(seen[0])
        first, last = self._words[seen[0]], self._words[seen[-1]]
        return _Thing(self._text[first.start : last.end], seen[-1] + 1)

    def _qualified(self, at: int) -> bool:
        cue = not self._mark(at) and self._cues.search.match(self._text, self._words[at].start)
        return bool(
            self._word(at) in self._cues.article
            or self._kind(at) in _DESCRIBES
            or self._verbal(at)
            or cue
            or (self._finite(at) and not self._kind(at))
            or (self._singular and not self._kind(at) and self._plural(at))
        )

    def _breaks(self, at: int, seen: Sequence[int]) -> bool:
        """Whether what stays begins here."""
        word = self._word(at)
        known = word in self._cues.of and not seen
        return not known and (
            word in self._cues.preposition
            or word in self._cues.stop
            or word in self._cues.both
            or word in self._cues.either
            or bool(seen and word in self._cues.article)
        )

    def _ends_of(self, at: int) -> bool:
        """Whether "of" begins something of its own: "de noche", "de la plaza"."""
        behind = at + 1
        return (
            self._mark(behind)
            or self._kind(behind) in ("time", "weather", "place")
            or (self._language in _ROMANCE and not self._words[behind].content)
        )

    def _whole(self, seen: Sequence[int]) -> bool:
        """Whether a language that marks its nouns has said one."""
        if not seen:
            return False
        last = seen[-1]
        if self._capitals:
            return self._words[last].text[:1].isupper()
        if self._language == "de":
            return self._noun(last) or not re.search(r"e[nrsm]?$", self._word(last))
        if self._language == "ru":
            return not self._russian_adjective(last)
        return False

    def _russian_adjective(self, at: int) -> bool:
        word, following = self._word(at), self._word(at + 1)
        if self._kind(at) and self._kind(at) not in _DESCRIBES:
            return False
        if not _GENITIVE.match(word) or self._mark(at + 1) or self._breaks(at + 1, ()):
            return False
        if word.endswith(("ой", "ей")):
            return following.endswith(("и", "ы"))
        return not self._verbal(at + 1) and not following.endswith(("ью", "ет", "ит", "ом", "ем"))

    def _ends(self, seen: Sequence[int], at: int, single: bool) -> bool:
        """Whether the thing has been said before this word."""
        last, kind = seen[-1], self._kind(at)
        noun = not self._describing(last)
        if self._language in _ROMANCE:
            return noun and kind not in ("colour", "quality")
        if self._language != "en":
            return False
        word = self._word(at)
        if self._verbal(at):
            return noun or self._mark(at + 1) or not self._words[at + 1].content
        if noun and (word.endswith("ly") or kind in _APART or word in self._cues.adverb):
            return True
        if noun and self._plural(last):
            return True
        if noun and single and self._plural(at) and not kind:
            return True
        return noun and self._word(at + 1) in self._cues.article and not self._mark(at + 1)

    def _describing(self, at: int) -> bool:
        return (
            self._kind(at) in _DESCRIBES | {"action"}
            or self._word(at).endswith("ly")
            or (self._verbal(at) and not self._mark(at + 1))
        )

    def _noun(self, at: int) -> bool:
        return self._kind(at) in OBJECTS | SCENERY

    def _plural(self, at: int) -> bool:
        word = self._word(at)
        return word == "people" or (word.endswith("s") and not word.endswith(_NO_PLURALS))

    def _finite(self, at: int) -> bool:
        """An unknown word before an article, which no noun stands before: climbs a ladder."""
        return (
            self._language == "en"
            and self._word(at).endswith("s")
            and self._word(at + 1) in self._cues.article
        )

    def _verbal(self, at: int) -> bool:
        word, kind = self._word(at), self._kind(at)
        if kind == "action" or word in self._cues.participle:
            return True
        if kind or self._language != "en" or word in self._cues.noun or len(word) < 5:
            return False
        return word.endswith("ing") or (word.endswith("ed") and not word.endswith("eed"))

    # Actions and qualities

    def _acts(self, cue: re.Match[str], at: int) -> tuple[list[_Thing], bool]:
        """What "not" denies, and whether it is said by a verb."""
        if self._language == "fr" and fold(cue[0])[0] == "n" and len(cue[0]) < 3:
            return self._between(at), True
        if self._language == "de" and (behind := self._behind_verb(cue, at)):
            return [behind], True
        while self._word(at) in self._cues.beside and not self._mark(at + 1):
            at += 1
        if self._word(at) in self._cues.light and not self._mark(at + 1):
            return self._things(at + 1), True
        if self._word(at) in self._cues.degree:
            quality = self._thing(at + 1)
            return [self._from(at, quality)] if quality else [], True
        if self._word(at) in self._cues.preposition:
            return self._things(at + 1), True
        if self._acting(cue, at):
            action = self._action(at)
            return [action], True
        return self._things(at), True

    def _acting(self, cue: re.Match[str], at: int) -> bool:
        """Whether a verb follows."""
        if self._mark(at) or not self._words[at].content:
            return False
        helped = self._language != "en" or not fold(cue[0]).startswith(("not", "isn", "aren"))
        adjective = self._kind(at) in _DESCRIBES
        return self._verbal(at) or (helped and not adjective and not self._kind(at))

    def _action(self, at: int) -> _Thing:
        """A verb, with the preposition and the object that belong to it."""
        behind = at + 1
        if f"{self._word(at)} {self._word(behind)}" in self._cues.bound or (
            self._kind(at) == "action" and " " in self._word(at) and not self._mark(behind)
        ):
            behind += " " not in self._word(at)
            thing = self._thing(behind)
            return self._from(at, thing) if thing else _Thing(self._said(at, behind), behind)
        thing = None
        if not self._mark(behind) and not self._breaks(behind, ()):
            thing = self._object(behind)
        return self._from(at, thing) if thing else _Thing(self._words[at].text, behind)

    def _object(self, at: int) -> _Thing | None:
        """The object of a verb, directly behind it."""
        word = self._word(at)
        if word in self._cues.adverb or word.endswith("ly") or self._kind(at) in _APART:
            return None
        if self._words[at].content and self._language not in ("en",) and not self._noun(at):
            return None
        if self._verbal(at):
            return None
        return self._thing(at)

    def _from(self, at: int, thing: _Thing) -> _Thing:
        """The words from here to the end of a thing."""
        return _Thing(self._said(at, thing.after), thing.after)

    def _said(self, at: int, after: int) -> str:
        return self._text[self._words[at].start : self._words[after - 1].end]

    def _between(self, at: int) -> list[_Thing]:
        """French: ne, the verb, pas, and what the verb carries."""
        while self._word(at) in self._cues.beside - _FRENCH_NOT and not self._mark(at + 1):
            at += 1
        verb, at = at, at + 1
        word = self._word(at)
        if self._mark(verb) or word not in _FRENCH_NOT | _FRENCH_NONE:
            return []  # "ne … que" is nothing but
        if self._word(verb) in self._cues.light or word in _FRENCH_NONE:
            return self._things(at + 1)
        said = self._words[verb].text
        thing = self._thing(at + 1) if not self._mark(at + 1) else None
        if (
            self._words[at + 1 : at + 2]
            and f"{fold(said)} {self._word(at + 1)}" in self._cues.bound
        ):
            thing = self._thing(at + 2)
            said = f"{said} {self._words[at + 1].text}"
        if thing is None:
            return [_Thing(said, at + 1)]
        return [_Thing(f"{said} {self._said(at + 1, thing.after)}", thing.after)]

    def _behind_verb(self, cue: re.Match[str], at: int) -> _Thing | None:
        """German: "schaut nicht in die Kamera"; the verb stands before."""
        verb = self._index(cue.start()) - 1
        if verb < 0 or self._kind(verb) != "action" or self._kind(at) in _DESCRIBES:
            return None
        if self._word(at) in self._cues.degree:
            return None
        said = self._words[verb].text
        if f"{fold(said)} {self._word(at)}" in self._cues.bound:
            thing = self._thing(at + 1)
            if thing:
                return _Thing(f"{said} {self._said(at, thing.after)}", thing.after)
        return _Thing(said, at)

    # The words around

    def _spans(self, cue: re.Match[str], things: Sequence[_Thing], *, acting: bool) -> list[Denial]:
        """The denials, with the words that go with them."""
        begin = self._index(cue.start())
        if self._language == "de" and acting and self._kind(begin - 1) == "action":
            begin -= 1
        lead = self._lead(begin)
        if self._partial(lead):
            return []
        start = (
            self._words[lead].start
            if lead < begin
            else min(
                cue.start(), self._words[begin].start if begin < len(self._words) else cue.start()
            )
        )
        things = self._with_participle(begin, things)
        out: list[Denial] = []
        for thing in things:
            end = self._words[thing.after - 1].end if thing.after else cue.end()
            out.append(Denial(start=start, end=max(end, cue.end()), what=thing.what))
            start = out[-1].end
        verbs = self._folded[lead:begin]
        said = acting or any(word in self._cues.light for word in verbs)
        return [*out[:-1], replace(out[-1], end=self._tail(out[0].start, out[-1].end, said))]

    def _lead(self, begin: int) -> int:
        """The first of the words before the cue that go with it."""
        lead = begin
        while lead and self._word(lead - 1) in self._cues.lead:
            lead -= 1
        relative = lead < begin and self._word(lead) in ("which", "whom", "welcher", "welchem")
        if relative and lead and self._word(lead - 1) in self._cues.preposition:
            lead -= 1
        return lead

    def _partial(self, lead: int) -> bool:
        """Whether only some of several are without: "one with a hat, one without"."""
        before = self._word(lead - 1) if lead else ""
        return bool(before) and (before in self._cues.partial or before.isdigit())

    def _with_participle(self, begin: int, things: Sequence[_Thing]) -> list[_Thing]:
        """With what they do, where nobody else is there to do it: no cars parked."""
        last = things[-1]
        at = last.after
        if self._language != "en" or self._mark(at) or not self._verbal(at):
            return list(things)
        if self._word(at) in self._cues.preposition | self._cues.light | {"including"}:
            return list(things)
        clause = self._clause(begin)
        kinds = {self._kind(i) for i in clause}
        noun = self._kind(at - 1)
        others = any(self._words[i].content for i in clause)
        theirs = not others or (noun in _MOVES and not kinds & _ALIVE and "" not in kinds)
        if not theirs and not (
            noun in _MOVES and not kinds & _ALIVE and self._word(at) == "parked"
        ):
            return list(things)
        what = f"{last.what} {self._words[at].text}"
        return [*things[:-1], _Thing(what, at + 1)]

    def _denies(self, at: int) -> bool:
        """Whether a cue stands here, or behind the words that lead to one."""
        while self._word(at) in self._cues.lead:
            at += 1
        if self._mark(at):
            return False
        cue = self._cues.search.match(self._text, self._words[at].start)
        return cue is not None and cue["idiom"] is None

    def _clause(self, begin: int) -> list[int]:
        """The content words from the last mark to here."""
        out: list[int] = []
        for at in range(begin - 1, -1, -1):
            if self._words[at].mark:
                break
            if self._words[at].content:
                out.append(at)
        return out

    def _tail(self, start: int, end: int, said: bool) -> int:
        """Where the cut ends: what only went with the denial goes as well."""
        while trail := self._cues.trail.match(self._text, end):
            end = trail.end()
        at = self._index(end)
        before = self._text[:start].rstrip()
        opens = not before or before[-1] in ",.;:!?，。；"
        linked = self._word(at) in self._cues.both | {"but", "sondern", "sino"}
        if linked and (said or opens) and not self._denies(at + 1):
            end = self._words[at].end
            at += 1
        if opens and self._word(at) in self._cues.preposition and not self._mark(at + 1):
            end = self._words[at].end  # "no people in a city" leaves a city
        return end

"""What a wish says of its picture, as far as it decides which details go with it.

    "a lighthouse at night, watercolor"  ▶  {building, masonry, night, painted, watercolor, mono..}
                                            homes (coast,)   noun "the lighthouse"

The invariant: what is denied is no fact, and no two readings of the same wish differ.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from prompting.reading.denials import Denial, denials, without
from prompting.reading.facts import facts
from prompting.reading.forms import plural, plurals
from prompting.reading.lexicon import OBJECTS, Lexicon, fold
from prompting.scenery.grammar import TABLES
from prompting.scenery.kin import kin, lacked
from prompting.scenery.matter import matter, shape_only
from prompting.slots import Language, WishText

_LATIN = re.compile(r"[a-z0-9][a-z0-9'’.-]*")
_LONGEST = 4  # words of the longest phrase in the table
# Words that put a thing somewhere, though the place itself may be unknown.
_SOMEWHERE = re.compile(
    r"\b(?:in|on|at|under|inside|through|across|over|near|beside|behind|beneath|among|along|onto"
    r"|above|by|between|atop|against|around|into|outside|underneath|below|crossing|climbing"
    r"|entering|leaving|approaching|exploring|visiting|wandering|overlooking)\s+"
    r"(?:(?:an?|the|his|her|its|their|my|some|this|front|top|middle)\s+(?:of\s+)?)*(?=[a-z])",
    re.I,
)
_SOMEWHERE_ZH = re.compile(
    r"([^\s,，。的]{1,8}?)(?:[里上中下旁前后内外]|旁边|之间)(?=[的,，。有站坐躺睡看飞跑]|一|$)"
)
_OF = re.compile(r"s?\s+(?:full\s+)?of\s+(?:[\w-]+\s+){0,2}$", re.I)
_EATEN = frozenset({"dish", "drink", "fruit", "baked", "sweet", "edible", "flower"})
_LIVING = frozenset(
    ("person", "furry", "feathered", "scaly", "smooth", "insect", "creature", "machine", "spirit")
)
_MEASURES = frozenset("碗杯盘瓶壶盒袋箱锅篮筐束")
_IDIOM = re.compile(
    r"(?:bloom|flight|motion|love|fire|work|rest|style|colou?rs?|focus|detail|action|profile|prayer"
    r"|costume|disguise|uniform|peace|harmony|silence|sleep|thought|tears|search|line|row|pairs?"
    r"|circles?|vogue|high|low|full|dawn|dusk|noon|once|least|all|time|hand|foot|top)\b",
    re.I,
)
_MANY_ZH = re.compile(r"[二两三四五六七八九十几]{1,3}[只个条朵匹头位名艘辆座棵群]")
_NEAR = 24  # characters
# Of two facts that a wish seems to state, the one on the left stands.
_STRONGER = (("night", "day"), ("dusk", "day"), ("dawn", "day"), ("night", "dusk"))
PLACES = "at:"  # before a place that the wish names
HOMES = "of:"  # before one where its things belong
FEELS = "feels:"
SAID = "said:"
MADE = "made:"  # before what a thing may be made of
# Where a thing belongs that is made of something else than its kind.
_MADE_HOMES = {"carved": ("garden", "park"), "icy_made": ("park",), "metal": ("park", "studio")}
_BUILT = frozenset({"carved", "wooden", "metal"})  # of these, a building stays one
_MANY = re.compile(r"\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|\d+|dozens?)\b", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gist:
    """What a wish says."""

    facts: frozenset[str]
    places: tuple[str, ...]  # that it names, in reading order
    homes: tuple[str, ...]  # where its first thing belongs
    moods: tuple[str, ...]
    noun: str  # what stands for its first thing in an English sentence
    noun_zh: str
    words: frozenset[str]  # all that it says, by the lexicon's names
    denied: frozenset[str]  # words, and names of the lexicon
    settled: bool  # whether it says where it is, in whatever words


@dataclass(frozen=True, slots=True)
class _Found:
    start: int
    text: str
    facts: tuple[str, ...]


def gist_of(wish: WishText, lexicon: Lexicon, *, style: str = "") -> Gist:
    """The gist of a wish; `style` are words around it that count as its own."""
    denied = denials(wish.words, lexicon, wish.language)
    text = without(wish.words, denied)
    found = [_seen(word, text) for word in _found(text, wish.language, lexicon)]
    first = _first(found, text)
    if first is not None:
        made = _made(first, found, text)
        found[found.index(first)] = made
        first = made
    # A surface or a motion is the first thing's own: an octopus that plays drums has no varnish.
    said = {fact for word in found for fact in word.facts if word is first or fact not in _SUBJECTS}
    if style:
        said |= {
            fact
            for word in _found(style, "en", lexicon)
            for fact in word.facts
            if not fact.startswith((PLACES, HOMES)) and fact not in _SUBJECTS
        }
    for stronger, weaker in _STRONGER:
        if stronger in said:
            said.discard(weaker)
    noun, noun_zh = _nouns(first, wish, lexicon)
    places = _of(found, PLACES)
    return Gist(
        facts=frozenset(f for f in said if not f.startswith((PLACES, HOMES, MADE)))
        | _headings(said)
        | _counted(text),
        places=places,
        homes=_homes(first, found),
        moods=tuple(dict.fromkeys(f.removeprefix(FEELS) for f in said if f.startswith(FEELS))),
        noun=noun,
        noun_zh=noun_zh,
        words=frozenset(facts(wish.words, lexicon, wish.language).words),
        denied=_denied(denied, wish.language, lexicon) | lacked(text),
        settled=bool(places) or _settled(text, wish.language, found),
    )


def _seen(word: _Found, text: str) -> _Found:
    """The word, without what it says of a thing that is no more than a shape here."""
    if not shape_only(text, word.start, word.start + len(word.text)):
        return word
    kept = (f for f in word.facts if f not in _SUBJECTS and not f.startswith((HOMES, PLACES)))
    return _Found(word.start, word.text, tuple(kept))


def _made(first: _Found, found: list[_Found], text: str) -> _Found:
    """The first thing as it is in what it is made of."""
    matters = {
        (word.start, word.start + len(word.text)): frozenset(kinds)
        for word in found
        if (kinds := [f.removeprefix(MADE) for f in word.facts if f.startswith(MADE)])
    }
    made = matter(text, first.start, first.start + len(first.text), matters)
    if not made or (made <= _BUILT and {"building", "masonry", "land"} & set(first.facts)):
        return first
    kept = [f for f in first.facts if f not in _SUBJECTS and not f.startswith(HOMES)]
    homes = next((_MADE_HOMES[kind] for kind in sorted(made) if kind in _MADE_HOMES), ("table",))
    facts = (*kept, *sorted(made), "object", *(HOMES + home for home in homes))
    return _Found(first.start, first.text, tuple(facts))


def _counted(text: str) -> frozenset[str]:
    """That there are several of something, where a number says so."""
    several = any(found[0] not in ("1", "0") for found in _MANY.finditer(text))
    return frozenset({"grouped"} if several or _MANY_ZH.search(text) else ())


def _first(found: list[_Found], text: str) -> _Found | None:
    """The thing that the picture is of: of a bowl of soup the soup, of a cat in a hat the cat."""
    things = [word for word in found if _SUBJECTS & set(word.facts)]
    if not things:
        return None
    at = 0
    while at + 1 < len(things) and _belongs(things[at], things[at + 1], text):
        at += 1
    first = things[at]
    if _LIVING & set(first.facts) or (first.text.isascii() and "building" in first.facts):
        return first
    vehicle = {"road", "rail", "airborne", "floating", "spacefaring"} & set(first.facts)
    living = (word for word in things if _LIVING & set(word.facts))
    return first if vehicle else next(living, first)


def _belongs(word: _Found, after: _Found, text: str) -> bool:
    """Whether a thing only holds, measures or describes the one behind it."""
    between = text[word.start + len(word.text) : after.start]
    if word.text.isascii():
        eaten = _EATEN & set(after.facts)
        return between == " " or bool(eaten and _OF.match(between))
    return not between and (word.text in _MEASURES or not _LIVING & set(word.facts))


def _homes(first: _Found | None, found: list[_Found]) -> tuple[str, ...]:
    """Where the first thing belongs; of several places, where the others do as well."""
    if first is None:
        return ()
    homes = _of([first], HOMES)
    votes = {home: sum(HOMES + home in word.facts for word in found) for home in homes}
    most = max(votes.values(), default=0)
    return tuple(home for home in homes if votes[home] == most)


def _settled(text: str, language: Language, found: list[_Found]) -> bool:
    """Whether the wish puts its things somewhere, be it a place that nobody knows."""
    if language == "zh":
        whens = [word for word in found if _when(word)]
        return any(
            not any(word.start <= put.end(1) <= word.start + len(word.text) for word in whens)
            for put in _SOMEWHERE_ZH.finditer(text)
        )
    for put in _SOMEWHERE.finditer(text):
        if _IDIOM.match(text, put.end()):
            continue
        next_one = next((word for word in found if word.start >= put.end()), None)
        near = next_one is not None and next_one.start - put.end() < _NEAR
        if near and next_one is not None and _when(next_one):
            continue
        return True
    return False


def _when(word: _Found) -> bool:
    """Whether it says when, in which weather, in what or how made, and not where."""
    headings = _table().headings
    kinds = ("time", "sky", "season", "medium", "mood", "light")
    said = set(word.facts)
    if any(fact.startswith(PLACES) for fact in said):
        return False
    return bool(said & {"cloth", "armoured", "leather"}) or any(
        said & headings[kind] for kind in kinds
    )


def _headings(said: set[str]) -> frozenset[str]:
    """Of what kind facts are stated at all: said:time, said:medium."""
    return frozenset(
        SAID + heading
        for heading, names in _table().headings.items()
        if any(name in said for name in names)
    )


def _of(found: list[_Found], prefix: str) -> tuple[str, ...]:
    names = (f.removeprefix(prefix) for word in found for f in word.facts if f.startswith(prefix))
    return tuple(dict.fromkeys(names))


def _nouns(first: _Found | None, wish: WishText, lexicon: Lexicon) -> tuple[str, str]:
    if first is None:
        return "", ""
    entry = lexicon.find(first.text, wish.language)
    if entry is not None and entry.kind not in OBJECTS:
        return "", ""
    english = first.text if wish.language == "en" else entry.form("en") if entry else ""
    if english and wish.language != "en":
        said = facts(wish.words, lexicon, wish.language)
        if any(thing == english for _, thing in said.numbers):
            english = plural(english)
    chinese = first.text if wish.language == "zh" else ""
    return (f"the {english}" if english else ""), chinese


def _denied(found: tuple[Denial, ...], language: str, lexicon: Lexicon) -> frozenset[str]:
    words: set[str] = set()
    for denial in found:
        for word in lexicon.read(denial.what, language):
            if word.content:
                words |= {word.key, fold(word.text)}
                words |= set(plurals(word.key)[:1]) if word.key.isascii() else set()
    return frozenset(words) | kin(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """The words, and what each of them says."""

    latin: Mapping[str, tuple[str, ...]]
    chinese: Mapping[str, tuple[str, ...]]
    headings: Mapping[str, frozenset[str]]
    kinds: Mapping[str, tuple[str, ...]]  # of the lexicon's words that the table lacks


_PREFIXES = {"place": PLACES, "home": HOMES, "mood": FEELS, "matter": MADE}


@lru_cache(maxsize=1)
def _table() -> _Table:
    latin: dict[str, list[str]] = {}
    chinese: dict[str, list[str]] = {}
    headings: dict[str, frozenset[str]] = {}
    for heading, rows in tomllib.loads((TABLES / "words.toml").read_text("utf-8")).items():
        prefix = _PREFIXES.get(heading, "")
        headings[heading] = frozenset(prefix + fact for fact in rows)
        for fact, words in rows.items():
            for word in words.split(","):
                form = fold(word.strip())
                into = latin if form[:1].isascii() else chinese
                into.setdefault(form, []).append(prefix + fact)
    return _Table(
        latin=MappingProxyType({word: tuple(said) for word, said in latin.items()}),
        chinese=MappingProxyType({word: tuple(said) for word, said in chinese.items()}),
        headings=MappingProxyType(headings),
        kinds=MappingProxyType(_kinds()),
    )


def _kinds() -> dict[str, tuple[str, ...]]:
    rows = tomllib.loads((TABLES / "settings.toml").read_text("utf-8"))["kinds"]
    return {kind: tuple(str(said).split()) for kind, said in rows.items()}


_SUBJECTS = frozenset(
    (
        *tomllib.loads((TABLES / "words.toml").read_text("utf-8"))["subject"],
        *("creature", "edible", "vehicle", "object"),
    )
)  # what makes a word a thing


def _found(text: str, language: Language, lexicon: Lexicon) -> Iterator[_Found]:
    """Words of the table, in reading order: first the lexicon's, then what it lacks."""
    table = _table()
    taken: dict[int, _Found] = {}
    for word in lexicon.read(text, language):
        if word.entry is None:
            continue
        said = table.latin.get(word.entry.name) or table.kinds.get(word.entry.kind)
        if said:
            taken[word.start] = _Found(word.start, word.text, said)
    others = _chinese(text) if language == "zh" else _phrases(text)
    for found in others:
        before = taken.get(found.start)
        if before is None or len(found.text) > len(before.text):
            # "polar bear" is a bear as well; a longer phrase says more.
            taken[found.start] = found
    yield from (taken[start] for start in sorted(taken))


def _phrases(text: str) -> Iterator[_Found]:
    known = _table().latin
    words = [(found.start(), found[0].strip(".-")) for found in _LATIN.finditer(fold(text))]
    at = 0
    while at < len(words):
        for length in range(min(_LONGEST, len(words) - at), 0, -1):
            phrase = " ".join(word for _, word in words[at : at + length])
            said = next((known[form] for form in _singulars(phrase) if form in known), None)
            if said is not None:
                yield _Found(words[at][0], phrase, said)
                at += length
                break
        else:
            at += 1


def _singulars(phrase: str) -> tuple[str, ...]:
    forms = [phrase, phrase.removesuffix("s"), phrase.removesuffix("es")]
    if phrase.endswith("ies"):
        forms.append(f"{phrase[:-3]}y")
    if phrase.endswith("men"):
        forms.append(f"{phrase[:-3]}man")
    return tuple(forms)


def _chinese(text: str) -> Iterator[_Found]:
    known = _table().chinese
    at = 0
    while at < len(text):
        for length in range(min(5, len(text) - at), 0, -1):
            part = text[at : at + length]
            if part in known:
                yield _Found(at, part, known[part])
                at += length
                break
        else:
            at += 1

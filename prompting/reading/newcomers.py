"""Who and what a sentence brings into a picture that nobody asked for.

    wish "an owl in a garden"   "The bird sits among roses."   ▶ nobody new: a bird, in a garden
                                "A gardener watches it."       ▶ gardener

The invariant: a person, an animal, a vehicle or a building is new unless the wish names one that it
can be; any other thing is new where the sentence introduces it ("a table", "two chairs", "Books
lie ..."), unless it is at home with something of the wish (`[belongs]`) or worn by somebody of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from prompting.reading.facts import Facts
from prompting.reading.lexicon import OBJECTS, Lexicon, Word, fold, plurals
from prompting.reading.scene_tables import SceneTables, scene_tables

_BEINGS = frozenset({"animal", "person", "vehicle"})
_AROUND = frozenset({"place", "nature", "structure"})
# Things that are what others are made of, or how a picture is taken.
_NO_THINGS = frozenset({"glass", "crystal", "diamond", "camera", "frame", "halo"})
_DESCRIBES = frozenset({"colour", "quality", "material", "look", "mood"})
_ONE = frozenset("一几两")  # that a Chinese word for one, some or two begins with
_GENERIC = frozenset({"man", "woman", "person", "child", "girl", "boy"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """What the wish names, and what may stand beside it."""

    named: Mapping[str, str]  # key -> kind; "" of what the lexicon does not know
    around: frozenset[str]  # keys of surroundings that were told besides
    names: frozenset[str]  # those unknown words that are written with a capital
    text: str  # of the wish, folded

    @property
    def alive(self) -> bool:
        """Whether somebody is there, or something that may be somebody."""
        return self.stranger or not {"animal", "person"}.isdisjoint(self.named.values())

    @property
    def stranger(self) -> bool:
        """Whether somebody may be there whom the lexicon does not know."""
        known = OBJECTS & set(self.named.values())
        return bool(self.names) or ("" in self.named.values() and not known)


def company(facts: Sequence[Facts], text: str, around: Sequence[Facts] = ()) -> Company:
    """The company of a wish, whose facts are in one language or in two.

    `around` are those of sentences that were told: of them only surroundings count.
    """
    named = {key: said.kinds.get(key, "") for said in facts for key in said.words}
    told = {key for said in around for key, kind in said.kinds.items() if kind in _AROUND}
    written = [word for said in facts for key, word in said.words.items() if key not in said.kinds]
    names = frozenset(fold(word) for word in written if word[:1].isupper())
    return Company(named=named, around=frozenset(told), names=names, text=fold(text))


def newcomers(
    sentence: str, company: Company, lexicon: Lexicon, language: str
) -> tuple[tuple[str, ...], frozenset[str]]:
    """What the sentence brings in against the rule; and the keys of what it may bring in."""
    tables = scene_tables()
    said = tables.figures.sub(" ", sentence)
    words = [word for word in lexicon.read(said, language) if not word.mark]
    new: list[str] = []
    may: set[str] = set()
    for at, word in enumerate(words):
        kind = word.entry.kind if word.entry else ""
        if word.function:
            continue
        if _named(word, company):
            may.add(word.key)
        elif kind in OBJECTS:
            if _may_come(words, at, company, tables):
                may.add(word.key)
            else:
                new.append(word.text)
        elif (
            (kind == "place" and not _one_ground(word.key, company, tables))
            or _part_of_nobody(words, at, company, tables)
            or (not kind and language == "en" and _being(words, at, company, tables))
        ):
            new.append(word.text)
    if language == "zh":
        new += [
            name for name in tables.beings["zh"] if name in sentence and name not in company.text
        ]
        if not company.alive:
            new += [part for part in tables.living["zh"] if part in sentence]
    return tuple(dict.fromkeys(new)), frozenset(may)


def _may_come(words: Sequence[Word], at: int, company: Company, tables: SceneTables) -> bool:
    """Whether the thing, or whoever it is, may stand beside what the wish names."""
    entry = words[at].entry
    kind = entry.kind if entry else ""
    if _no_thing(words, at, tables) or _same(words, at, company, tables):
        return True
    if kind in _BEINGS:
        return False
    if kind != "building" and not _introduced(words, at, tables):
        return True
    return _belongs(words[at].key, company, tables) or _worn(words, at, company, tables)


def _introduced(words: Sequence[Word], at: int, tables: SceneTables) -> bool:
    """Whether the sentence brings the thing in: "a bench", "two chairs", "Books lie ..."."""
    for before in reversed(words[:at]):
        said, kind = fold(before.text), before.entry.kind if before.entry else ""
        if before.function or kind == "number":
            return kind == "number" or said in tables.introducing or said[:1] in _ONE
        if kind not in _DESCRIBES:
            return False  # "Steam rolls": what stands behind another noun is a verb, or its own
    entry = words[at].entry
    name = entry.name if entry else ""
    many = fold(words[at].text) != name and words[at].text.endswith("s")
    return many or not words[at].text.isascii()


def _named(word: Word, company: Company) -> bool:
    if not word.text.isascii() and word.text in company.text:
        return True  # within a name that a script without spaces writes in one
    forms = {word.key, fold(word.text)}
    forms |= {form.removesuffix("'s").removesuffix("s") for form in forms}
    forms |= {many for form in forms for many in plurals(form)}
    return bool(forms & company.named.keys())


def _no_thing(words: Sequence[Word], at: int, tables: SceneTables) -> bool:
    """Whether the word is a verb here, a shape, or what something is made of."""
    word = fold(words[at].text)
    following = fold(words[at + 1].text) if at + 1 < len(words) else ""
    if words[at].key in _NO_THINGS:
        return True
    if following == "of" and _in(word, tables.shapes):
        return True
    if word not in tables.verbs or at == 0:
        return False
    before = at - 1
    while before > 0 and (entry := words[before].entry) and entry.kind in ("colour", "quality"):
        before -= 1
    said = fold(words[before].text)
    entry = words[before].entry
    return not (said in tables.before_nouns or (entry is not None and entry.kind == "number"))


def _definite(words: Sequence[Word], at: int, tables: SceneTables) -> bool:
    """Whether the word means one that was named: the old man, its wings."""
    if not words[at].text.isascii():
        return True  # Chinese says "the" by saying nothing
    for before in reversed(words[max(0, at - 3) : at]):
        if fold(before.text) in tables.definite:
            return True
        if before.function:
            return False
    return False


def _same(words: Sequence[Word], at: int, company: Company, tables: SceneTables) -> bool:
    """Whether somebody of the wish can be meant: the bird, of an owl."""
    if not _definite(words, at, tables):
        return False
    key, entry = words[at].key, words[at].entry
    kind = entry.kind if entry else ""
    if company.stranger and key in _GENERIC:
        return True
    if kind in company.named.values() and fold(words[at].text) in tables.general.get(kind, ()):
        return True
    if any(key in company.named for key in tables.called.get(key, ())):
        return True
    people = (named for named, its in company.named.items() if its == "person")
    return kind == "person" and any(_can_be(key, named, tables) for named in people)


def _can_be(general: str, person: str, tables: SceneTables) -> bool:
    """Whether a person can be called the man, the girl, the child."""
    if general == "person" or (person in ("people", "family") and general in _GENERIC):
        return True
    child, man, woman = (person in tables.sexes[who] for who in ("child", "man", "woman"))
    match general.removeprefix("old "):
        case "man":
            return not (woman or child)
        case "woman":
            return not (man or child)
        case "child":
            return child
        case "girl":
            return child and not man
        case "boy":
            return child and not woman
    return False


def _being(words: Sequence[Word], at: int, company: Company, tables: SceneTables) -> bool:
    """Whether a word that the lexicon does not know names somebody who was not asked for."""
    name = fold(words[at].text).removesuffix("'s")
    if not _in(name, tables.beings["en"]) or name in company.text:
        return False
    shape = at + 1 < len(words) and fold(words[at + 1].text) == "of" and _in(name, tables.shapes)
    if shape or (name in tables.verbs and _no_thing(words, at, tables)):
        return False
    meant = company.stranger or any(
        _in(name, tables.general.get(kind, frozenset())) for kind in company.named.values()
    )
    general = any(name in names for names in tables.general.values())
    return not (general and meant and _definite(words, at, tables))


def _part_of_nobody(words: Sequence[Word], at: int, company: Company, tables: SceneTables) -> bool:
    """Whether the word is a part of somebody, where nobody is."""
    following = fold(words[at + 1].text) if at + 1 < len(words) else ""
    shape = following == "of" and _in(words[at].text, tables.shapes)
    return not company.alive and not shape and _in(words[at].text, tables.living["en"])


def _worn(words: Sequence[Word], at: int, company: Company, tables: SceneTables) -> bool:
    """Whether it is something that somebody of the wish wears: her coat."""
    owned = any(fold(word.text) in tables.owned for word in words[max(0, at - 3) : at])
    person = "person" in company.named.values() or company.stranger
    return owned and person and words[at].key in tables.sorts["clothes"]


def _belongs(key: str, company: Company, tables: SceneTables) -> bool:
    """Whether it is at home with anything of the wish; a wooden house is where a house is."""
    these = {key, key.rsplit(maxsplit=1)[-1]}
    hosts = {
        part for named in (*company.named, *company.around) for part in (named, *named.split())
    }
    return any(these & tables.belongs.get(host, frozenset()) for host in hosts)


def _one_ground(place: str, company: Company, tables: SceneTables) -> bool:
    """Whether a place can be that of the wish, too."""
    mine = tables.grounds.get(place) if place not in ("space", "room") else None  # both are room
    others = {tables.grounds[key] for key in company.named if key in tables.grounds}
    return mine is None or not others or mine in others


def _in(word: str, words: Collection[str]) -> bool:
    """Whether the word, or its singular, is one of them."""
    word = fold(word)
    singular = f"{word[:-3]}y" if word.endswith("ies") else word.removesuffix("s")
    return word in words or singular in words or word.removesuffix("es") in words

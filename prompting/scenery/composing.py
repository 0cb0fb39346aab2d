"""Details for a wish: what a good prompt engineer would add to it, and nothing against it.

    wish ─▶ Gist ─▶ Decided ─▶ place, light, surface, camera, composition, mood, tone
                                 as tags, as danbooru's tags, or as sentences in English or Chinese

The invariants: of each group there is at most one detail; none names an object, a colour or a
number that the wish does not; the same wish, dialect and seed give the same details.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from prompting.hiding import mended
from prompting.reading.keep import contradictions
from prompting.reading.lexicon import OBJECTS, Lexicon, fold
from prompting.reading.prose import length, together
from prompting.scenery.deciding import Decided, Dice, decide
from prompting.scenery.gist import Gist, gist_of
from prompting.scenery.grammar import SceneGrammar, Telling, grammar, stems
from prompting.scenery.keeping import kept
from prompting.scenery.starting import starter_place
from prompting.slots import Language, WishText
from prompting.speaking.dialects import Dialect, Speech

_TAGGED = frozenset({Speech.TAGS, Speech.PHRASES, Speech.BOORU})
_HONEST = re.compile(r"\b([Aa]) (hon|hour)")  # no vowel stands there, and one is heard
_NAMED = OBJECTS | {"colour", "number"}
_TRIES = 5  # of one detail, until it is not against the wish
_LEAST, _MOST = 44, 76  # words of a prompt in prose, the wish's own among them
_FURTHER = ("texture", "place", "layout", "mood", "texture", "layout")  # where a prompt is short
_TAGS = 6
_TIGHT, _ROOM = 58, 200  # words where the dialect has room for no more tokens than that


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """Details in the order of a prompt, the most worth keeping first."""

    details: tuple[str, ...]
    facts: frozenset[str]  # of the picture that they describe
    language: Language = "en"

    @property
    def scene(self) -> str:
        """The details as one text, where they are sentences."""
        return together(self.details, self.language)


def compose(
    wish: WishText,
    lexicon: Lexicon,
    dialect: Dialect,
    seed: int,
    *,
    style: str = "",
    began: str = "",
) -> Composed:
    """What is added to a wish.

    `style` is the template of a style that was chosen, whose words count as the wish's.  `began`
    is the wish as it was before further ones: the dice fall as they fell for it.
    """
    gist = gist_of(wish, lexicon, style=style)
    if dialect.kind in (Speech.AUDIO, Speech.CLIP, Speech.FORM):
        return Composed(details=(), facts=gist.facts)
    text = f"{dialect.kind}/{fold(began or wish.text)}"
    dice = Dice(seed=seed, text=text)
    language = dialect.language(wish.language)
    chinese = language == "zh"
    if dialect.kind is Speech.STARTER:
        place = starter_place(gist, dice.of("place"))
        return Composed(details=(place,) if place else (), facts=gist.facts)
    if dialect.kind is Speech.INSTRUCTION:
        return Composed(details=kept(gist, dice.of("kept"), chinese=chinese), facts=gist.facts)
    booru = dialect.kind is Speech.BOORU
    tagged = dialect.kind in _TAGGED
    table = "booru" if booru else "tags" if tagged else "zh" if chinese else "en"
    teller = _Teller(
        wish=wish,
        lexicon=lexicon,
        gist=gist,
        decided=_numbered(decide(gist, dice, booru=booru), gist),
        dice=dice,
        table=grammar(table),
        language="zh" if chinese else "en",
        said=set(stems(wish.words)),
    )
    details = _tags(teller, booru=booru) if tagged else _prose(teller, dialect)
    facts, language = teller.decided.facts, "en" if tagged else teller.language
    return Composed(details=details, facts=facts, language=language)


def _numbered(decided: Decided, gist: Gist) -> Decided:
    """What was decided, with whether its thing has a name, and is one."""
    number = "nameless" if not gist.noun else "several" if gist.noun.endswith("s") else "single"
    return replace(decided, facts=decided.facts | {number})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Teller:
    """Says what was decided."""

    wish: WishText
    lexicon: Lexicon
    gist: Gist
    decided: Decided
    dice: Dice
    table: SceneGrammar
    language: Language
    said: set[str]

    def say(self, symbol: str, purpose: str = "") -> str:
        """A text for the symbol that is not against the wish; empty where there is none."""
        dice = self.dice.of(purpose or symbol)
        for _ in range(_TRIES):
            said = set(self.said)
            telling = Telling(
                facts=self.decided.facts,
                dice=dice,
                values={"it": self._it()},
                said=said,
                allows=self._allows,
            )
            text = _tidy(self.table.expand(symbol, telling))
            if text and not contradictions(
                self.wish, text, lexicon=self.lexicon, language=self.language
            ):
                self.said.update(said)
                return text
        return ""

    def place(self, purpose: str = "place") -> str:
        """Where it is, in the words of the place; of an unknown one, little is said."""
        return self.say("place", purpose) if self.decided.place else ""

    def light(self, purpose: str = "light") -> str:
        """How it is lit; in a medium of lines and flat shapes, nothing is."""
        facts = self.decided.facts
        if "modelled" not in facts:
            return ""
        return self.say("shine" if facts & {"lit", "neon"} else "light", purpose)

    def _it(self) -> str:
        if self.language == "zh":
            return self.gist.noun_zh or "画面"
        return self.gist.noun or "the scene"

    def _allows(self, line: str) -> bool:
        """Whether it brings nothing that is denied, and no thing that the wish does not have."""
        words = fold(line)
        if any(_begins(word, words) for word in self.gist.denied):
            return False
        return _things(line, self.lexicon, self.language) <= self.gist.words


def _tags(teller: _Teller, *, booru: bool) -> tuple[str, ...]:
    """Tags, the most worth keeping first; no more than drown no subject."""
    facts = teller.decided.facts
    parts = [teller.place()]
    if booru:  # danbooru says a place in several short tags
        parts.append(teller.place("place further"))
    parts.append(teller.light())
    if "modelled" in facts:
        parts.append(teller.say("surface"))
    else:
        parts.append(teller.say("camera", "surface"))
    if not facts & {"focused"}:
        parts.append(teller.say("camera"))
    rest = ["frame", "mood", "tone"]
    if facts & {"composed", "angled"}:
        rest.remove("frame")
    teller.dice.of("frame").shuffle(rest)
    if booru:  # of colours it has few tags, and of moods hardly any
        rest.sort(key="frame".__ne__)
    parts += [teller.say(symbol) for symbol in rest]
    return tuple(dict.fromkeys(filter(None, parts)))[:_TAGS]


def _prose(teller: _Teller, dialect: Dialect) -> tuple[str, ...]:
    """Sentences, until the prompt is as long as one should be."""
    moves = dialect.kind is Speech.VIDEO
    least, most = _LEAST, _TIGHT if dialect.tokens < _ROOM else _MOST
    modelled = "modelled" in teller.decided.facts
    parts = {
        "place": teller.place(),
        "light": teller.light(),
        "motion": teller.say("motion") if moves else "",
        "camera": teller.say("camera"),
        "mood": teller.say("mood"),
    }
    for at, next_one in enumerate(_FURTHER):
        more = "camera" if next_one == "layout" and not modelled else next_one
        if sum(map(length, parts.values())) + length(teller.wish.words) >= least:
            break
        if more == "place" and not (modelled and "outdoor" in teller.decided.facts):
            continue  # of a room or a table one surface is enough
        if modelled or more != "texture":
            purpose = f"{more} {at}"
            again = teller.place(purpose) if more == "place" else teller.say(more, purpose)
            parts[f"more {more}"] = f"{parts.get(f'more {more}', '')} {again}".strip()
    room = most - length(teller.wish.words)
    for dull in (
        "more mood",
        "more place",
        "more layout",
        "more camera",
        "mood",
        "camera",
        "light",
        "motion",
    ):
        if sum(map(length, parts.values())) <= room:
            break
        parts.pop(dull, "")
    parts["place"] = _joined(parts, ("place", "more place"), teller.language)
    camera = ("camera", "more camera", "more layout")
    parts["camera"] = _joined(parts, camera, teller.language)
    order = ("place", "light", "more texture", "motion", "camera", "mood", "more mood")
    told = tuple(parts[name] for name in order if parts.get(name))
    return told if sum(map(length, told)) <= room else ()


def _joined(parts: Mapping[str, str], names: Sequence[str], language: Language) -> str:
    """Some of the parts as one."""
    return together(tuple(parts[name] for name in names if parts.get(name)), language)


def _begins(word: str, text: str) -> bool:
    """Whether a word of the text begins like this one: "shadows" like "shadow"."""
    return bool(re.search(rf"\b{re.escape(word)}", text)) if word.isascii() else word in text


@lru_cache(maxsize=20_000)
def _things(line: str, lexicon: Lexicon, language: Language) -> frozenset[str]:
    """The things, colours and numbers of a line, as the lexicon names them."""
    read = lexicon.read(re.sub(r"\{\w+\}", ",", line), language)
    return frozenset(w.key for w in read if w.entry is not None and w.entry.kind in _NAMED)


def _tidy(text: str) -> str:
    """The text with "an" where a vowel follows, and without doubled blanks."""
    return _HONEST.sub(r"\1n \2", mended(" ".join(text.split())))

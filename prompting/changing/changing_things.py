"""Changes of things that a prompt names: their colour, what they are, how many, what they hold.

The invariant: only the phrase of the thing is touched; where the prompt does not name it, it is
said behind the prompt.
"""

from __future__ import annotations

import re
from dataclasses import replace

from prompting.changing.aspects import adjective_of, content, is_attribute, kind_of
from prompting.changing.cutting import cut, span_of, tidied
from prompting.changing.intents import Action, ContentChange
from prompting.changing.joining import (
    appended,
    bare,
    inserted,
    is_plural,
    refitted,
    with_article,
)
from prompting.changing.opposites import OPPOSITES
from prompting.changing.phrases import (
    DETERMINERS,
    PREPOSITIONS,
    NounPhrase,
    ParsedPrompt,
    find,
    main_phrase,
    parsed,
    role_of,
)
from prompting.changing.vocabulary import vocabulary
from prompting.reading.lexicon import Word, fold

_COLOURS = frozenset({"colour", "material"})
_POSTURES = frozenset(
    (
        *("sitting", "standing", "lying", "sleeping", "running", "walking", "jumping", "flying"),
        *("swimming", "floating", "kneeling", "crouching", "dancing", "climbing", "resting"),
    )
)
_MATTER = frozenset({"glass", "stone", "paper", "wood", "ice", "crystal", "chocolate", "gold"})


def became(prompt: ParsedPrompt, change: ContentChange) -> str:
    """A thing is something else now: red, older, asleep."""
    found = find(prompt, change.what, change.language)
    if not change.what:
        found = _coloured_first(prompt, change) or found
    into = change.into
    if not found:
        return appended(prompt, _named(change))
    verb = _as_participle(into, change.language)
    if verb:
        return _doing(prompt, found[0], verb, change)
    words = content(into, change.language)
    signs = bool(re.fullmatch(r"[\ue000-\uf8ff{}|\w ]*[{\ue000-\uf8ff].*", into))
    if is_attribute(into, change.language) or signs or len(words) == 1 or _is_matter(words):
        return _described(prompt, found[0], into, change)
    gone = _CANNOT_HAVE.get(fold(into).removeprefix("with ").replace("-", " "), ())
    for what in gone:
        if there := find(prompt, what, "en"):
            return became(parsed(cut(prompt.text, [span_of(prompt, there[0])])), change)
    text = _without(prompt, found[0], into, change)
    at = text.index("\0")
    return inserted(text.replace("\0", ""), at, into)


def _is_matter(words: tuple[Word, ...]) -> bool:
    return bool(words) and words[-1].key in _MATTER


def _coloured_first(prompt: ParsedPrompt, change: ContentChange) -> tuple[NounPhrase, ...]:
    """What "it" means where a colour is said: the main thing; in tags, the first coloured one."""
    if not prompt.tags or not all(
        kind_of(word) in _COLOURS for word in content(change.into, change.language)
    ):
        return ()
    return tuple(
        phrase
        for phrase in prompt.phrases
        if any(kind_of(word) == "colour" for word in phrase.words[:-1])
    )[:1]


def _named(change: ContentChange) -> str:
    """The thing and what it is, where the prompt does not name it."""
    what = bare(change.what)
    if not what:
        return change.into
    if fold(what).startswith(("one of", "some of", "half of", "both")):
        return f"{what} {change.into}"
    if is_attribute(change.into, change.language) and fold(change.into.split()[0]) not in (
        *PREPOSITIONS,
        "made",
    ):
        verb = _as_participle(change.into, change.language)
        return f"{what} {verb}" if verb else f"{change.into} {what}"
    return f"{what} {change.into}"


def _described(prompt: ParsedPrompt, phrase: NounPhrase, into: str, change: ContentChange) -> str:
    """An adjective before the noun, in place of those that it contradicts."""
    words = content(into, change.language)
    entry = words[0].entry if len(words) == 1 else None
    if entry and entry.name.endswith("ing") and change.language == "en":
        into = entry.name  # "make it glow"
    if fold(into.partition(" ")[0]) in ("made", "out", "in", "with", "like", "as"):
        text = _without(prompt, phrase, into, change)
        return text.replace("\0", f" {into}", 1) if "\0" in text else appended(prompt, into)
    before = phrase.words[: -len(phrase.nouns)] if len(phrase.words) > 1 else ()
    gone = [word for word in before if _contradicts(word, into, change.language)]
    text, noun = prompt.text, phrase.nouns[0].start
    for word in reversed(gone):
        end = word.end + len(text[word.end :]) - len(text[word.end :].lstrip(" -"))
        text = text[: word.start] + text[end:]
        noun -= end - word.start
    text = f"{text[:noun]}{into} {text[noun:]}"
    start = _first_adjective(text, phrase)
    return refitted(text, start)


def _first_adjective(text: str, phrase: NounPhrase) -> int:
    """Where the words behind the article begin."""
    if not phrase.article:
        return phrase.start
    after = phrase.start + len(phrase.article.text)
    return after + len(text[after:]) - len(text[after:].lstrip())


def _without(prompt: ParsedPrompt, phrase: NounPhrase, into: str, change: ContentChange) -> str:
    """The prompt with a NUL behind the phrase, which has lost what `into` contradicts."""
    text = f"{prompt.text[: phrase.end]}\0{prompt.text[phrase.end :]}"
    for word in reversed(phrase.words[:-1]):
        if _contradicts(word, into, change.language):
            text = text[: word.start] + text[word.end :].lstrip(" ")
    return refitted(text, _first_adjective(text, phrase))


# What somebody who is so cannot have besides.
_CANNOT_HAVE = {
    **dict.fromkeys(("clean shaven", "beardless"), ("beard", "moustache", "mustache")),
    "bald": ("hair",),
    "barefoot": ("shoe", "boot", "sneakers", "socks"),
}
_PATTERNS = frozenset(("striped", "dotted", "checkered", "plaid", "floral", "patterned", "simple"))


def _contradicts(word: Word, into: str, language: str) -> bool:
    """Whether a thing cannot be both: of two colours, of two materials, old and young."""
    kind = kind_of(word)
    if word.key in _PATTERNS and any(w.key in _PATTERNS for w in content(into, language)):
        return True
    others = content(into, language)
    kinds = {kind_of(other) for other in others}
    keys = {other.key for other in others} | {adjective_of(other.text) for other in others}
    if kind == "colour" and ("colour" in kinds or any(c >= "\ue000" for c in into)):
        return True
    matter = word.key in ("wooden", "metal", "striped", "dotted") or kind == "material"
    new_matter = "material" in kinds or keys & {"wooden", "metal"} or _is_matter(others)
    if matter and new_matter:
        return True
    own = adjective_of(word.text) or word.key
    return OPPOSITES.get(own) in keys or own in keys or any(OPPOSITES.get(k) == own for k in keys)


def _as_participle(into: str, language: str) -> str:
    """ "jump over the sofa" is "jumping over the sofa"; "" where it is no verb."""
    words = [word for word in vocabulary().read(into, language) if not word.text.isspace()]
    if not words or kind_of(words[0]) != "action":
        return ""
    entry = words[0].entry
    return f"{entry.name if entry else words[0].text}{into[words[0].end :]}"


def _doing(prompt: ParsedPrompt, phrase: NounPhrase, verb: str, change: ContentChange) -> str:
    """A thing does something; of two postures the new one counts."""
    new = content(verb, "en")
    if new and new[0].key in _POSTURES:
        for word in prompt.words:
            if word.key in _POSTURES and word.start > phrase.start:
                tail = verb if len(new) == 1 else new[0].key
                text = f"{prompt.text[: word.start]}{tail}{prompt.text[word.end :]}"
                if len(new) > 1:
                    return inserted(text, word.start + len(tail), verb[len(tail) :].strip())
                return text
    if change.what:
        return inserted(prompt.text, phrase.end, verb)
    return appended(prompt, verb)


def swapped(prompt: ParsedPrompt, change: ContentChange) -> str:
    """Something takes the place of a thing, with its article and what still fits it."""
    found = find(prompt, change.what, change.language) if change.what else ()
    if not change.what:
        found = _of_its_kind(prompt, change)
    if not found:
        return appended(prompt, change.into)
    text = prompt.text
    if (beside := _only_beside(found[0], change)) is not None:
        return f"{text[: beside.start]}{bare(change.into)}{text[beside.end :]}"
    for phrase in reversed(_once(found)):
        new = _in_place(phrase, change)
        start = phrase.words[0].start if phrase.article is None else phrase.start
        text = f"{text[:start]}{new}{text[phrase.end :]}"
    return text


def _only_beside(phrase: NounPhrase, change: ContentChange) -> Word | None:
    """The word before a noun that is meant alone: the chocolate of a chocolate cake."""
    meant = {word.key for word in content(change.what, change.language)}
    if phrase.head.key in meant or " " in bare(change.into):
        return None
    return next((word for word in phrase.words if word.content and word.key in meant), None)


def _once(found: tuple[NounPhrase, ...]) -> list[NounPhrase]:
    first = found[0].head.key
    return sorted((p for p in found if p.head.key == first), key=lambda p: p.start)


def _of_its_kind(prompt: ParsedPrompt, change: ContentChange) -> tuple[NounPhrase, ...]:
    """The first thing of the new one's kind; otherwise the main thing."""
    words = content(change.into, change.language)
    kind = kind_of(words[-1]) if words else ""
    alike = tuple(p for p in prompt.phrases if kind_of(p.head) == kind and kind)
    living = ("animal", "person")
    if not alike and kind in living:
        alike = tuple(p for p in prompt.phrases if kind_of(p.head) in living)
    return alike[:1] or main_phrase(prompt)


def _in_place(phrase: NounPhrase, change: ContentChange) -> str:
    new = bare(change.into)
    first = fold(change.into.partition(" ")[0])
    named = {word.key for word in content(change.what, change.language)}
    nouns = phrase.nouns
    mods = phrase.words[: len(phrase.words) - len(nouns)]
    plain = len(content(new, change.language)) == 1 and not named & {w.key for w in mods}
    kept = [
        word
        for word in mods
        if plain
        and word.content
        and not _contradicts(word, new, change.language)
        and kind_of(word) in ("colour", "number", "quality", "mood", "")
    ]
    if first in ("a", "an"):
        kept = [word for word in kept if kind_of(word) != "number"]
    new = " ".join((*(word.text for word in kept), new))
    many = is_plural(phrase.head.text)
    if first in DETERMINERS - {"a", "an"} and new != change.into:
        return f"{change.into.partition(' ')[0]} {new}"
    if first in ("a", "an") or (phrase.article and not is_plural(new) and not many):
        article = phrase.article.text if phrase.article and first not in ("a", "an") else "a"
        return with_article(new, article)
    if phrase.article and fold(phrase.article.text) not in ("a", "an"):
        return f"{phrase.article.text} {new}"
    if not phrase.article and first not in ("a", "an"):
        return new
    return new if is_plural(new) else with_article(new)


def given(prompt: ParsedPrompt, change: ContentChange) -> str:
    """Something more: what a thing has or wears, or what stands in the picture besides."""
    into = f"{change.into} {change.where}".strip()
    found = find(prompt, change.to, change.language) if change.to else ()
    leading = content(into, change.language)
    if (owned := _owned(prompt, change, leading)) is not None:
        return owned
    verb = bool(leading) and kind_of(leading[0]) == "action" and into.startswith(leading[0].text)
    if change.to and not found:
        return appended(prompt, f"{bare(change.to)} {into if verb else f'with {into}'}")
    if found and not prompt.tags:
        return inserted(prompt.text, found[0].end, into if verb else f"with {into}")
    more = re.match(r"\A(?:more|another|fewer)\s+(.+)", into)
    if more:
        there = find(prompt, more[1], change.language)
        known = {w.key for w in content(more[1], change.language)}
        if there and any(w.key in known for w in there[0].words) and into.startswith("more"):
            return numbered(prompt, replace(change, what=more[1], to="", where=""))
    if prompt.tags or verb or fold(into.partition(" ")[0]) in PREPOSITIONS:
        return appended(prompt, into if not prompt.tags else bare(into))
    return appended(prompt, f"with {into}")


def _owned(prompt: ParsedPrompt, change: ContentChange, words: tuple[Word, ...]) -> str | None:
    """What somebody has already is otherwise now: purple eyes in place of orange ones."""
    if len(words) < 2 or kind_of(words[0]) == "action" or kind_of(words[0]) == "number":
        return None
    noun = words[-1]
    if kind_of(noun) != "part" and not change.to:
        return None
    there = find(prompt, noun.text, change.language)
    if not there or there[0].head.key != noun.key:
        return None
    swap = replace(change, action=Action.SWAP, what=noun.text, to="", where="")
    return swapped(prompt, swap)


def numbered(prompt: ParsedPrompt, change: ContentChange) -> str:
    """So many of a thing, where it stands."""
    found = find(prompt, change.what, change.language)
    if not found:
        return appended(prompt, change.into)
    phrase = found[0]
    amount = change.into.partition(" ")[0]
    mods = [
        word.text
        for word in phrase.words[: -len(phrase.nouns)]
        if kind_of(word) != "number" and word.content
    ]
    known = {word.key for word in content(change.into, change.language)}
    mods = [word for word in mods if fold(word) not in known]
    words = change.into.split()
    new = " ".join((amount, *mods, *words[1:]))
    return f"{prompt.text[: phrase.start]}{new}{prompt.text[phrase.end :]}"


def placed(prompt: ParsedPrompt, change: ContentChange) -> str:
    """A thing stands somewhere else: its old place goes, where it had one."""
    found = find(prompt, change.what, change.language)
    if not found:
        named = f"{bare(change.what)} {change.into}".strip()
        return appended(prompt, change.into if found else named)
    phrase = found[0]
    place = _place_after(prompt, phrase)
    if place is None:
        return inserted(prompt.text, phrase.end, change.into)
    start, end = span_of(prompt, place)
    return tidied(f"{prompt.text[:start].rstrip()} {change.into}{prompt.text[end:]}")


def _place_after(prompt: ParsedPrompt, phrase: NounPhrase) -> NounPhrase | None:
    """What a thing stands on or in, if that is said behind it."""
    for other in prompt.phrases:
        if other.start <= phrase.end:
            continue
        at = prompt.at(other.start) - 1
        if role_of(prompt.words, at) != "preposition":
            continue
        if fold(prompt.words[at].text) in ("on", "in", "at", "under", "near", "by", "inside"):
            return other
    return None


# Letters that the picture shows already: a sign that stands for a quotation.
_OLD_LETTERS = re.compile(
    r"\b(?:says?|saying|reads?|reading|text|words?|letters|title[d]?|labell?ed|named)\W{1,3}"
    r"([\ue000-\uf8ff])"
)


def lettered(prompt: ParsedPrompt, change: ContentChange) -> str:
    """Letters to be read in the picture."""
    quoted = change.into
    if not re.search(r"[\"“”'「『«„\ue000-\uf8ff]", quoted):
        quoted = f'"{quoted}"'
    if change.what:
        joint = f"{change.what} with the text {quoted}"
        return appended(prompt, joint if prompt.language == "en" else f"{change.what} {quoted}")
    where = change.where
    if old := _OLD_LETTERS.search(prompt.text):
        return f"{prompt.text[: old.start(1)]}{quoted}{prompt.text[old.end(1) :]}"
    found = find(prompt, bare(where), change.language) if where else ()
    if found and fold(where.partition(" ")[0]) not in PREPOSITIONS:
        return inserted(prompt.text, found[0].end, f"with the text {quoted}")
    said = f"the text {quoted} {where}".strip() if prompt.language == "en" else f"{quoted} {where}"
    return appended(prompt, said.strip())

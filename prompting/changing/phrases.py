"""The phrases of a prompt: which words name a thing, what stands before it, and what links it.

    "a cat wearing a blue hat, sitting on a sofa"
     ─────         ──────────             ──────    noun phrases
           wearing             ,  sitting on        links: verbs, prepositions, commas

The invariant: a phrase is a span of the prompt, so that whatever is not changed stays as it was
typed, to the byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from prompting.changing.aspects import kind_of
from prompting.changing.clause import singular
from prompting.changing.reply import ReadReply
from prompting.changing.vocabulary import language_of, vocabulary
from prompting.reading.lexicon import OBJECTS, Word, fold

PREPOSITIONS = frozenset(
    (
        *("in", "on", "at", "by", "with", "under", "near", "from", "of", "for", "to", "inside"),
        *("into", "over", "behind", "beside", "between", "through", "against", "across", "along"),
        *("around", "above", "below", "beneath", "underneath", "among", "amid", "onto", "upon"),
        *("outside", "beyond", "towards", "toward", "past", "without", "during", "like", "as"),
        *("auf", "mit", "bei", "unter", "neben", "vor", "hinter", "aus", "von", "im", "am", "zu"),
        *("sur", "avec", "dans", "sous", "devant", "derrière", "de", "du", "des", "en", "con"),
        *("sobre", "bajo", "sin", "del", "cerca", "на", "в", "с", "под", "у", "за"),
    )
)
DETERMINERS = frozenset(
    (
        *("a", "an", "the", "some", "his", "her", "its", "their", "my", "your", "our", "this"),
        *("that", "these", "those", "each", "every", "any", "no", "another", "der", "die", "das"),
        *("ein", "eine", "einen", "einem", "einer", "den", "dem", "un", "une", "le", "la", "les"),
        *("el", "los", "las", "una", "unos", "unas", "uno"),
    )
)
LINKS = frozenset(("and", "or", "&", "while", "und", "et", "y", "e", "ou", "oder", "и", "plus"))
_COPULAS = frozenset(("is", "are", "was", "were", "be", "that", "which", "who", "where"))
_COMPOUND = ("next", "front", "top", "out", "close", "full")  # of "next to", "in front of"

# Words that stand for what a prompt calls by a closer name.
_ANY_OF = {
    "animal": {"animal"},
    "creature": {"animal"},
    "pet": {"animal"},
    "person": {"person"},
    "guy": {"person"},
    "plant": {"plant"},
    "vehicle": {"vehicle"},
    "building": {"building"},
    "character": {"person", "animal"},
    "figure": {"person"},
    "people": {"person"},
    "food": {"food"},
    "fruit": {"food"},
    "flower": {"plant"},
    "ground": {"structure"},
    "woman": {"person"},
    "man": {"person"},
    "girl": {"person"},
    "boy": {"person"},
    "monster": {"animal"},
    "machine": {"vehicle"},
    "house": {"building"},
}
MAIN = frozenset(
    (
        *("subject", "main subject", "main character", "him", "her", "it", "them", "he"),
        *("ihr", "ihm", "ihnen"),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NounPhrase:
    """A thing that the prompt names."""

    start: int  # of its first word, article and all
    end: int
    words: tuple[Word, ...]  # without the article
    article: Word | None

    @property
    def head(self) -> Word:
        """The thing itself."""
        return self.words[-1]

    @property
    def nouns(self) -> tuple[Word, ...]:
        """The head, and the nouns before it that make one word of it: coffee cup."""
        at = len(self.words) - 1
        while at and kind_of(self.words[at - 1]) in OBJECTS:
            at -= 1
        return self.words[at:]


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedPrompt:
    """A prompt with its words."""

    text: str
    language: str
    words: tuple[Word, ...]  # without blanks; marks are among them
    phrases: tuple[NounPhrase, ...]

    @property
    def segments(self) -> tuple[tuple[int, int], ...]:
        """Where the parts between commas begin and end."""
        out, start = [], 0
        for word in self.words:
            if word.mark and word.text in ",;.\n，。；":
                out.append((start, word.start))
                start = word.end
        out.append((start, len(self.text)))
        return tuple(out)

    @property
    def tags(self) -> bool:
        """Whether it is a list of tags rather than sentences."""
        parts = [self.text[a:b].split() for a, b in self.segments]
        parts = [part for part in parts if part]
        return len(parts) >= 3 and sum(map(len, parts)) / len(parts) <= 2.6

    def at(self, start: int) -> int:
        """The place among the words of the one that begins there."""
        return next(i for i, word in enumerate(self.words) if word.start >= start)


def parsed(text: str, read: ReadReply | None = None) -> ParsedPrompt:
    """The prompt with its phrases.  Signs for kept parts are words of their own."""
    words = vocabulary()
    plain = read.text if read else text
    language = language_of(plain)
    all_words = tuple(word for word in words.read(plain, language) if not word.text.isspace())
    return ParsedPrompt(
        text=plain,
        language=language,
        words=all_words,
        phrases=tuple(_phrases(all_words)),
    )


def _phrases(words: Sequence[Word]) -> Iterator[NounPhrase]:
    run: list[Word] = []
    article: Word | None = None
    for at, word in enumerate(words):
        role = role_of(words, at)
        if role == "article" and not run:
            article = word
        elif role == "word":
            run.append(word)
        else:
            if run:
                yield _phrase(article, run)
            article = word if role == "article" else None
            run = []
    if run:
        yield _phrase(article, run)


def _phrase(article: Word | None, run: list[Word]) -> NounPhrase:
    start = article.start if article else run[0].start
    return NounPhrase(start=start, end=run[-1].end, words=tuple(run), article=article)


def role_of(words: Sequence[Word], at: int) -> str:
    """What a word is in its sentence: article, link, preposition, verb, mark, or a word."""
    word = words[at]
    folded = fold(word.text)
    if word.mark:
        return "mark"
    if folded in LINKS:
        return "link"
    if folded in PREPOSITIONS:
        return "preposition"
    if folded in _COPULAS:
        return "verb"
    if folded in DETERMINERS:
        return "article"
    if word.function:
        return "preposition" if folded in _COMPOUND else "word"
    if _is_verb(words, at):
        return "verb"
    return "word"


def _is_verb(words: Sequence[Word], at: int) -> bool:
    """A verb, unless it describes the noun behind it: "a flying dragon"."""
    word, before = words[at], words[at - 1] if at else None
    kind = kind_of(word)
    folded = fold(word.text)
    ending = not kind and len(folded) > 4 and folded.endswith(("ing", "ed"))
    if kind != "action" and not ending:
        return False
    if not folded.endswith(("ing", "ed", "s")) and _heads_a_phrase(words, at):
        return False
    described = before is not None and (
        fold(before.text) in DETERMINERS or kind_of(before) in ("quality", "colour", "number")
    )
    following = words[at + 1] if at + 1 < len(words) else None
    noun = following is not None and not following.mark and following.content
    if ending and not described and noun and at == 0:
        return False
    return not (described and noun)


def _heads_a_phrase(words: Sequence[Word], at: int) -> bool:
    """A verb's plain form behind a noun with its article: "a glass stand"."""
    before = words[max(at - 2, 0) : at]
    return len(before) == 2 and fold(before[0].text) in DETERMINERS and before[1].content


_LONGEST_ENDING = 4  # letters of a word that another may end in: the coat of a raincoat


def find(prompt: ParsedPrompt, what: str, language: str) -> tuple[NounPhrase, ...]:
    """The phrases that name that thing, best first; none where it is not named."""
    wanted = [word for word in vocabulary().read(what, language) if word.content and not word.mark]
    if not wanted:
        return main_phrase(prompt)
    for names in (wanted[-1:], _before_of(wanted, what), wanted[:1]):
        if not names:
            continue
        head = names[-1]
        found = [phrase for phrase in prompt.phrases if _same(phrase.head, head)]
        found = found or [p for p in prompt.phrases if any(_same(w, head) for w in p.words)]
        if not found and len(head.key) >= _LONGEST_ENDING:
            found = [p for p in prompt.phrases if fold(p.head.text).endswith(head.key)]
        if found:
            rest = wanted[:-1]
            closer = [p for p in found if all(any(_same(w, r) for w in p.words) for r in rest)]
            return tuple(closer or found)
    return _by_another_name(prompt, what, wanted)


def _before_of(wanted: list[Word], what: str) -> list[Word]:
    """The head of "people in the background" is people."""
    inner = parsed(what).phrases
    return list(inner[0].words[-1:]) if inner else wanted[:0]


def _same(one: Word, other: Word) -> bool:
    if one.key == other.key or one.key.endswith(f" {other.key}"):
        return True
    return singular(one.key) == singular(other.key) or _last(one) == _last(other)


def _last(word: Word) -> str:
    """The last word of what may be a phrase: the ship of "pirate ship"."""
    return singular(fold(word.text).rpartition(" ")[2])


def _by_another_name(
    prompt: ParsedPrompt, what: str, wanted: Sequence[Word]
) -> tuple[NounPhrase, ...]:
    if fold(what) in MAIN:
        return main_phrase(prompt)
    kinds = _ANY_OF.get(singular(wanted[-1].key)) or _ANY_OF.get(wanted[-1].key)
    if kinds:
        found = tuple(p for p in prompt.phrases if any(kind_of(w) in kinds for w in p.words))
        if found:
            return found
    heads = {fold(phrase.head.text): phrase for phrase in prompt.phrases}
    last = singular(wanted[-1].key)
    compounds = tuple(phrase for head, phrase in heads.items() if head.endswith(last))
    if len(last) > 4 and compounds:  # a chair may be an armchair
        return compounds
    near = get_close_matches(fold(wanted[-1].text), heads, n=1, cutoff=0.82)
    return (heads[near[0]],) if near and len(near[0]) > 3 and not wanted[-1].entry else ()


def main_phrase(prompt: ParsedPrompt) -> tuple[NounPhrase, ...]:
    """The main thing: the first phrase, or what an "… of" before it speaks of."""
    phrases = prompt.phrases
    for at, phrase in enumerate(phrases[:-1]):
        after = prompt.words[prompt.at(phrase.end) :][:1] if phrase.end < len(prompt.text) else ()
        picture = kind_of(phrase.head) in ("style", "look") or phrase.head.function
        if picture and after and fold(after[0].text) in ("of", "von", "de"):
            continue
        if picture and at == 0 and after and after[0].mark:
            continue
        return (phrase,)
    return phrases[-1:]

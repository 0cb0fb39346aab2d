"""What a server declines to draw: whole words, whatever disguise they come in.

    nude  also as  "N U D E", "n.u.d.e", "nud3", "ＮＵＤＥ", "n(ud)e", "пude", "nuuude"
    ass   never in "glass", "class", "assassin", "bass", "Scunthorpe"

Three invariants.  A word is only ever compared as a whole, never as a part of another; a text
without any listed word passes; and a text takes time in proportion to its length, whatever is in
it and however many words are listed.  Pure: the words are the caller's.

A disguised word may be read in thousands of ways, so readings are not made.  Signs, digits, alike
letters and repetitions are folded away instead: what is left (its outline) is looked up, and only
a word with the outline of a listed one is compared with that one, letter by letter.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from prompting.errors import Declined
from prompting.reading.lexicon import Lexicon, built_in, plurals

# Digits and signs that stand for letters; some for either of two.
_LEET = {
    **dict(zip("02345678", "ozeasgtb", strict=True)),
    **dict(zip("9@$+€£", "gastel", strict=True)),
    **dict.fromkeys("1!|", "il"),
}
_SIGNS = "".join(sign for sign in _LEET if not sign.isdigit())
# Letters of other alphabets that look like Latin ones.
_ALIKE = str.maketrans("аеорсухкмтвніјѕԁɡһԛԝьпиαεικνορτυχβη", "aeopcyxkmtbhijsdghqwbnuaeiknoptuxbn")
# Everything that may stand for the same letter as one letter: i and l share the 1.
_OUTLINES: dict[int, str] = {
    **{ord(sign): "i" if letters[0] in "il" else letters for sign, letters in _LEET.items()},
    **{alike: chr(letter) for alike, letter in _ALIKE.items()},
    ord("l"): "i",
}
_SIGN = re.compile(rf"[{re.escape(_SIGNS)}]")
_TOKEN = re.compile(rf"(?:[^\W_]|['’{re.escape(_SIGNS)}])+")
_WITHIN = re.compile(r"(?<=[^\W\d_])[()\[\]{}*_~^`\\]+(?=[^\W_])")
_AGAIN = re.compile(r"(.)\1+", re.DOTALL)
_THRICE = re.compile(r"(.)\1{2,}", re.DOTALL)
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+")
_CJK_SPACED = re.compile(r"(?<![^\W_])[\u3400-\u9fff](?:[\s.*_\-·|/]+[\u3400-\u9fff])+(?![^\W_])")
_LONGEST = 64  # characters; nothing longer is a word, be it written with fewer repetitions
_REMEMBERED = 64  # texts that were judged: one of eight pictures is asked about nine times


class Policy:
    """Words and phrases that are not drawn here.

    `allowed` are harmless words or phrases that contain a listed one ("kick ass", 鸡蛋).  In
    scripts without spaces the lexicon's words are harmless too, unless they are listed themselves.
    """

    def __init__(
        self,
        words: Iterable[str] = (),
        *,
        allowed: Iterable[str] = (),
        lexicon: Lexicon | None = None,
    ) -> None:
        # By the outline of the first word: the phrase, and how it is listed.
        self._listed: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._allowed: dict[str, set[tuple[str, ...]]] = {}  # by first word
        self._unspaced: dict[str, str] = {}
        allowed = tuple(allowed)
        for phrase in (tuple(_tokens(_plain(phrase))) for phrase in allowed):
            if phrase:
                self._allowed.setdefault(phrase[0], set()).add(phrase)
        for listed in words:
            plain = _plain(listed).strip()
            if _CJK.fullmatch(plain):
                self._unspaced[plain] = listed
            elif parts := tuple(_tokens(plain)):
                for last in dict.fromkeys((parts[-1], *plurals(parts[-1]))):
                    whole = (*parts[:-1], last)
                    self._listed.setdefault(_outline(whole[0]), []).append((whole, listed))
        self._harmless = {_plain(phrase) for phrase in allowed}
        if self._unspaced:
            self._harmless |= _known(lexicon or built_in()) - set(self._unspaced)
        self._sizes = _sizes_by_first((*self._unspaced, *self._harmless))
        self._judged = lru_cache(maxsize=_REMEMBERED)(self._find)

    def found(self, text: str) -> str | None:
        """The first listed word in the text, as it is listed; None when the text may pass."""
        if not self._listed and not self._unspaced:
            return None
        return self._judged(text)

    def check(self, text: str, where: str) -> None:
        """Raises Declined when the text holds a listed word; `where` is "wish" or "result"."""
        word = self.found(text)
        if word is not None:
            raise Declined(word, where)

    def _find(self, text: str) -> str | None:
        plain = _plain(text)
        forms = dict.fromkeys((plain, _WITHIN.sub("", plain))) if self._listed else {}
        # A sign may be a letter in disguise, or stand between two words.
        forms |= dict.fromkeys(_SIGN.sub(" ", form) for form in tuple(forms))
        for form in forms:
            words = _tokens(form)
            hit = self._spaced(words) or self._spaced(_spelled_out(words))
            if hit:
                return hit
        there = set(plain)
        if not any(there.issuperset(word) for word in self._unspaced):
            return None
        joined = _CJK_SPACED.sub(lambda found: re.sub(r"[^\u3400-\u9fff]", "", found[0]), plain)
        return next(
            (hit for run in _CJK.findall(joined) for hit in self._in_run(run)),
            None,
        )

    def _spaced(self, words: Sequence[str]) -> str | None:
        # Most texts end here: no word of theirs looks like a listed one.
        alike = {word for word in set(words) if not self._listed.keys().isdisjoint(_outlines(word))}
        if not alike:
            return None
        harmless = self._harmless_at(words)
        for at, word in enumerate(words):
            if word not in alike or at in harmless:
                continue
            for outline in _outlines(word):
                for phrase, listed in self._listed.get(outline, ()):
                    rest = words[at : at + len(phrase)]
                    if len(rest) == len(phrase) and all(map(_reads_as, rest, phrase)):
                        return listed
        return None

    def _harmless_at(self, words: Sequence[str]) -> set[int]:
        """The places of words that belong to an allowed phrase."""
        return {
            place
            for at, word in enumerate(words)
            for phrase in self._allowed.get(word, ())
            if tuple(words[at : at + len(phrase)]) == phrase
            for place in range(at, at + len(phrase))
        }

    def _in_run(self, run: str) -> Iterator[str]:
        """Listed words in a text without spaces, divided at its longest known words."""
        at = 0
        while at < len(run):
            step = 1
            for size in self._sizes.get(run[at], ()):
                piece = run[at : at + size]
                if piece in self._unspaced:
                    yield self._unspaced[piece]
                if piece in self._unspaced or piece in self._harmless:
                    step = size
                    break
            at += step


def _plain(text: str) -> str:
    """NFKC, lower case, without invisible characters and marks that no letter takes."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = unicodedata.normalize("NFC", text)
    nothing = [c for c in set(text) if unicodedata.category(c) in ("Cf", "Mn", "Me")]
    return text.translate(dict.fromkeys(map(ord, nothing))) if nothing else text


def _tokens(text: str) -> list[str]:
    found = _TOKEN.findall(text)
    words = {piece: _word(piece) for piece in set(found)}  # a few, in most long texts
    return [word for piece in found if (word := words[piece])]


def _word(piece: str) -> str:
    """A word without apostrophes around it; empty if no letter is left."""
    word = piece.strip("'’").removesuffix("'s").removesuffix("’s")
    return word if any(map(str.isalnum, word)) else ""


def _spelled_out(words: Sequence[str]) -> Sequence[str]:
    """Single letters in a row as one word: n.u.d.e.  Nothing if there are none."""
    if not any(map(_single, set(words))):
        return ()
    out: list[str] = []
    for single, run in itertools.groupby(words, key=_single):
        letters = list(run)
        out += ["".join(letters)] if single and len(letters) >= 3 else letters
    return out


def _single(word: str) -> bool:
    return len(word) == 1


def _outline(word: str) -> str:
    """What all readings of a word have in common."""
    return _AGAIN.sub(r"\1", word.translate(_OUTLINES))


def _outlines(word: str) -> set[str]:
    """The outlines of a word with its outer signs as letters, and without them."""
    if word[0] not in _SIGNS and word[-1] not in _SIGNS:
        return {_outline(word)}
    return {_outline(cut) for cut in _cuts(word)}


def _cuts(word: str) -> tuple[str, ...]:
    return (word, word.strip(_SIGNS), word.lstrip(_SIGNS), word.rstrip(_SIGNS))


def _reads_as(word: str, listed: str) -> bool:
    """Whether a word may be read as the listed one; as itself, if it wears no disguise."""
    if word == listed:
        return True
    return _known_reading(word, listed) if len(word) <= _LONGEST else _reading(word, listed)


def _reading(word: str, listed: str) -> bool:
    # No word has a letter three times in a row.
    for form in {word, *(_THRICE.sub(repeat, word) for repeat in (r"\1", r"\1\1"))}:
        for cut in _cuts(form):
            if len(form) <= _LONGEST and len(cut) == len(listed) and _spells(cut, listed):
                return True
    return False


_known_reading = lru_cache(maxsize=4096)(_reading)


def _spells(word: str, listed: str) -> bool:
    """Whether each sign of a word may be that letter."""
    word = word.translate(_ALIKE)
    disguised = any(map(str.isalpha, word)) or word == listed  # 455 is a number
    return disguised and all(
        sign == letter or letter in _LEET.get(sign, "")
        for sign, letter in zip(word, listed, strict=True)
    )


def _sizes_by_first(words: Iterable[str]) -> dict[str, list[int]]:
    """The lengths of the words that begin with a character, longest first."""
    sizes: dict[str, set[int]] = {}
    for word in words:
        if word:
            sizes.setdefault(word[0], set()).add(len(word))
    return {first: sorted(lengths, reverse=True) for first, lengths in sizes.items()}


def _known(lexicon: Lexicon) -> set[str]:
    """The lexicon's words in scripts without spaces."""
    return {
        _plain(form)
        for entry in lexicon.entries.values()
        for language in ("zh", "ja")
        for form in entry.forms.get(language, ())
        if len(form) > 1
    }

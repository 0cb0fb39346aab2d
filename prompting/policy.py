"""What a server declines to draw: whole words, whatever disguise they come in.

    nude  also as  "N U D E", "n.u.d.e", "nud3", "ＮＵＤＥ", "n(ud)e", "пude", "nuuude"
    ass   never in "glass", "class", "assassin", "bass", "Scunthorpe"

Two invariants.  A word is only ever compared as a whole, never as a part of another; and a text
without any listed word passes.  Pure: the words are the caller's.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator

from prompting.errors import Declined
from prompting.lexicon import Lexicon, built_in, plurals

# Digits and signs that stand for letters; some for either of two.
_LEET = {
    **dict(zip("02345678", "ozeasgtb", strict=True)),
    **dict(zip("9@$+€£", "gasteL".lower(), strict=True)),
    **dict.fromkeys("1!|", "il"),
}
_SIGNS = "".join(sign for sign in _LEET if not sign.isdigit())
# Letters of other alphabets that look like Latin ones.
_ALIKE = str.maketrans("аеорсухкмтвніјѕԁɡһԛԝьпиαεικνορτυχβη", "aeopcyxkmtbhijsdghqwbnuaeiknoptuxbn")
_SIGN = re.compile(rf"[{re.escape(_SIGNS)}]")
_TOKEN = re.compile(rf"(?:[^\W_]|['’{re.escape(_SIGNS)}])+")
_WITHIN = re.compile(r"(?<=[^\W\d_])[()\[\]{}*_~^`\\]+(?=[^\W_])")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]+")
_CJK_SPACED = re.compile(r"(?<![^\W_])[\u3400-\u9fff](?:[\s.*_\-·|/]+[\u3400-\u9fff])+(?![^\W_])")
_MOST_READINGS = 128  # of one disguised word
_LONGEST = 64  # characters; nothing longer is a word


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
        self._listed: dict[str, dict[tuple[str, ...], str]] = {}  # by first word
        self._allowed = {tuple(_tokens(_plain(phrase))) for phrase in allowed}
        self._unspaced: dict[str, str] = {}
        for listed in words:
            phrase = _plain(listed).strip()
            if _CJK.fullmatch(phrase):
                self._unspaced[phrase] = listed
            elif parts := tuple(_tokens(phrase)):
                for last in (parts[-1], *plurals(parts[-1])):
                    self._listed.setdefault((*parts[:-1], last)[0], {})[*parts[:-1], last] = listed
        self._harmless = {_plain(phrase) for phrase in allowed}
        if self._unspaced:
            self._harmless |= _known(lexicon or built_in()) - set(self._unspaced)
        known = (*self._unspaced, *self._harmless)
        self._longest = max(map(len, known), default=0)

    def found(self, text: str) -> str | None:
        """The first listed word in the text, as it is listed; None when the text may pass."""
        plain = _plain(text)
        forms = dict.fromkeys((plain, _WITHIN.sub("", plain)))
        # A sign may be a letter in disguise, or stand between two words.
        for form in (*forms, *(_SIGN.sub(" ", form) for form in forms)):
            words = list(_tokens(form))
            hit = self._spaced(words) or self._spaced(list(_spelled_out(words)))
            if hit:
                return hit
        joined = _CJK_SPACED.sub(lambda found: re.sub(r"[^\u3400-\u9fff]", "", found[0]), plain)
        return next(
            (hit for run in _CJK.findall(joined) for hit in self._in_run(run)),
            None,
        )

    def check(self, text: str, where: str) -> None:
        """Raises Declined when the text holds a listed word; `where` is "wish" or "result"."""
        word = self.found(text)
        if word is not None:
            raise Declined(word, where)

    def _spaced(self, words: list[str]) -> str | None:
        readings = [_readings(word) for word in words]
        harmless = self._harmless_at(words)
        for at, forms in enumerate(readings):
            if at in harmless:
                continue
            for form in forms:
                for phrase, listed in self._listed.get(form, {}).items():
                    rest = readings[at + 1 : at + len(phrase)]
                    if len(rest) == len(phrase) - 1 and all(
                        word in forms for word, forms in zip(phrase[1:], rest, strict=True)
                    ):
                        return listed
        return None

    def _harmless_at(self, words: list[str]) -> set[int]:
        """The places of words that belong to an allowed phrase."""
        return {
            place
            for phrase in self._allowed
            for at in range(len(words) - len(phrase) + 1)
            if tuple(words[at : at + len(phrase)]) == phrase
            for place in range(at, at + len(phrase))
        }

    def _in_run(self, run: str) -> Iterator[str]:
        """Listed words in a text without spaces, divided at its longest known words."""
        at = 0
        while at < len(run):
            for size in range(min(self._longest, len(run) - at), 0, -1):
                piece = run[at : at + size]
                if piece in self._unspaced:
                    yield self._unspaced[piece]
                if piece in self._unspaced or piece in self._harmless:
                    break
            else:
                size = 1
            at += size


def _plain(text: str) -> str:
    """NFKC, lower case, without invisible characters and marks that no letter takes."""
    text = unicodedata.normalize("NFKC", text).casefold()
    text = unicodedata.normalize("NFC", text)
    return "".join(char for char in text if unicodedata.category(char) not in ("Cf", "Mn", "Me"))


def _tokens(text: str) -> Iterator[str]:
    for found in _TOKEN.finditer(text):
        word = found[0].strip("'’")
        word = word.removesuffix("'s").removesuffix("’s")
        if any(char.isalnum() for char in word):
            yield word


def _spelled_out(words: list[str]) -> Iterator[str]:
    """Single letters in a row as one word: n.u.d.e"""
    for single, run in itertools.groupby(words, key=lambda word: len(word) == 1):
        letters = list(run)
        if single and len(letters) >= 3:
            yield "".join(letters)
        else:
            yield from letters


def _readings(word: str) -> frozenset[str]:
    """What a word may be read as; itself, if it wears no disguise."""
    # No word has a letter three times in a row.
    forms = {re.sub(r"(.)\1{2,}", repeat, word) for repeat in (r"\1", r"\1\1")} | {word}
    forms = {form for form in forms if len(form) <= _LONGEST}
    forms |= {cut(_SIGNS) for form in forms for cut in (form.strip, form.lstrip, form.rstrip)}
    forms |= {form.translate(_ALIKE) for form in forms}
    for form in tuple(forms):
        if any(char in _LEET for char in form) and any(char.isalpha() for char in form):
            options = (_LEET.get(char, char) for char in form)
            readings = map("".join, itertools.product(*options))
            forms.update(itertools.islice(readings, _MOST_READINGS))
    return frozenset(forms)


def _known(lexicon: Lexicon) -> set[str]:
    """The lexicon's words in scripts without spaces."""
    return {
        _plain(form)
        for entry in lexicon.entries.values()
        for language in ("zh", "ja")
        for form in entry.forms.get(language, ())
        if len(form) > 1
    }

"""Which language a reply is in: by its letters, then by whose words it has.

The invariant: every language that has rules is tried; this only says in which order.
"""

from __future__ import annotations

import re
from functools import lru_cache

from prompting.changing.aspects import compared
from prompting.changing.phrasebook import languages, phrasebook
from prompting.changing.vocabulary import vocabulary
from prompting.reading.lexicon import fold

_KANA = re.compile(r"[\u3040-\u30ff\uff66-\uff9f]")
_HAN = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
# Han characters and words that Japanese alone writes so: 3番目, 全部消去.
_JAPANESE_HAN = re.compile(r"[枚変戻続広縦図気処読売歩毎込駅黒対]|番目|消去|画像")
_HANGUL = re.compile(r"[\uac00-\ud7af]")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_USUAL = 0.5  # what English has ahead: a single "rose" is an English one
_THEIRS = 0.3  # what a word of the prompt tells, which people repeat in any language
_NEARLY = 0.75  # of the best language's words
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_OF_OTHER_LETTERS = frozenset({"zh", "ja", "ko", "ru"})


def likeliest(text: str, prompt: str) -> tuple[str, ...]:
    """The languages that a reply may be in, likeliest first."""
    if _JAPANESE_HAN.search(text) and not _KANA.search(text):
        return "zh", "ja", "en"
    for letters, language in ((_KANA, "ja"), (_HANGUL, "ko"), (_CYRILLIC, "ru"), (_HAN, "zh")):
        if letters.search(text):
            return tuple(dict.fromkeys((language, "zh" if language == "ja" else "en", "en")))
    spoken = [language for language in languages() if language not in _OF_OTHER_LETTERS]
    # Of all'alba and l'aube the word alone tells whose it is.
    words = [fold(word).rpartition("'")[2] for word in _WORD.findall(text)]
    theirs = {fold(word) for word in _WORD.findall(prompt)}
    scores: dict[str, float] = {
        language: sum(_score(word, language) * (_THEIRS if word in theirs else 1) for word in words)
        for language in spoken
    }
    scores["en"] += _USUAL
    best = sorted(spoken, key=lambda language: -scores[language])
    # Where one language knows most of the words, the others have nothing to say.
    enough = scores[best[0]] * _NEARLY
    return tuple(each for each in best if scores[each] >= enough or each == "en") or ("en",)


def _score(word: str, language: str) -> int:
    cue = word in cues(language)
    return (
        2 * cue
        + bool(vocabulary().find(word, language))
        + (word in vocabulary().function.get(language, ()))
        + bool(compared(word, language))
    )


_CHOICE = re.compile(r"(\w+)\[(\w+)\](s\?)?")


def _each(found: re.Match[str]) -> str:
    """The words that a choice of letters stands for: fall[oa] is fallo and falla."""
    forms = [f"{found[1]}{letter}" for letter in found[2]]
    return " ".join((*forms, *(f"{form}s" for form in forms if found[3])))


@lru_cache(maxsize=16)
def cues(language: str) -> frozenset[str]:
    """The words of a language's own rules."""
    book = phrasebook(language)
    if book is None:
        return frozenset()
    patterns = (
        *(pattern for saying in book.rules for pattern in saying.says),
        *(book.front, book.back, *book.pick_front),
    )
    bare = (re.sub(r"(\w+)s\?", r"\1 \1s ", pattern.pattern) for pattern in patterns)
    bare = (_CHOICE.sub(_each, text) for text in bare)
    bare = (re.sub(r"\\.|\(\?P<\w+>|\[[^\]]*\]", " ", text) for text in bare)
    words = {fold(word) for text in bare for word in _WORD.findall(text)}
    return frozenset(words | book.praise | book.filler | book.chat)

"""Forms of Korean words, made of the letters inside a syllable.

    읽 ▶ 읽는 읽은 읽고 읽어 읽었다 ...    자 ▶ 자는 잔 자고 자서 잤다 ...    걷 ▶ 걷는 걸어 ...

The invariant: every form begins as its stem does; what is no word does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator

STEM = "-"  # ends the form of a verb in the tables: 읽-

_FIRST, _VOWELS, _FINALS = 0xAC00, 21, 28
_N, _L, _B, _SS = 4, 8, 17, 20  # final consonants
_BRIGHT = (0, 2, 8)  # vowels after which the infinitive ends in 아
_CONTRACTED = {8: 9, 13: 14, 20: 6, 11: 10}  # 오 ▶ 와, 우 ▶ 워, 이 ▶ 여, 외 ▶ 왜
_SELF = (0, 1, 4, 5, 6)  # vowels that take the ending in: 가, 보내
_DENTAL = frozenset("걷듣긷싣")  # ㄷ becomes ㄹ before a vowel
_LABIAL = frozenset("눕줍굽깁돕")  # ㅂ becomes 우
_PARTICLES = (
    *("을", "를", "이", "가", "은", "는", "에", "의", "로", "으로", "와", "과", "도", "에서", "만"),
    *("까지", "부터", "처럼", "에게", "하고", "랑", "이랑", "마다", "께서", "로서", "이나", "인"),
)


def particles(form: str) -> Iterator[str]:
    """A noun with what Korean writes to it, of one or of many."""
    for plural in ("", "들"):
        if plural:
            yield form + plural
        yield from (f"{form}{plural}{particle}" for particle in _PARTICLES)


def verb(stem: str) -> Iterator[str]:
    """Forms of a verb by its stem; first the one that stands before a noun."""
    final = _parts(stem[-1])[2]
    loose = _with(stem, 0) if final == _L else stem  # ㄹ goes before ㄴ and ㅂ
    soft = final in (0, _L)
    yield f"{loose}는"
    before_vowel = _infinitive(stem)
    if stem[-1] in _LABIAL:
        yield f"{_with(stem, 0)}운"
    else:
        yield _with(stem, _N) if soft else f"{_changed(stem)}은"
    yield f"{_with(stem, _N)}다" if soft else f"{stem}는다"
    yield from (f"{stem}{ending}" for ending in ("고", "다", "기", "게", "던", "지"))
    joint = stem if soft else f"{_changed(stem)}으"
    yield from (f"{joint}{ending}" for ending in ("며", "면서", "러"))
    yield f"{_with(stem, _B)}니다" if soft else f"{stem}습니다"
    yield from (before_vowel, f"{before_vowel}서", f"{before_vowel}요")
    if _parts(before_vowel[-1])[2] == 0:
        yield from (f"{_with(before_vowel, _SS)}{ending}" for ending in ("다", "던", "고"))


def _parts(syllable: str) -> tuple[int, int, int]:
    code = ord(syllable) - _FIRST
    return code // (_VOWELS * _FINALS), code // _FINALS % _VOWELS, code % _FINALS


def _syllable(first: int, vowel: int, final: int = 0) -> str:
    return chr(_FIRST + (first * _VOWELS + vowel) * _FINALS + final)


def _with(text: str, final: int) -> str:
    """The text with another final consonant in its last syllable."""
    first, vowel, _ = _parts(text[-1])
    return text[:-1] + _syllable(first, vowel, final)


def _changed(stem: str) -> str:
    """The stem as it stands before a vowel."""
    if stem[-1] in _DENTAL:
        return _with(stem, _L)
    return f"{_with(stem, 0)}우" if stem[-1] in _LABIAL else stem


def _infinitive(stem: str) -> str:
    """What 아 or 어 makes of it: 읽어, 가, 와, 해, 올라."""
    before, last = stem[:-1], stem[-1]
    first, vowel, final = _parts(last)
    if last == "하":
        return f"{before}해"
    if last in _LABIAL:
        return f"{_with(stem, 0)}워"
    if final:
        return f"{_changed(stem)}{'아' if vowel in _BRIGHT else '어'}"
    if last == "르" and before:
        bright = _parts(before[-1])[1] in _BRIGHT
        return f"{_with(before, _L)}{'라' if bright else '러'}"
    if vowel in _SELF:
        return stem
    if vowel in _CONTRACTED:
        return before + _syllable(first, _CONTRACTED[vowel])
    return before + _syllable(first, 4)  # 쓰 ▶ 써

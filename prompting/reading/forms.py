"""Forms of words: how they are compared, and the regular endings of several languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache

from prompting.reading import korean


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """The form in which words are compared: NFKC, lower case, plain apostrophes, no vowel marks."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return plain.translate(_ARABIC) if _ARABIC_LETTER.search(plain) else plain


# Arabic is written with or without marks of vowels, with or without hamza on alif.
_ARABIC_LETTER = re.compile(r"[\u0621-\u0652]")
_ARABIC = {
    **dict.fromkeys(map(ord, "أإآٱ"), "ا"),
    ord("ى"): "ي",
    **dict.fromkeys((*range(0x064B, 0x0653), 0x0640, 0x0670), None),
}


_ENDINGS = {
    "de": ("e", "er", "es", "en", "em", "n", "s", "r", "nen", "se"),
    "fr": ("s", "e", "es", "x"),
    "es": ("s", "es"),
    "pt": ("s", "es"),
}
# The endings of Russian cases and numbers, by how the word in the lexicon ends.
_RUSSIAN = {
    **dict.fromkeys(
        ("ый", "ий", "ой"),
        (
            *("ая", "ое", "ее", "яя", "ые", "ие", "ого", "его", "ому", "ему", "ым", "им", "ом"),
            *("ем", "ую", "юю", "ой", "ей", "ых", "их", "ыми", "ими", "о"),
        ),
    ),
    "а": ["ы", "и", "е", "у", "ой", "ою", "ам", "ами", "ах", ""],
    "я": ["и", "е", "ю", "ей", "ёй", "ям", "ями", "ях", "ь", "й"],
    "ь": ["и", "ю", "ем", "ём", "е", "ей", "ям", "ями", "ях", "ью", "я"],
    "й": ["я", "ю", "ем", "е", "и", "ев", "ям", "ями", "ях"],
    "о": ["а", "у", "ом", "е", "ам", "ами", "ах", ""],
    "е": ["я", "ю", "ем", "ям", "ями", "ях", "й", "а", "у"],
    "ы": ["ов", "ам", "ами", "ах", ""],
    "и": ["ов", "ам", "ами", "ах", "ей", "ям", "ями", "ях", ""],
    "ок": ["ка", "ку", "ком", "ке", "ки", "ков", "кам", "ками", "ках"],
    "ец": ["ца", "цу", "цом", "цем", "це", "цы", "цев", "цам", "цами", "цах"],
    "": ["а", "у", "ом", "ем", "е", "ы", "и", "ов", "ей", "ам", "ами", "ах"],
}


# Third persons of Russian verbs, and what stands beside them: more who do it, did it, doing it.
_PARTICIPLE = ("ий", "ая", "ее", "ие", "его", "ему", "им", "ем", "ую", "ей", "их", "ими")
_RUSSIAN_VERBS = {
    "ает": ("ают", "ал", "ала", "али", "ать", "ая", *(f"ающ{end}" for end in _PARTICIPLE)),
    "яет": ("яют", "ял", "яла", "яли", "ять", "яя", *(f"яющ{end}" for end in _PARTICIPLE)),
    "ует": ("уют", "овал", "овала", "овать", "уя", *(f"ующ{end}" for end in _PARTICIPLE)),
    "ит": ("ят", "ат", "ил", "ила", "ить", "я", *(f"ящ{end}" for end in _PARTICIPLE)),
    "ается": ("аются", "ался", "алась", "аться", *(f"ающ{end}ся" for end in _PARTICIPLE)),
    "ится": ("ятся", "ился", "илась", "иться"),
    "ет": ("ут", "ют"),
    "ёт": ("ут", "ют", "ет"),
}


def _russian(form: str) -> Iterator[str]:
    """Cases and numbers of a Russian word, or of two: воздушный шар, воздушным шаром."""
    before, space, last = form.rpartition(" ")
    for third, others in _RUSSIAN_VERBS.items():
        if last.endswith(third):
            stem = form.removesuffix(third)
            yield from (stem + other for other in others)
    ending = next(end for end in _RUSSIAN if last.endswith(end))
    stem = last.removesuffix(ending)
    forms = [last, *(stem + other for other in _RUSSIAN[ending])]
    adjective = before.endswith(("ый", "ий", "ой", "ая", "ое", "ые", "ие", "яя", "ее"))
    stem = f"{before[:-2]}{'ий' if before.endswith(('ие', 'яя', 'ее')) else 'ый'}"
    leading = [before, *_russian(stem)] if adjective else [before]
    yield from (f"{first}{space}{second}" for first in leading for second in forms)


# What the ending of a Japanese verb becomes before た and て; る is of two kinds.
_BEFORE_TA = {
    "う": ("った", "って"),
    "つ": ("った", "って"),
    "る": ("った", "って", "た", "て"),
    "く": ("いた", "いて"),
    "ぐ": ("いだ", "いで"),
    "す": ("した", "して"),
    "ぬ": ("んだ", "んで"),
    "ぶ": ("んだ", "んで"),
    "む": ("んだ", "んで"),
}
_DOING = (
    *("し", "して", "した", "している", "していた", "してる"),
    *("しながら", "します", "中の"),
)
_ROW_I = dict(zip("うつるくぐすぬぶむ", "いちりきぎしにびみ", strict=True))


def _japanese(form: str) -> Iterator[str]:
    """What a verb or an adjective of Japanese becomes: 眠る ▶ 眠って, 眠っている; 高い ▶ 高く."""
    if form.endswith("する") and len(form) > 2:
        yield from (form.removesuffix("する") + ending for ending in _DOING)
        return
    if form.endswith("い") and len(form) > 1:
        yield from (form[:-1] + ending for ending in ("く", "くて", "かった", "さ"))
    if len(form) < 2 or form[-1] not in _BEFORE_TA:
        return
    stem = form[:-1]
    for ending in _BEFORE_TA[form[-1]]:
        yield stem + ending
        if ending[-1] in "てで":
            yield from (f"{stem}{ending}{more}" for more in ("いる", "いた", "います", "る"))
    for joint in (
        stem + _ROW_I[form[-1]],
        *((stem,) if form[-1] == "る" and len(stem) > 1 else ()),
    ):
        yield from (joint, f"{joint}ながら", f"{joint}ます")


# What Arabic writes to a word: "and", "with", "for", "like", before the article or without it.
_ARABIC_LEADING = ("ال", "وال", "بال", "كال", "فال", "لل", "و", "ب", "ل", "ك")
_ARABIC_ENDINGS = ("ها", "هم", "ي", "ين", "ان", "ا")


def _arabic(form: str) -> Iterator[str]:
    """An Arabic word with the article, with a particle, of two, of many women, of somebody."""
    first, space, rest = form.partition(" ")
    if space:  # the article stands before a noun and what describes it, or before the last word
        last = f"ال{rest}" if not rest.startswith("ال") else rest
        yield from (f"{first} {last}", f"ال{first} {last}")
        yield from (f"{leading}{form}" for leading in ("و", "ب", "ل"))
        return
    forms = [form]
    if form.endswith("ة"):
        stem = form[:-1]
        forms += [f"{stem}{ending}" for ending in ("ه", "ات", "تها", "ته", "تي", "تين", "تان")]
    elif len(form) > 2:
        forms += [f"{form}{ending}" for ending in (*_ARABIC_ENDINGS, "ه", "ات")]
    yield from forms
    for leading in _ARABIC_LEADING:
        if len(form) > 2 or "ال" in leading or leading == "لل":
            yield from (f"{leading}{it}" for it in forms)


# What ends a form instead of its own ending: gatto ▶ gatti, largo ▶ larghe; azul ▶ azuis.
_INSTEAD: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "es": {"o": ("a", "os", "as")},
    "it": {
        **{f"{hard}o": (f"{hard}a", f"{hard}hi", f"{hard}he", f"{hard}i") for hard in "cg"},
        **{f"{hard}a": (f"{hard}he",) for hard in "cg"},
        "io": ("i", "ia", "ie"),
        "o": ("a", "i", "e"),
        "a": ("e",),
        "e": ("i",),
    },
    "pt": {"ão": ("ões",), "o": ("a", "os", "as"), "l": ("is",), "m": ("ns",)},
}


# What an infinitive becomes: who does it, who do it, doing it, done.
_VERBS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "de": {"en": ("t", "et", "end", "ende", "enden", "ender", "endes"), "n": ("t", "nd", "nde")},
    "fr": {
        "ger": ("ge", "gent", "geant", "gé", "gée", "gés", "gées"),
        "cer": ("ce", "cent", "çant", "cé", "cée", "cés", "cées"),
        "er": ("e", "ent", "ant", "ante", "ants", "é", "ée", "és", "ées"),
        "ir": ("it", "issent", "issant", "i", "ie", "is", "ies"),
        "re": ("", "ent", "ant", "u", "ue", "us", "ues"),
    },
    "es": {
        "ar": ("a", "an", "ando", "ado", "ada", "ados", "adas", "arse"),
        "er": ("e", "en", "iendo", "ido", "ida", "idos", "idas"),
        "ir": ("e", "en", "iendo", "ido", "ida", "idos", "idas"),
    },
    "it": {
        "are": ("a", "ano", "ando", "ato", "ata", "ati", "ate"),
        "ere": ("e", "ono", "endo", "uto", "uta", "uti", "ute"),
        "ire": ("e", "ono", "isce", "iscono", "endo", "ito", "ita", "iti", "ite"),
    },
    "pt": {
        "ar": ("a", "am", "ando", "ado", "ada", "ados", "adas"),
        "er": ("e", "em", "endo", "ido", "ida", "idos", "idas"),
        "ir": ("e", "em", "indo", "ido", "ida", "idos", "idas"),
    },
}


def _verb(form: str, language: str) -> Iterator[str]:
    """Forms of a verb by its infinitive, which may have words behind it: dar de comer."""
    first, space, rest = form.partition(" ")
    for ending, others in _VERBS.get(language, {}).items():
        if first.endswith(ending) and len(first) > len(ending) + 1:
            stem = first.removesuffix(ending)
            yield from (f"{stem}{other}{space}{rest}" for other in others)
            return


def inflected(form: str, language: str, *, noun: bool, verb: bool = False) -> Iterator[str]:
    """Regular forms of a word besides itself; some are no words, and do no harm."""
    if verb:
        yield from _verb(form, language)
    if language == "en":
        if noun:
            yield from plurals(form)
            yield f"{form}'s"
        return
    if language == "ru":
        yield from _russian(form)
    if language == "ar":
        yield from _arabic(form)
    if language == "ko":
        yield from korean.particles(form)
    if language == "ja" and not noun:
        yield from _japanese(form)
    for ending in _ENDINGS.get(language, ()):
        yield form + ending
    instead = _INSTEAD.get(language, {})
    if own := next((ending for ending in instead if form.endswith(ending)), ""):
        yield from (form.removesuffix(own) + ending for ending in instead[own])
    if language == "de" and form.endswith("el"):  # dunkel, dunkle
        yield from (form[:-2] + ending for ending in ("le", "ler", "les", "len"))


def plurals(noun: str) -> tuple[str, ...]:
    """The regular English plurals of a noun."""
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return (f"{noun[:-1]}ies",)
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return (f"{noun}es",)
    return (f"{noun}s",)


def in_either_number(noun: str) -> frozenset[str]:
    """The noun, and what may be its singular or plural."""
    return frozenset((noun, *plurals(noun), noun.removesuffix("s"), noun.removesuffix("es"))) - {""}


_PLURALS = {
    **{noun: noun for noun in ("fish", "sheep", "deer", "goldfish", "koi", "jellyfish", "people")},
    **{noun: noun for noun in ("glasses", "sunglasses", "noodles", "stairs", "ruins", "hair")},
    "mouse": "mice",
    "goose": "geese",
    "wolf": "wolves",
    "elf": "elves",
    "leaf": "leaves",
    "knife": "knives",
    "scarf": "scarves",
    "child": "children",
    "person": "people",
    "man": "men",
    "woman": "women",
    "snowman": "snowmen",
    "fisherman": "fishermen",
    "cactus": "cacti",
}


def plural(noun: str) -> str:
    """The plural of an entry's name: "cherry blossom" ▶ "cherry blossoms"."""
    head, space, last = noun.rpartition(" ")
    return f"{head}{space}{_PLURALS.get(last) or plurals(last)[0]}"

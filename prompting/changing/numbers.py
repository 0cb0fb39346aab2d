"""Numbers as people write them: 40, 7,5, "twenty", "zwölf", 四十.

The invariant: what a language's pattern finds, `number` can read.
"""

from __future__ import annotations

import re

_VALUES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 30, 40, 50, 100)
# In the order of the values; "/" divides forms of one number.
_WORDS = {
    "en": """one/a single two three four five six seven eight nine ten twelve/a-dozen fifteen twenty
        thirty forty/fourty fifty hundred/a-hundred""",
    "de": """ein/eine/einen/eins zwei drei vier fünf/fuenf sechs sieben acht neun zehn zwölf/zwoelf
        fünfzehn zwanzig dreißig/dreissig vierzig fünfzig hundert""",
    "fr": """un/une deux trois quatre cinq six sept huit neuf dix douze quinze vingt trente quarante
        cinquante cent""",
    "es": """uno/una/un dos tres cuatro cinco seis siete ocho nueve diez doce quince veinte treinta
        cuarenta cincuenta cien/ciento""",
    "it": """uno/una/un due tre quattro cinque sei sette otto nove dieci dodici quindici venti
        trenta quaranta cinquanta cento""",
    "pt": """um/uma dois/duas três/tres quatro cinco seis sete oito nove dez doze quinze vinte
        trinta quarenta cinquenta cem""",
    "ru": """один/одну/одна/одно два/две/двух три/трёх/трех четыре пять шесть семь восемь девять
        десять двенадцать пятнадцать двадцать тридцать сорок пятьдесят сто""",
    "ko": "하나/한 둘/두 셋/세 넷/네 다섯 여섯 일곱 여덟 아홉 열 열둘 열다섯 스물 서른 마흔 쉰 백",
}
_NAMED = {
    language: {
        form.replace("-", " "): value
        for value, forms in zip(_VALUES, words.split(), strict=False)
        for form in forms.split("/")
    }
    for language, words in (
        (language, words.replace("a single", "a-single")) for language, words in _WORDS.items()
    )
}
_CJK = re.compile(r"[〇零一二两兩三四五六七八九十百千]+")
_DIGIT = {char: at for at, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_UNIT = {"十": 10, "百": 100, "千": 1000}
_DIGITS = re.compile(r"-?\d{1,30}(?:[.,]\d{1,30})?")


def pattern(language: str) -> str:
    """What finds a number in that language."""
    forms = sorted(_NAMED.get(language, ()), key=len, reverse=True)
    words = f"|(?:{'|'.join(map(re.escape, forms))})(?!\\w)" if forms else f"|{_CJK.pattern}"
    return rf"-?\d+(?:[.,]\d+)?(?!\d){words}"


def number(text: str, language: str = "en") -> int | float | None:
    """The number in that text, if it is one."""
    text = " ".join(text.casefold().split())
    if _DIGITS.fullmatch(text):
        return int(text) if text.lstrip("-").isdigit() else float(text.replace(",", "."))
    if text in _NAMED.get(language, {}):
        return _NAMED[language][text]
    return _of_characters(text) if _CJK.fullmatch(text) else None


def _of_characters(text: str) -> int:
    """四十五 is 45; 一二三 is 123."""
    if not set(text) & set(_UNIT):
        return int("".join(str(_DIGIT[char]) for char in text))
    total, digit = 0, 0
    for char in text:
        if char in _UNIT:
            total += (digit or 1) * _UNIT[char]
            digit = 0
        else:
            digit = _DIGIT[char]
    return total + digit

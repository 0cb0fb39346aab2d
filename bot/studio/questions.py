"""What is asked back where a reply does not say what is meant: in the reply's own language.

These stand here and in no language's file, as a reply may be in one that the person's Discord, and
the rest of the answer, is not.
"""

from __future__ import annotations

from collections.abc import Mapping

_WHAT: Mapping[str, str] = {
    "en": "What should change? Say it like “make it night”, “remove the hat” or “as watercolor”.",
    "zh": "想改什么？可以说“改成夜晚”“去掉帽子”或“换成水彩”。",
    "ja": "何を変えますか？「夜にして」「帽子を取って」「水彩画に」のように言ってください。",
    "de": "Was soll anders werden? Zum Beispiel „mach es Nacht“, „ohne den Hut“, „als Aquarell“.",
    "fr": "Que dois-je changer ? Par exemple « de nuit », « sans le chapeau », « en aquarelle ».",
    "es": "¿Qué cambio? Por ejemplo «de noche», «quita el sombrero», «en acuarela».",
    "pt": "O que devo mudar? Por exemplo «de noite», «tira o chapéu», «em aquarela».",
    "it": "Che cosa cambio? Per esempio «di notte», «togli il cappello», «ad acquerello».",
    "ru": "Что изменить? Например «сделай ночь», «убери шляпу», «акварелью».",
    "ko": "무엇을 바꿀까요? 예: “밤으로 바꿔줘”, “모자를 없애줘”, “수채화로”.",
}


_WHICH: Mapping[str, str] = {
    "en": "There {are} in that message, so I drew nothing. Begin with “1:” to “{count}:”.",
    "zh": "那条消息里只有 {count} 张图，所以我什么都没画。请用“1：”到“{count}：”开头。",
}


def question(language: str, key: str = "", count: int = 1) -> str:
    """The one short question where it cannot be told what is meant, in the reply's language.

    `key` is "pick" where a picture was named that is not among the `count` that are shown.
    """
    if key == "pick":
        are = "is 1 picture" if count == 1 else f"are only {count} pictures"
        return _WHICH.get(language, _WHICH["en"]).format(are=are, count=count)
    return _WHAT.get(language, _WHAT["en"])

"""Thanks below a picture: said to the bot, and no wish for another picture.

Pure.  Invariant: only what says thanks and nothing else is one; whoever wants anything gets it.
"""

from __future__ import annotations

import re

WELCOME = "You are welcome! To change it, reply with what it should become."

_THANKS = re.compile(
    r"thanks?|thank you|thank u|thx|ty|tysm|cheers|danke|dankeschön|merci|gracias|grazie"
    r"|obrigad[oa]|спасибо|谢谢你?|多谢|謝謝|ありがとう(?:ございます)?|감사합니다"
)
_PRAISE = re.compile(
    r"so|very|much|a lot|you|it|is|this|that|s|i|love|like|lovely|nice|great|cool|wow|beautiful"
    r"|perfect|awesome|amazing|good|well done|bot|atelier|schön|sehr|vielen|beaucoup|muchas|mille"
)


def is_thanks(words: str) -> bool:
    """Whether somebody only says thanks."""
    said = re.sub(r"[^\w\s]+", " ", words.casefold())
    rest, thanks = re.subn(rf"(?<!\w)(?:{_THANKS.pattern})(?!\w)", " ", said)
    return bool(thanks) and not re.sub(rf"(?<!\w)(?:{_PRAISE.pattern})(?!\w)", " ", rest).strip()

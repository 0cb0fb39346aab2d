"""The values that travel between a wish, a writer and a dialect.

A writer fills `Slots`; code speaks the dialect.  The invariant: a `Slots` that exists is short,
printable text, whatever a language model answered, because `from_json` lets nothing else through.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

from prompting.errors import Unreadable

Language = Literal["en", "zh", "ja", "ko", "de", "fr", "es", "it", "pt", "ru", "ar", "other"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

MAX_SUBJECT = 600  # characters
MAX_ITEM = 160  # characters of one detail, style or avoided thing
MAX_ITEMS = 16  # of each list
MAX_SCENE = 2400  # characters
MAX_ANSWER = 20_000  # characters; no honest answer is longer

_LISTS = {
    name: {
        "type": "array",
        "maxItems": MAX_ITEMS // 2,
        "items": {"type": "string", "minLength": 1, "maxLength": MAX_ITEM},
    }
    for name in ("details", "style", "avoid")
}


def schema(*, scene: int = 0) -> dict[str, object]:
    """What an answer must be, for servers that take a JSON schema.

    `scene` is the most characters that a scene may have; with one there are no details.  The
    bounds make the longest answer finite; the grammar of the question says the same by hand (a
    schema with maxLength > 1000 crashes llama.cpp, so a scene's bound is left to the grammar).
    """
    parts: dict[str, object] = {
        "subject": {"type": "string", "minLength": 1, "maxLength": MAX_SUBJECT},
        **{name: form for name, form in _LISTS.items() if not (scene and name == "details")},
    }
    if scene:
        parts["scene"] = {"type": "string", "minLength": 1, "maxLength": min(scene, 1000)}
    return {
        "type": "object",
        "properties": parts,
        "required": list(parts),
        "additionalProperties": False,
    }


SCHEMA = schema()


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """What a picture shows, in parts; every part is plain text without markup."""

    subject: str
    details: tuple[str, ...] = ()
    style: tuple[str, ...] = ()
    avoid: tuple[str, ...] = ()
    scene: str = ""  # sentences of an open writer, for dialects of prose
    quoted: tuple[str, ...] = ()  # text to be written in the picture, without its quotes
    language: Language = "en"

    def to_json(self) -> str:
        """One line of JSON that `from_json` reads back to an equal value."""
        return json.dumps(
            {
                "subject": self.subject,
                "details": self.details,
                "style": self.style,
                "avoid": self.avoid,
                **({"scene": self.scene} if self.scene else {}),
                "quoted": self.quoted,
                "language": self.language,
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(cls, text: str) -> Slots:
        """Read a writer's answer.  Raises Unreadable for everything that is not such an object.

        Only `subject` must be there.  A fence of backticks around the object is forgiven, because
        servers without a grammar add it; anything else beside the object is not.
        """
        if len(text) > MAX_ANSWER:
            raise Unreadable("answer", f"longer than {MAX_ANSWER} characters", text)
        fenced = _FENCE.fullmatch(text)
        try:
            data = json.loads(fenced[1] if fenced else text, strict=False)
        except (ValueError, RecursionError) as error:
            raise Unreadable("answer", "not JSON", text) from error
        if not isinstance(data, dict):
            raise Unreadable("answer", "not an object", text)
        language = data.get("language", "en")
        if language not in LANGUAGES:
            raise Unreadable("answer", "an unknown language", text)
        subject = _text(data.get("subject"), MAX_SUBJECT, text)
        if not subject:
            raise Unreadable("answer", "no subject", text)
        parts = {
            name: _texts(data.get(name, []), text)
            for name in ("details", "style", "avoid", "quoted")
        }
        scene = _text(data.get("scene", ""), MAX_SCENE, text)
        return cls(subject=subject, scene=scene, language=language, **parts)


class OpaqueKind(StrEnum):
    """What an opaque part is; the value is also how it is named to people."""

    LORA = "LoRA tag"  # <lora:name:0.8>
    WEIGHT = "weight"  # (words:1.2)
    CHOICE = "choice"  # {a|b}
    WILDCARD = "wildcard"  # __name__
    BREAK = "BREAK"
    EMBEDDING = "embedding"  # embedding:name
    FLAG = "flag"  # --name value
    QUOTE = "quoted text"  # "words"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """A part of a wish that no writer may touch: it leaves as the bytes it came in."""

    kind: OpaqueKind
    text: str  # exactly as written
    start: int  # where it stands in WishText.text, characters

    @property
    def anchored(self) -> bool:
        """Whether it means something only where it stands, between the words around it."""
        return self.kind in _ANCHORED

    @property
    def reading(self) -> str:
        """What a reader sees in it: the words inside a weight, a pause for BREAK, or nothing."""
        if self.kind is OpaqueKind.BREAK:
            return ", "
        return _unweighted(self.text) if self.kind is OpaqueKind.WEIGHT else " "


_ANCHORED = frozenset({OpaqueKind.WEIGHT, OpaqueKind.CHOICE, OpaqueKind.WILDCARD, OpaqueKind.BREAK})


@dataclass(frozen=True, slots=True, kw_only=True)
class WishText:
    """What a person typed, cleaned of tricks, with its opaque parts marked in reading order."""

    text: str  # opaque parts included
    opaque: tuple[Opaque, ...] = ()
    language: Language = "en"

    @property
    def words(self) -> str:
        """The wish without its opaque parts, but with the words inside weights."""
        out: list[str] = []
        end = 0
        for part in self.opaque:
            out.append(self.text[end : part.start])
            out.append(part.reading)
            end = part.start + len(part.text)
        out.append(self.text[end:])
        return " ".join("".join(out).split())

    @property
    def quoted(self) -> tuple[str, ...]:
        """What stands between quotes, without them."""
        return tuple(part.text[1:-1] for part in self.opaque if part.kind is OpaqueKind.QUOTE)


def _unweighted(text: str) -> str:
    """The words inside `((red:1.2) cat:0.9)`."""
    return re.sub(r":\s*-?\d*\.?\d+\s*[)\]]|[()\[\]\\]", "", text).replace(":", " ")


_FENCE = re.compile(r"\s*```(?:json)?\s*(\{.*\})\s*```\s*", re.DOTALL)


def _texts(value: object, answer: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Unreadable("answer", "a list that is none", answer)
    if len(value) > MAX_ITEMS:
        raise Unreadable("answer", f"a list of more than {MAX_ITEMS}", answer)
    texts = (_text(item, MAX_ITEM, answer) for item in value)
    return tuple(dict.fromkeys(text for text in texts if text))


def _text(value: object, limit: int, answer: str) -> str:
    if not isinstance(value, str):
        raise Unreadable("answer", "a text that is none", answer)
    if len(value) > limit:
        raise Unreadable("answer", f"a text of more than {limit} characters", answer)
    try:
        value.encode()
    except UnicodeEncodeError as error:  # a lone surrogate: JSON allows it, no file takes it
        raise Unreadable("answer", "half a character", answer) from error
    printable = "".join(" " if unicodedata.category(c)[0] == "C" else c for c in value)
    return " ".join(printable.split()).strip(" ,;")

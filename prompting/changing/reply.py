"""A reply as it is read: without pings and links, and with signs for what no rule may look into.

    '@everyone put "RAMEN" on a sign --ar 3:2'  ▶  'put ␣ on a sign', kept ('"RAMEN"',),
                                                   flags (('ar', '3:2'),)

The invariant: `restored` gives every sign back as the bytes that were typed.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from prompting.reading import opaque
from prompting.slots import Opaque, OpaqueKind

LONGEST = 300  # characters of one wish that rules are tried with
_FIRST = 0xE000
_SIGN = re.compile(r"[\ue000-\uf8ff]")
_PING = re.compile(r"<(?:@[!&]?|#)\d+>|@(?:everyone|here)\b|https?://\S+")
_EMOJI = re.compile(r"<a?:(\w+):\d+>|(?<![\w<]):[a-z0-9_+-]{2,32}:")
_PERSON = re.compile(r"<@!?\d+>|(?<![\w@])@(?!everyone\b|here\b)[A-Za-z]\w*")
_JOINERS = "\u200d\ufe0f\ufe0e\u20e3"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReply:
    """What a reply says, cleaned."""

    text: str  # with a sign for each kept part
    kept: tuple[Opaque, ...] = ()
    flags: tuple[tuple[str, str], ...] = ()  # --name value
    to_somebody: bool = False  # somebody else is spoken to
    emoji: str = ""  # those that stood in it

    def restored(self, text: str) -> str:
        """The text as it was typed."""
        return _SIGN.sub(lambda found: self.kept[ord(found[0]) - _FIRST].text, text)

    def readable(self, text: str) -> str:
        """The text with the words that lie inside choices and weights."""
        return _SIGN.sub(lambda found: self._inside(self.kept[ord(found[0]) - _FIRST]), text)

    @staticmethod
    def _inside(part: Opaque) -> str:
        if part.kind is OpaqueKind.CHOICE:
            return re.split(r"[|,]", part.text.strip("{}"))[0].strip()
        return part.reading if part.kind is OpaqueKind.WEIGHT else part.text

    def of_kind(self, text: str, *kinds: OpaqueKind) -> tuple[Opaque, ...]:
        """The kept parts in that text which are of these kinds."""
        parts = (self.kept[ord(sign) - _FIRST] for sign in _SIGN.findall(text))
        return tuple(part for part in parts if part.kind in kinds)


def read_reply(reply: str) -> ReadReply:
    """The reply, cleaned.  Never raises."""
    to_somebody = bool(_PERSON.search(reply))
    emoji = "".join(char for char in reply if _is_emoji(char))
    plain = _EMOJI.sub(" ", _PERSON.sub(" ", _PING.sub(" ", reply.replace("\n", " ; "))))
    wish = opaque.read("".join(" " if _is_emoji(char) else char for char in plain))
    out: list[str] = []
    kept: list[Opaque] = []
    flags: list[tuple[str, str]] = []
    end = 0
    for part in wish.opaque:
        out.append(wish.text[end : part.start])
        end = part.start + len(part.text)
        if part.kind is OpaqueKind.FLAG:
            flags.append(_flag(part.text))
        elif len(kept) < 0x1000:
            out.append(chr(_FIRST + len(kept)))
            kept.append(part)
    out.append(wish.text[end:])
    text = " ".join(unicodedata.normalize("NFKC", "".join(out)).split()).strip(" ;")
    return ReadReply(
        text=text.replace("’", "'"),
        kept=tuple(kept),
        flags=tuple(flags),
        to_somebody=to_somebody,
        emoji=emoji,
    )


def read_kept(prompt: str) -> ReadReply:
    """A prompt with signs for its weights, tags and quotations, and nothing cleaned away."""
    wish = opaque.read(prompt)
    if not wish.opaque or wish.text != prompt.strip():
        return ReadReply(text=prompt)
    out: list[str] = []
    kept = tuple(part for part in wish.opaque[:0x1000] if part.kind is not OpaqueKind.WEIGHT)
    end = 0
    for at, part in enumerate(kept):
        out.append(wish.text[end : part.start])
        out.append(chr(_FIRST + at))
        end = part.start + len(part.text)
    out.append(wish.text[end:])
    return ReadReply(text="".join(out), kept=kept)


def _is_emoji(char: str) -> bool:
    return (
        char in _JOINERS
        or (
            unicodedata.category(char) in ("So", "Sk") and ord(char) > 0x2190 and char not in "→⇒➜➡"
        )
        or 0x1F3FB <= ord(char) <= 0x1F3FF
    )


def _flag(text: str) -> tuple[str, str]:
    name, _, value = re.sub(r"[ =]", "\0", text.removeprefix("--"), count=1).partition("\0")
    return name.casefold(), value.strip()

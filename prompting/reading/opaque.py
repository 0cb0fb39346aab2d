"""Reads what a person typed: takes the tricks out, and marks what no writer may touch.

    text ──clean──▶ words without control, bidirectional, zero-width and chat-template tokens
         ──mark───▶ WishText(text, opaque=(<lora:x:1>, (red:1.2), {a|b}, __w__, BREAK, --ar 3:2,
         "…"))

Two invariants.  An opaque part of a wish is the bytes that were typed, and reading a wish that was
read before changes nothing.  Everything here takes time in proportion to the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from prompting.slots import Opaque, OpaqueKind, WishText

# What the chat templates of current models are made of, with the full-width bar of some; and the
# placeholders of our own assistant.  `<lora:x:1>` has a colon, so it is none of them.
_TEMPLATE = re.compile(
    r"<[|｜][^<>]{0,64}[|｜]>|<x\d+>|\[/?INST\]|</?SYS>|<<|>>|</?s>"
    r"|</?(?:bos|eos|pad|unk|think|start_of_turn|end_of_turn|tool_call|system|user|assistant)>"
    r"|<[|｜]|[|｜]>",
    re.IGNORECASE,
)
_QUOTE = "|".join(
    rf"{left}[^{left}{right}\x00-\x1f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff<|]{{1,200}}{right}"
    for left, right in ('""', "“”", "„“", "「」", "『』", "«»")
)
_MARK = re.compile(
    rf"""
      (?P<LORA><[A-Za-z][\w-]*:[^<>|\s](?:[^<>|\x00-\x1f]{{0,200}}[^<>|\s])?>)
    | (?P<QUOTE>{_QUOTE}|(?<![\w'])'[^'\x00-\x1f<|]{{1,80}}'(?![\w']))
    | (?P<EMBEDDING>(?<![\w:])embedding:[\w./\\-]+(?::\d*\.?\d+)?)
    | (?P<WILDCARD>(?<!\w)__(?!_)[\w./-]{{1,80}}?(?<!_)__(?!\w))
    | (?P<BREAK>(?<!\w)BREAK(?!\w))
    | (?P<FLAG>(?<![\w-])--[A-Za-z][\w-]*
        (?:[ =][\d.:/x%-]+(?![\w-])|(?:[ ](?!--)[^\s<>"\\(){{}}\[\]]+)*))
    | (?P<ESCAPED>\\[(\[{{][^\\()\[\]{{}}\x00-\x1f]{{0,80}}\\[)\]}}])
    | (?P<OPEN>[(\[{{])
    """,
    re.VERBOSE,
)
MAX_DEPTH = 20  # brackets within brackets that are looked into
_NUMBERED = re.compile(r":\s*-?(?:\d+\.?\d*|\.\d+)\s*[)\]]$")
_CLOSING = {"(": ")", "[": "]", "{": "}"}


def read(text: str) -> WishText:
    """The wish in that text.  Never raises; an empty or hostile text is an empty or plain wish."""
    out: list[str] = []
    end = 0
    for part in _marks(text):
        out.append(_gap(text[end : part.start]))
        out.append(part.text)
        end = part.start + len(part.text)
    out.append(_gap(text[end:]))
    cleaned = "".join(out).strip()
    return WishText(text=cleaned, opaque=tuple(_marks(cleaned)))


def clean(text: str) -> str:
    """Plain text without tricks: what may stand between opaque parts."""
    return _gap(text).strip()


def _gap(text: str) -> str:
    text = unicodedata.normalize("NFC", text)
    if not (text.isascii() and text.isprintable()):
        text = "".join(_kept(text))
    while (fewer := _TEMPLATE.sub(" ", text)) != text:  # nested: <|im_<|x|>end|>
        text = fewer
    return re.sub(r"\s+", " ", text)


def _kept(text: str) -> Iterator[str]:
    """The characters that mean something; others become nothing, or a space if they divided."""
    for at, char in enumerate(text):
        category = unicodedata.category(char)
        if char in "\u200c\u200d":
            # Joiners are part of emoji and of some scripts, and a trick between Latin letters.
            if _joins(text[at - 1 : at]) and _joins(text[at + 1 : at + 2]):
                yield char
        elif category == "Cf":
            continue
        elif category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp"):
            yield " "
        else:
            yield char


def _joins(char: str) -> bool:
    return bool(char) and char > "\u036f" and not "\u2e80" <= char <= "\u9fff"


def _marks(text: str) -> Iterator[Opaque]:
    pairs = _shallow(_pairs(text))
    at = 0
    while found := _MARK.search(text, at):
        name, start, at = found.lastgroup or "", found.start(), found.end()
        if name == "OPEN":
            closing = pairs.get(start)
            kind = _bracket(text[start : closing + 1]) if closing is not None else None
            if kind is None or closing is None:
                continue
            at = closing + 1
        else:
            kind = OpaqueKind.WEIGHT if name == "ESCAPED" else OpaqueKind[name]
        yield Opaque(kind=kind, text=text[start:at], start=start)


def _pairs(text: str) -> dict[int, int]:
    """Where each bracket closes; unbalanced ones are left out."""
    pairs: dict[int, int] = {}
    open_: list[int] = []
    for at, char in enumerate(text):
        if at and text[at - 1] == "\\":
            continue
        if char in "([{":
            open_.append(at)
        elif char in ")]}" and open_ and _CLOSING[text[open_[-1]]] == char:
            pairs[open_.pop()] = at
    return pairs


def _shallow(pairs: dict[int, int]) -> dict[int, int]:
    """The pairs that lie in few others: no letter is looked at more than MAX_DEPTH times."""
    kept: dict[int, int] = {}
    around: list[int] = []  # where those end that are open
    for start, end in sorted(pairs.items()):
        while around and around[-1] < start:
            around.pop()
        around.append(end)
        if len(around) <= MAX_DEPTH:
            kept[start] = end
    return kept


def _bracket(text: str) -> OpaqueKind | None:
    """What a balanced bracket is, if it is more than a remark in brackets."""
    if "\n" in text or len(text) > 2000:
        return None
    odd = not text.isprintable() and any(unicodedata.category(c) in ("Cc", "Cf") for c in text)
    if odd or (("<" in text or "[" in text or ">" in text) and _TEMPLATE.search(text)):
        return None  # to be cleaned first
    inner = text[1:-1]
    if text[0] == "{":
        return OpaqueKind.CHOICE if re.search(r"[|,]", inner) and '":' not in inner else None
    doubled = len(inner) > 2 and inner[0] == text[0] and inner[-1] == text[-1]
    if doubled or _NUMBERED.search(text) or (text[0] == "[" and "|" in inner):
        return OpaqueKind.WEIGHT
    return None

"""The grammar of infotext, which A1111 began and many programs write: words, then pairs.

    a red cat, <lora:ink:0.8>
    Negative prompt: dog
    Steps: 20, Sampler: Euler a, Size: 512x768, Model: "a, b", Lora hashes: "ink: 0123456789ab"

Pure.  A value may be a JSON string, an object or a list, whatever signs it holds; line breaks may
be gone, as in a chat.  The invariant: a text is read in time in proportion to its length, and what
has no settings behind it, nor a negative prompt, is no infotext.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from generation.interchange.imported import LONGEST

FEWEST = 3  # pairs
MOST_PAIRS = 500
LONGEST_VALUE = 20_000

_KEY = re.compile(r"[\s,]*(\w[\w \-/.+()]{0,80}?):[ \t]*")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.){0,20000}+)"\s*(?:,|$)', re.DOTALL)
_PLAIN = re.compile(r"[^,]*")
_SKIP = re.compile(r"[^,]*,?")
# Where a line of settings begins, in all programs' orders.
_FIRST = re.compile(
    r"(?:Steps|Seed|Sampler|Size|CFG scale|Guidance scale|Model|Model hash|Width|Height|Schedule "
    r"type|Scheduler|Version|Clip skip|Denoising strength|VAE|Created Date|Batch size)\s*:",
    re.IGNORECASE,
)
_STEPS = re.compile(r"(?:^|(?<=\s))Steps: ?[0-9]{1,5}(?=,\s|\s+[A-Z][\w ]{1,30}:)")
_NEGATIVE_LINE = re.compile(r"Negative prompt:", re.IGNORECASE)
_NEGATIVE_OF_DRAW_THINGS = re.compile(r"Negative(?: prompt)?:", re.IGNORECASE)
_TELLING = {"steps", "sampler", "seed", "cfg scale", "guidance scale"}
_NEGATIVE = re.compile(r"(?:^|(?<=\s))Negative prompt:", re.IGNORECASE)
# What sd-dynamic-prompts once wrote behind all: what the words were made of.
_BEHIND = re.compile(r"(?:Negative )?(?:Template|Wildcard prompt):", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Infotext:
    """What stands in one; keys as they were written, the last of a name counts."""

    prompt: str
    negative: str | None = None  # None: it has none
    pairs: dict[str, str] = field(default_factory=dict)

    def get(self, *keys: str) -> str | None:
        """The value of the first of the keys that is there, in any case."""
        lower = {key.casefold(): value for key, value in self.pairs.items()}
        return next((lower[key.casefold()] for key in keys if key.casefold() in lower), None)


def infotext_in(text: str) -> Infotext | None:
    """What a file's text says; None when it is no infotext."""
    if len(text) > LONGEST:
        return None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")
    words, settings = _divided(lines)
    pairs = dict(_pairs(settings))
    if len(pairs) < FEWEST:
        words, pairs = lines, {}
    shorter = "Guidance Scale" in pairs
    prompt, negative = _prompts(words, _NEGATIVE_OF_DRAW_THINGS if shorter else _NEGATIVE_LINE)
    if not pairs and negative is None:
        return None
    return Infotext(prompt=prompt, negative=negative, pairs=pairs)


def pasted(text: str) -> Infotext | None:
    """The same of words in a chat, of which most are no infotext: None unless it is one for sure.

    Without "Steps: N," and two more pairs behind it, and without words before and behind a
    "Negative prompt:", a text is a prompt and nothing else.
    """
    if not any(True for _ in _STEPS.finditer(text)):
        prompt, *behind = (part.strip() for part in _NEGATIVE.split(text, maxsplit=1))
        negative = "".join(behind)
        return Infotext(prompt=prompt, negative=negative) if prompt and negative else None
    found = infotext_in(text)
    return (
        found if found is not None and (found.pairs or (found.prompt and found.negative)) else None
    )


def _divided(lines: Sequence[str]) -> tuple[list[str], str]:
    """The lines of the words, and the settings as one line."""
    last = lines[-1].strip()
    if not _FIRST.match(last):
        behind = next((n for n, line in enumerate(lines) if n and _BEHIND.match(line)), None)
        if behind is not None and _FIRST.match(lines[behind - 1].strip()):
            lines, last = lines[:behind], lines[behind - 1].strip()
    if _FIRST.match(last) and _many(last):
        return list(lines[:-1]), last
    # One pair a line, or settings that broke into lines.
    first = len(lines)
    while first and _FIRST_OF_ANY.match(lines[first - 1].strip()):
        first -= 1
    begins = [n for n in range(first, len(lines)) if _FIRST.match(lines[n].strip())]
    if begins and _many(joined := ", ".join(line.strip(" ,") for line in lines[begins[0] :])):
        return list(lines[: begins[0]]), joined
    # In one line with the words.
    for number in range(len(lines) - 1, -1, -1):
        if starts := list(_STEPS.finditer(lines[number])):
            at = starts[-1].start()
            return [*lines[:number], lines[number][:at]], " ".join(
                [lines[number][at:], *lines[number + 1 :]]
            )
    keys = {key.casefold() for key, _ in _pairs(last)}
    if len(keys) >= FEWEST and keys & _TELLING:  # what A1111 itself goes by
        return list(lines[:-1]), last
    return list(lines), ""


_FIRST_OF_ANY = re.compile(r"[A-Z][\w \-/]{0,60}:")


def _many(line: str) -> bool:
    return len(dict(_pairs(line))) >= FEWEST


def _prompts(lines: Sequence[str], marker: re.Pattern[str]) -> tuple[str, str | None]:
    """A1111's way: the negative prompt begins with a line, and goes on to the end."""
    found: tuple[list[str], list[str]] = ([], [])
    negative = False
    for line in map(str.strip, lines):
        if begins := marker.match(line):
            negative, line = True, line[begins.end() :].strip()
        if line or found[negative]:
            found[negative].append(line)
    prompt = "\n".join(found[0]).strip()
    if not negative and (inside := _NEGATIVE.search(prompt)):
        return prompt[: inside.start()].strip(), prompt[inside.end() :].strip()
    return prompt, "\n".join(found[1]).strip() if negative else None


def _pairs(line: str) -> Iterator[tuple[str, str]]:
    """The pairs from left to right; what is no pair is passed over up to the next comma."""
    at = 0
    for _ in range(MOST_PAIRS):
        if at >= len(line):
            return
        key = _KEY.match(line, at)
        if key is None:
            skipped = _SKIP.match(line, at)
            at = skipped.end() if skipped is not None and skipped.end() > at else at + 1
            continue
        value, at = _value(line, key.end())
        yield key[1].strip(), value


def _value(line: str, at: int) -> tuple[str, int]:
    """The value that begins there, and where the next pair does."""
    if line[at : at + 1] in ("[", "{"):
        try:
            _, end = _JSON.raw_decode(line, at)
            return line[at:end], end
        except (ValueError, RecursionError):
            pass
    if quoted := _QUOTED.match(line, at):
        try:
            return str(json.loads(f'"{quoted[1]}"', strict=False)), quoted.end()
        except ValueError:
            return quoted[1], quoted.end()
    plain = _PLAIN.match(line, at)
    value = plain[0] if plain is not None else ""
    return value.strip()[:LONGEST_VALUE], at + len(value) + 1


_JSON = json.JSONDecoder()

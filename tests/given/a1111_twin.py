"""A second reading of prompts by A1111's rules, written apart from ours to check it.

Weights are kept per character and brackets on two stacks; chunks are lists of tokens that are cut
while they are filled.  Slow, plain, and sharing no line with `generation.worker`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

BREAK = "\0"

_WEIGHT = re.compile(r":\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\)")


def weights(text: str) -> list[tuple[str, float]]:
    """Each character with its weight; BREAK as one sign."""
    reader = _Reader()
    at = 0
    while at < len(text):
        at += reader.step(text, at)
    for bracket, factor in (("(", 1.1), ("[", 1 / 1.1)):
        while reader.open[bracket]:
            reader.close(bracket, factor)
    return list(zip(reader.signs, reader.factors, strict=True))


class _Reader:
    def __init__(self) -> None:
        self.signs: list[str] = []
        self.factors: list[float] = []
        self.open: dict[str, list[int]] = {"(": [], "[": []}

    def step(self, text: str, at: int) -> int:
        """Read what stands at one place; how many characters it was."""
        rest, before = text[at : at + 80], text[at - 1 : at] if at else ""
        if rest[0] == "\\":
            # Only brackets and the backslash itself are escaped; else it is dropped alone.
            escaped = rest[1:2] if rest[1:2] in tuple("()[]\\") else ""
            self.put(escaped)
            return 1 + len(escaped)
        if rest[0] in self.open:
            self.open[rest[0]].append(len(self.signs))
            return 1
        if self.open["("] and (weight := _WEIGHT.match(rest)):
            self.close("(", float(weight[1]))
            return weight.end()
        for closing, opening, factor in ((")", "(", 1.1), ("]", "[", 1 / 1.1)):
            if rest[0] == closing and self.open[opening]:
                self.close(opening, factor)
                return 1
        if re.match(r"BREAK\b", rest) and not re.match(r"\w", before):
            self.put(BREAK)
            return 5
        self.put(rest[0])
        return 1

    def put(self, sign: str) -> None:
        if sign:
            self.signs.append(sign)
            self.factors.append(1.0)

    def close(self, bracket: str, factor: float) -> None:
        for place in range(self.open[bracket].pop(), len(self.signs)):
            self.factors[place] *= 1.0 if self.signs[place] == BREAK else factor


def chunks(
    words: Sequence[tuple[int, int] | None], comma: int, *, size: int = 75, reach: int = 20
) -> list[list[int]]:
    """Tokens in chunks; a word is (token, how many places it takes), None a BREAK."""
    done: list[list[int]] = []
    now: list[int] = []
    last_comma = -1
    for word in words:
        if word is None:
            done.append(now)
            now, last_comma = [], -1
            continue
        token, places = word
        if token == comma:
            last_comma = len(now)
        elif len(now) == size and last_comma != -1 and len(now) - last_comma <= reach:
            done.append(now[: last_comma + 1])
            now, last_comma = now[last_comma + 1 :], -1
        if len(now) + places > size:
            done.append(now)
            now, last_comma = [], -1
        now = now + [token] * places
    return [*done, now] if now or not done else done

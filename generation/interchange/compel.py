"""InvokeAI's weights in a prompt, written as A1111's: `ball++`, `(red ball)1.3`, `cat-`.

Pure.  A plus is 1.1, a minus 0.9, and each further one again; brackets without either only hold
words together, and A1111's own signs mean nothing there.
"""

from __future__ import annotations

import re

_WORD = re.compile(r"(?<![\w()\"'+-])([\w'’]+)(\+{1,10}|-{1,10})(?=[\s,.;:!?)]|$)")
_GROUP = re.compile(
    r"(?<!\\)\(((?:[^()\\]|\\.){0,5000}+)\)(?:(\+{1,10}|-{1,10})|([0-9]{1,2}(?:\.[0-9]{1,4})?))?",
    re.DOTALL,
)
_UNHEARD = re.compile(r"\.(?:blend|and|swap)\s?\(")
_OPEN, _CLOSE = "\ue000", "\ue001"  # until all of its own brackets are read
MOST = 200  # brackets that lie in one another


def in_a1111s_signs(prompt: str) -> tuple[str, str]:
    """The prompt with A1111's weights, and what of it cannot be said so ("" where all can)."""
    unheard = _UNHEARD.search(prompt)
    if unheard is not None:
        return prompt, unheard[0].strip(".( ")
    plain = re.sub(r"(?<!\\)([\[\]])", r"\\\1", prompt)
    plain = _WORD.sub(lambda one: f"{_OPEN}{one[1]}:{_factor(one[2]):g}{_CLOSE}", plain)
    for _ in range(MOST):
        replaced = _GROUP.sub(_grouped, plain)
        if replaced == plain:
            break
        plain = replaced
    return plain.replace(_OPEN, "(").replace(_CLOSE, ")"), ""


def _grouped(found: re.Match[str]) -> str:
    signs, number = found[2], found[3]
    if signs is None and number is None:
        return found[1]
    factor = float(number) if number is not None else _factor(signs)
    return f"{_OPEN}{found[1]}:{factor:g}{_CLOSE}"


def _factor(signs: str) -> float:
    return round((1.1 if signs[0] == "+" else 0.9) ** len(signs), 4)

"""Prompts with choices in them, which ComfyUI's editor makes when a workflow is run.

    a {red|blue} cat // in the evening        a red cat

A block of one choice loses its brackets, `\\{` is a bracket.  The server's prompt has been through
this already; a workflow has not, and which choice was made stands nowhere.  The first is taken.
Words that are JSON, as some models want them, are left as they are.
"""

from __future__ import annotations

import json
import re

_COMMENT = re.compile(r"/\*[\s\S]*?\*/|//[^\n]*")
_ESCAPED = re.compile(r"\\([{}|])")
MAX_LETTERS = 200_000
_MAX_DEPTH = 8  # of choices within choices: each goes over the text anew


def settled(text: str) -> tuple[str, bool]:
    """The prompt as it is run, and whether a choice was made for that."""
    if len(text) > MAX_LETTERS or _is_json(text):
        return text, False
    plain = _COMMENT.sub("", text)
    if "{" not in plain:
        return plain if "\\" not in plain else _ESCAPED.sub(r"\1", plain), False
    chosen: list[bool] = []
    made = _made(plain, chosen, 0)
    return _ESCAPED.sub(r"\1", made), bool(chosen)


def _is_json(text: str) -> bool:
    if not text.lstrip().startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _made(text: str, chosen: list[bool], depth: int) -> str:
    told, at = [], 0
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            told.append(text[at : at + 2])
            at += 2
        elif letter == "{":
            choices, at = _choices(text, at + 1)
            chosen += [True] if len(choices) > 1 else []
            first = choices[0]
            told.append(_made(first, chosen, depth + 1) if depth < _MAX_DEPTH else first)
        else:
            told.append(letter)
            at += 1
    return "".join(told)


def _choices(text: str, at: int) -> tuple[list[str], int]:
    """What stands between bars up to the closing bracket, and where it goes on behind."""
    choices, begun, depth = [], at, 0
    while at < len(text):
        letter = text[at]
        if letter == "\\":
            at += 1
        elif letter == "{":
            depth += 1
        elif letter == "}" and depth:
            depth -= 1
        elif letter == "}":
            break
        elif letter == "|" and not depth:
            choices.append(text[begun:at])
            begun = at + 1
        at += 1
    return [*choices, text[begun:at]], at + 1

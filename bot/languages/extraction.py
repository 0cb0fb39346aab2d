"""Extraction: what the code says to people, read from its syntax; what a language's file must hold.

    tr, mark, trn    their literal arguments
    commands         names, descriptions and choices, as discord.py's decorators are given them
    SENTENCES        attributes that lower rooms fill with a text, said by `tr(row.sentence)`
    CLAUSES          what errors of lower rooms are told, said by `clause(error.reason)`: there a
                     gap is numbered, as the code has no name for it

Invariant: nothing is imported to be read, and a text is found however its line is broken.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from bot.languages.speaking import NAME

ROOT = Path(__file__).parents[2]
ROOMS = ("bot", "generation", "prompting", "storage")
CLAUSE = "clause"

# Who fills which attribute with a sentence: the names of classes.
SENTENCES: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("Parameter", "TextParameter", "WholeParameter", "AmountParameter"),
    ("sentence", "as_setting"),
)

# Tables of texts, by a name, in rooms that are taught languages (`prompting.speaking.notes`).
TABLES = {"NOTE_TEXTS"}

# Which arguments of which errors are clauses.
CLAUSES: dict[str, tuple[int | str, ...]] = {
    "OutOfRange": (0, 1, 2, "what", "allowed"),
    "BadPicture": (0, "reason"),
    "BadClip": (0, "reason"),
    "refused": (0, "reason"),
    "BadSound": (0, "reason"),
    "BadMask": (0, "reason"),
    "NotRead": (0, "reason"),
    "NotMadeFor": (1, "purpose"),
    "NotUsable": (2, "reason"),
    "NotHere": (3, "reason"),
    "UnusableWeights": (1, "reason"),
    "UnknownWeights": (1, "reason"),
    "BrokenWeights": (1, "reason"),
    "OutOfReach": (1, "reason"),
    "UnknownName": (0,),
    "NoSuchName": (0,),
    "TooMany": (0,),
    "clean_text": (0,),
    "NotAllowed": (0,),
    "to_act_on": (2,),
}


_SAYS = (
    "tr",
    "trn",
    "mark",
    "command",
    "Group",
    "context_menu",
    "ContextMenu",
    "Choice",
    "describe",
)
_SPEAKS = re.compile(
    rf"\b(?:{'|'.join((*_SAYS, *SENTENCES, *CLAUSES))})\(|{'|'.join(TABLES)}",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpokenText:
    """Something that people read, and where it stands in the code."""

    key: str | tuple[str, str]  # the English; of a number both forms
    context: str = ""  # NAME, CLAUSE or none
    where: str

    @property
    def id(self) -> tuple[str, str]:
        """What tells it from others: its context, and the English or its singular."""
        return self.context, self.key if isinstance(self.key, str) else self.key[0]


@cache
def texts() -> tuple[SpokenText, ...]:
    """Every text that people read, from every file of the program."""
    found: list[SpokenText] = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            code = path.read_text(encoding="utf-8")
            if _SPEAKS.search(code):  # to parse them all would take three times as long
                found += texts_in(ast.parse(code), path.relative_to(ROOT).as_posix())
    return tuple(found)


def texts_in(tree: ast.AST, file: str) -> Iterator[SpokenText]:
    """Those of one file."""
    scope = _Scope(tree)
    for node in ast.walk(tree):
        for key, context in _said(node, scope):
            if key and key != ("", ""):
                yield SpokenText(key=key, context=context, where=f"{file}:{node.lineno}")  # type: ignore[attr-defined]


Said = Iterator[tuple[str | tuple[str, str], str]]


def _said(node: ast.AST, scope: _Scope) -> Said:
    if isinstance(node, ast.AsyncFunctionDef) and _is_command(node):
        shown = _renamed(node)
        yield from ((shown.get(one.arg, one.arg), NAME) for one in node.args.args[1:])
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict(values=values)):
            if name in TABLES:
                yield from ((text, "") for value in values for text in scope.texts(value))
    if not isinstance(node, ast.Call):
        return
    name = called(node)
    match name, node.args:
        case (("tr" | "mark"), [ast.Constant(value=str(text)), *_]):
            yield text, ""
        case "trn", [ast.Constant(value=str(one)), ast.Constant(value=str(many)), *_]:
            yield (one, many), ""
    yield from _of_commands(node, name)
    for keyword in node.keywords:
        if keyword.arg in SENTENCES.get(name, ()):
            yield from ((text, "") for text in scope.texts(keyword.value))
    for place in CLAUSES.get(name, ()):
        yield from ((text, CLAUSE) for text in _argument(node, place, scope))


def _argument(node: ast.Call, place: int | str, scope: _Scope) -> Iterator[str]:
    if isinstance(place, int):
        found = node.args[place : place + 1]
    else:
        found = [keyword.value for keyword in node.keywords if keyword.arg == place]
    for one in found:
        yield from (text for text in scope.texts(one) if any(map(str.isalpha, _outside(text))))


def _outside(text: str) -> str:
    """A text without its numbered gaps."""
    return "".join(part for part in text if not part.isdigit())


def _of_commands(node: ast.Call, name: str) -> Said:
    given = {k.arg: k.value.value for k in node.keywords if isinstance(k.value, ast.Constant)}
    match name:
        case _ if name in ("command", "Group") or {"name", "description"} <= given.keys():
            yield from ((str(given[key]), NAME) for key in ("name",) if key in given)
            yield from ((str(given[key]), "") for key in ("description",) if key in given)
        case "describe":
            yield from ((str(text), "") for text in given.values())
        case "context_menu" | "ContextMenu" | "Choice":
            yield from ((str(given[key]), "") for key in ("name",) if key in given)


def _renamed(node: ast.AsyncFunctionDef) -> dict[str, str]:
    """What options are called that Python cannot call so: `rename(source="from")`."""
    calls = (one for one in node.decorator_list if isinstance(one, ast.Call))
    return {
        str(keyword.arg): str(keyword.value.value)
        for call in calls
        if called(call) == "rename"
        for keyword in call.keywords
        if isinstance(keyword.value, ast.Constant)
    }


def _is_command(node: ast.AsyncFunctionDef) -> bool:
    return any(
        isinstance(one, ast.Call) and called(one) == "command" for one in node.decorator_list
    )


def called(node: ast.Call) -> str:
    """The name of what is called, without what it is of."""
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


class _Scope:
    """What the names of a file stand for, where that is a text: constants, variables, functions."""

    def __init__(self, tree: ast.AST) -> None:
        self._tree = tree

    @cached_property
    def _values(self) -> dict[str, list[ast.expr]]:
        values: dict[str, list[ast.expr]] = {}
        for node in ast.walk(self._tree):
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    values.setdefault(name, []).append(value)
                case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                    values.setdefault(name, []).append(value)
                case ast.FunctionDef(name=name):
                    returned = [n.value for n in ast.walk(node) if isinstance(n, ast.Return)]
                    values.setdefault(f"{name}()", []).extend(filter(None, returned))
        return values

    def texts(self, node: ast.expr, deep: int = 3) -> Iterator[str]:
        """The texts that an expression may be, with numbered gaps where it is made of others."""
        match node:
            case ast.Constant(value=str(text)):
                yield text
            case ast.JoinedStr(values=parts):
                yield _template(parts)
            case ast.IfExp(body=body, orelse=other):
                yield from self.texts(body, deep)
                yield from self.texts(other, deep)
            case ast.BoolOp(values=values):
                for value in values:
                    yield from self.texts(value, deep)
            case ast.Subscript(value=ast.JoinedStr() as whole):
                yield from self.texts(whole, deep)
            case ast.Name(id=name) if deep:
                for value in self._values.get(name, ()):
                    yield from self.texts(value, deep - 1)
            case ast.Call() if deep:
                for value in self._values.get(f"{called(node)}()", ()):
                    yield from self.texts(value, deep - 1)


def _template(parts: list[ast.expr]) -> str:
    said, gaps = "", 0
    for part in parts:
        if isinstance(part, ast.Constant):
            said += str(part.value).replace("{", "{{").replace("}", "}}")
        else:
            said += f"{{{gaps}}}"
            gaps += 1
    return said

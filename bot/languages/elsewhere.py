"""What looks like words for people and is not said by `tr`, in the rooms that speak to people.

A literal counts as words where blanks stand between words of letters in it, where it is one word
with a capital, and within an f-string where a word stands beside a blank.  What is for the log, for
programs or for programmers does not count: docstrings, keys, ids, patterns, annotations, texts of
Python's own errors.

Invariant: what is known and left on purpose is listed, with its reason (`LEFT`).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.languages.extraction import CLAUSES, ROOT, called

SPEAKING = ("bot/pages", "bot/chat", "bot/studio", "bot/web")

# Files, or texts in them, that stay as they are, and why.
LEFT: Mapping[str, str] = {
    "bot/chat/buttons/picture_button.py: atelier:": "an id",
    "bot/chat/gateway.py": "for the terminal of whoever runs the bot",
    "bot/chat/places.py: missing permissions: ": "a programmer's",
    "bot/studio/changing.py: make it night": "what readers of words are warmed up with",
    "bot/studio/changing.py: mach es Nacht": "the same",
    "bot/studio/changing.py: a red flower": "the same",
    "bot/studio/delivery.py: see the log": "for the log",
    "bot/studio/device.py: no worker was ready within ": "for the log",
    "bot/studio/language_model.py: it is still being loaded": "for the log",
    "bot/studio/model_folders.py: not usable: ": "for the log",
    "bot/studio/notes.py: embedding:": "what is typed",
    "bot/studio/phrasing.py: as watercolor": "a wish, which is read in English",
    "bot/studio/phrasing.py: as pixel art": "the same",
    "bot/studio/phrasing.py: no other ": "a programmer's",
    "bot/studio/phrasing.py: own words": "a key",
    "bot/studio/phrasing.py: further wish": "a key",
    "bot/studio/questions.py": "in the language of a reply, ten of them side by side",
    "bot/studio/remarks.py": "words that are looked for in a prompt, and their endings",
    "bot/studio/rewriting.py: negative prompt": "a clause, by way of a name",
    "bot/studio/shares.py: guild ": "the name of a group in the database",
    "bot/studio/stats.py: guild ": "the same",
    "bot/studio/which.py: picture ": "a programmer's",
    "bot/studio/which.py:  of ": "a programmer's",
    "bot/studio/days.py": "days as people type them",
    "bot/pages/fairness_plot.py: upper left": "a word of matplotlib's",
    "bot/pages/fairness_plot.py: DejaVu Sans": "the name of a font",
    "bot/pages/history_plot.py: upper left": "a word of matplotlib's",
    "bot/chat/commands/list_choices.py:  step ": "as it is typed",
    "bot/chat/commands/list_choices.py: off, on": "the same",
    "bot/studio/histories.py: guild ": "the name of a group in the database",
    "bot/pages/help_pages.py: help, /help": "cries for help in many languages",
    "bot/studio/safety.py": "what a classifier compares pictures with, in its own English",
    "bot/web/looking.py: file": "a part of an address",
    "bot/web/answers.py": "headers of HTTP",
    "bot/web/links.py": "what signatures are made of",
}

_WORDS = re.compile(r"[A-Za-z’']{2,}[,;:.!?…)]* +[(“*]*[A-Za-z]{2,}")
_WORD = re.compile(r"[A-Z][a-z]+[.!?…:]*")
_UNITS = re.compile(r"(?<![A-Za-z])(?:[GM]i?B|px|cfg|vae|torch)(?![A-Za-z])")  # and names
_PART = re.compile(r"(?:^|[ (])[A-Za-z]{2,}[,;:.!?…)]*(?: |$)")

SAID = {"tr", "trn", "mark", "clause", "name_of"}
NOT_FOR_PEOPLE = {
    *("debug", "info", "warning", "error", "exception", "critical"),  # the log
    *(
        "guess_type",
        "compile",
        "fullmatch",
        "match",
        "search",
        "sub",
        "split",
        "getattr",
        "hasattr",
        "TypeVar",
    ),
    *("ValueError", "TypeError", "RuntimeError", "KeyError", "AssertionError"),
    "Undeliverable",
    *("NotImplementedError", "NewType", "ContextVar", "getLogger", "with_name", "replace"),
}
COMMANDS = {"command", "Group", "describe", "context_menu", "ContextMenu", "Choice"}
KEYS = {"custom_id", "template", "filename", "action", "key", "suffix", "emoji"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaid:
    """A literal that people would read in English whatever their language."""

    file: str
    line: int
    text: str


def unsaid(rooms: tuple[str, ...] = SPEAKING) -> Iterator[Unsaid]:
    """Those of all files of the rooms."""
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield from unsaid_in(path)


def unsaid_in(path: Path) -> Iterator[Unsaid]:
    """Those of one file."""
    file = path.relative_to(ROOT).as_posix()
    walk = _Walk()
    walk.visit(ast.parse(path.read_text(encoding="utf-8")))
    for line, text in walk.found:
        if file not in LEFT and not any(f"{file}: {text}".startswith(left) for left in LEFT):
            yield Unsaid(file=file, line=line, text=text)


class _Walk(ast.NodeVisitor):
    """Goes through what may be read by people, and round all else."""

    def __init__(self) -> None:
        self.found: list[tuple[int, str]] = []

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        if not any(isinstance(base, ast.Name) and base.id == "StrEnum" for base in node.bases):
            self.generic_visit(node)  # values of enums are kept, not said

    def visit_Call(self, node: ast.Call) -> None:
        name = called(node)
        if name in SAID:
            for keyword in node.keywords:  # what fills a gap is said, too
                self.visit(keyword.value)
            return
        if name in NOT_FOR_PEOPLE or name in COMMANDS or name in CLAUSES:
            return
        if {"name", "description"} <= {keyword.arg for keyword in node.keywords}:
            return  # a group of commands
        self.visit(node.func)
        if name != "__init__":  # an error's text: for the log
            for argument in node.args:
                self.visit(argument)
        for keyword in node.keywords:
            if keyword.arg not in KEYS and not (keyword.arg == "name" and name == "create_task"):
                self.visit(keyword.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self.visit(node.value)  # not its key

    def visit_Compare(self, node: ast.Compare) -> None:
        """What is compared is not shown."""

    def visit_match_case(self, node: ast.match_case) -> None:
        for each in node.body:
            self.visit(each)

    def visit_Dict(self, node: ast.Dict) -> None:
        for value in node.values:
            self.visit(value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for each in (*node.decorator_list, *node.args.defaults, *node.body):
            self.visit(each)

    def visit_Assign(self, node: ast.Assign) -> None:
        if not any(isinstance(t, ast.Name) and t.id.startswith("__") for t in node.targets):
            self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and (
            _WORDS.search(_without_tags(node.value)) or _WORD.fullmatch(node.value.strip())
        ):
            self.found.append((node.lineno, node.value))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        for part in node.values:
            if isinstance(part, ast.Constant):
                text = _UNITS.sub("", _without_tags(str(part.value)))
                if _WORDS.search(text) or _PART.search(text):
                    self.found.append((node.lineno, str(part.value)))
            elif isinstance(part, ast.FormattedValue):
                self.visit(part.value)


def _without_tags(text: str) -> str:
    """What is to be read of a piece of HTML, which may begin and end within a tag."""
    return " ".join(re.findall(r">([^<>]*)", text)) if _TAG.search(text) else text


_TAG = re.compile(r"</?[a-z!]+[\s>]|\">|/>")

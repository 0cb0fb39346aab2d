"""Review: what a language's file lacks, has too much of, or has wrong."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from string import Formatter

from babel.messages.catalog import Catalog, Message

from bot.languages.catalogues import file_of, read
from bot.languages.extraction import SpokenText, texts

HEAD = 6  # lines before the first text
COMMAND = re.compile(r"(?<![\w/.<:])/([^\W\d]\w*)")  # called within a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is to be mended, a line each."""

    missing: tuple[SpokenText, ...]
    obsolete: tuple[Message, ...]
    duplicate: tuple[str, ...]
    unfit: tuple[str, ...]  # gaps that are not those of the English
    broken: tuple[str, ...]  # lines that hold less, or more, than a text

    @property
    def clean(self) -> bool:
        """Whether there is nothing to mend."""
        return not (self.missing or self.obsolete or self.duplicate or self.unfit or self.broken)


def review(language: str, said: Iterable[SpokenText] | None = None) -> Findings:
    """The file of a language against what the code says."""
    catalog = read(language)
    wanted = {text.id: text for text in (texts() if said is None else said)}
    had = {_id(message): message for message in catalog if message.id}
    lines = file_of(language).read_text(encoding="utf-8").splitlines()
    return Findings(
        missing=tuple(
            text
            for key, text in wanted.items()
            if key not in had
            or not forms(had[key])
            or isinstance(had[key].id, str) != isinstance(text.key, str)
        ),
        obsolete=tuple(message for key, message in had.items() if key not in wanted),
        duplicate=_duplicates(lines),
        unfit=tuple(_unfit(catalog)),
        broken=tuple(line for line in lines[HEAD:] if _is_broken(line)),
    )


def gaps(text: str) -> set[str]:
    """The names of a text's gaps; of braces that are letters, as in {red|blue}, there are none."""
    try:
        named = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
        return {name for name in named if name.isidentifier() or name.isdigit()}
    except ValueError:
        return set()  # braces that are letters


def _unfit(catalog: Catalog) -> Iterator[str]:
    for message in catalog:
        if not message.id:
            continue
        ids = (message.id,) if isinstance(message.id, str) else message.id
        allowed = set().union(*map(gaps, ids))
        needed = gaps(ids[-1]) - {"n"}
        for form in forms(message):
            if not needed <= gaps(form) <= allowed:
                yield f"{ids[0]} -> {form}"


def forms(message: Message) -> tuple[str, ...]:
    """What is said for a text, in its plural forms."""
    said = message.string
    found = (said,) if isinstance(said, str) else tuple(said or ())
    return tuple(form for form in found if form)


def _id(message: Message) -> tuple[str, str]:
    return message.context or "", message.id if isinstance(message.id, str) else message.id[0]


def _duplicates(lines: list[str]) -> tuple[str, ...]:
    """Entries that stand twice; Babel keeps the last."""
    counted = Counter(_entries(lines[HEAD:]))
    return tuple("\n".join(head) for head, times in counted.items() if times > 1)


def _entries(lines: list[str]) -> Iterator[tuple[str, ...]]:
    """What tells each entry from others."""
    entry: list[str] = []
    for line in [*lines, "msgid"]:
        begins = line.startswith(("msgctxt", "msgid", "#")) and not line.startswith("msgid_plural")
        if begins and any(one.startswith("msgstr") for one in entry):
            yield _head(entry)
            entry = []
        if line.strip() and line != "msgid":
            entry.append(line)


def _head(entry: list[str]) -> tuple[str, ...]:
    return tuple(
        line
        for line in entry
        if line.startswith(("msgctxt", "msgid")) and not line.startswith("msgid_plural")
    )


def _is_broken(line: str) -> bool:
    """Whether a line is neither a comment nor a whole text."""
    if not line.strip() or line.startswith("#"):
        return False
    return not (line.startswith("msg") and line.endswith('"') and not line.endswith(' ""'))

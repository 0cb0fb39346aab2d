"""Pages of what there is to choose from: models, LoRAs and styles, nine at a time.

    page_of(rows, number)   the rows of a page, which is one that exists
    catalog_page(...)       their lines, numbered as their pictures are

Pure.  Invariant: a page fits into a message, whatever is installed, and says how many there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.languages.amounts import listed
from bot.languages.clauses import clause
from bot.languages.speaking import mark, name_of, tr
from bot.pages.quoting import code, quoted
from bot.pages.replies import MAX_CONTENT
from bot.pages.style_menus import called, other_name
from generation.catalog.entry import Entry
from generation.families.family import FAMILIES
from prompting.speaking.styles import Style

PER_PAGE = 9
LINE = 150  # characters
_EXPERTS = {
    "high": mark("for the network of much noise"),
    "low": mark("for the network of little noise"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogRow:
    """One thing to choose."""

    line: str  # in Discord's markup
    preview: Path | None  # a picture that shows what it draws


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogPage:
    """Some of the rows."""

    rows: tuple[CatalogRow, ...]
    number: int  # from 1
    pages: int
    before: int  # rows on the pages before
    all: int

    @property
    def previews(self) -> tuple[tuple[int, Path], ...]:
        """The pictures of its rows, each with the row's number."""
        numbered = enumerate(self.rows, self.before + 1)
        return tuple((nth, row.preview) for nth, row in numbered if row.preview is not None)


def page_of(rows: Sequence[CatalogRow], number: int) -> CatalogPage:
    """The page of that number, or the nearest that there is."""
    pages = max(1, -(-len(rows) // PER_PAGE))
    number = min(max(1, number), pages)
    first = (number - 1) * PER_PAGE
    return CatalogPage(
        rows=tuple(rows[first : first + PER_PAGE]),
        number=number,
        pages=pages,
        before=first,
        all=len(rows),
    )


def catalog_page(title: str, page: CatalogPage, command: str, hint: str) -> str:
    """The page as a message; `hint`: how one is asked for."""
    lines = [f"{nth}. {row.line}" for nth, row in enumerate(page.rows, page.before + 1)]
    if not lines:
        lines = [tr("There are none here.")]
    turn = ""
    if page.pages > 1:
        other = page.number % page.pages + 1
        turn = " " + tr(
            "Page {number} of {pages}; `{command} {page}: {other}` has more.",
            number=page.number,
            pages=page.pages,
            command=command,
            page=name_of("page"),
            other=other,
        )
    body = "\n".join(lines)
    return f"### {title} ({page.all})\n{body}\n-# {hint}{turn}"[:MAX_CONTENT]


def of_model(entry: Entry, preview: Path | None) -> CatalogRow:
    """A checkpoint: its family, its size, and in how few steps it draws."""
    family = FAMILIES[entry.family].title if entry.family in FAMILIES else entry.family
    facts = [family, _size(entry), *([entry.mode] if entry.mode else [])]
    if entry.purpose is not None:
        facts.append(tr("for {purpose}", purpose=clause(str(entry.purpose))))
    return CatalogRow(line=_line(entry.name, entry.title, facts), preview=preview)


def of_lora(entry: Entry, preview: Path | None) -> CatalogRow:
    """A LoRA: for which family, the words that it listens to, its usual strength."""
    family = FAMILIES[entry.family].title if entry.family in FAMILIES else tr("any family")
    facts = [tr("for {family}", family=family), *([entry.mode] if entry.mode else [])]
    if entry.triggers:
        words = listed(quoted(word, 40) for word in entry.triggers[:3])
        facts.append(tr("listens to {words}", words=words))
    if entry.strength != 1.0:
        facts.append(tr("usually {strength}", strength=f"{entry.strength:g}"))
    if entry.expert is not None:
        facts.append(tr(_EXPERTS[entry.expert]))
    return CatalogRow(line=_line(entry.name, entry.title, facts), preview=preview)


def of_style(style: Style) -> CatalogRow:
    """A style, in both languages."""
    group = [tr(style.group)] if style.group else []
    line = _line(style.key, called(style), [other_name(style), *group])
    return CatalogRow(line=line, preview=None)


def _line(name: str, title: str, facts: Sequence[str]) -> str:
    called = f" {quoted(title, 60)}" if title and title.casefold() != name.casefold() else ""
    return f"{code(name, 60)}{called}: {listed(fact for fact in facts if fact)}"[:LINE]


def _size(entry: Entry) -> str:
    if entry.size_bytes >= 10**9:
        return f"{entry.size_bytes / 1e9:.1f} GB"
    return f"{max(1, round(entry.size_bytes / 1e6))} MB"

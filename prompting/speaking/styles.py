"""Named styles: a dimension of its own, beside the words and the seed.

A style is a template around the person's words, `{prompt}`, and what it would rather not see.  The
built-in ones stand in `styles.toml`; the owner of a server adds or replaces some with a file of the
same form.  The invariant: every template holds `{prompt}` exactly once, so no style loses a word.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from prompting.errors import UnknownName, Unreadable
from prompting.reading.lexicon import fold
from prompting.textfile import read_text

FILE = Path(__file__).with_name("styles.toml")
PROMPT = "{prompt}"
MAX_KEY = 100  # letters; what chat programs take as a choice
_TEMPLATES = ("tags", "prose", "prose_zh", "booru", "starter", "edit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """One style; an empty template means that the kind of dialect has no form of its own."""

    name: str  # the key, for commands and records
    en: str  # for people
    zh: str
    tags: str  # "{prompt}, watercolor painting, soft washes"
    prose: str  # "A watercolor painting of {prompt}, with soft washes."
    prose_zh: str = ""
    booru: str = ""
    starter: str = ""  # the four styles of the built-in image model
    edit: str = ""
    negative: str = ""
    group: str = ""  # the heading under which it is listed; the owner's own may have none

    @property
    def key(self) -> str:
        """The style's name, or, where that is very long, a shorter one that means it as well."""
        if len(self.name) <= MAX_KEY:
            return self.name
        return f"{self.name[:80]}… {hashlib.sha256(self.name.encode()).hexdigest()[:10]}"

    @property
    def short(self) -> str:
        """The template for where there is no room for the full one."""
        return f"{PROMPT}, {self.en.lower()}"


class Styles(Mapping[str, Style]):
    """Styles by name, in the order in which they are shown."""

    def __init__(self, styles: Iterable[Style], refused: Iterable[Unreadable] = ()) -> None:
        self.refused = tuple(refused)
        self._styles = {style.name: style for style in styles}
        self._called = {
            fold(called): style
            for style in self._styles.values()
            for called in (style.key, style.zh, style.en, style.name)
        }

    def __getitem__(self, name: str) -> Style:
        return self._styles[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._styles)

    def __len__(self) -> int:
        return len(self._styles)

    def find(self, name: str) -> Style:
        """The style of that name, in any case and in either language.  Raises UnknownName."""
        found = self._called.get(fold(name.strip()))
        if found is None:
            near = get_close_matches(fold(name.strip()), self._called, n=3, cutoff=0.4)
            nearest = dict.fromkeys(self._called[called].name for called in near)
            raise UnknownName("style", name, tuple(nearest))
        return found

    def named(self, name: str) -> Style:
        """The style that somebody names as one: the first word is enough ("ink").

        Of several it is the library's first.  Raises UnknownName.
        """
        return self._beginning(fold(name.strip())) or self.find(name)

    def _beginning(self, words: str) -> Style | None:
        """The first style whose name begins with these words, whole ones where words are spaced."""
        if len(words) < 2 or words in self._called:
            return None
        for called, style in self._called.items():
            rest = called.removeprefix(words)
            if rest != called and not (rest[:1].isascii() and rest[:1].isalnum()):
                return style
        return None

    def with_own(self, path: Path) -> Styles:
        """These styles and the owner's, of which one of the same name replaces ours.

        What of the file cannot be read is left out and stands in `refused`.
        """
        own, refused = read(path)
        return Styles((*self.values(), *own), refused)


def read(path: Path) -> tuple[tuple[Style, ...], tuple[Unreadable, ...]]:
    """The styles of a TOML file, a table per style; and what is wrong with those that are none."""
    try:
        tables = tomllib.loads(read_text(path, "styles"))
    except Unreadable as error:
        return (), (error,)
    except (ValueError, RecursionError) as error:
        return (), (Unreadable("styles", f"it is no TOML: {error}", path.name),)
    found, refused = [], []
    for name, table in tables.items():
        try:
            found.append(_style(name, table))
        except Unreadable as error:
            refused.append(error)
    return tuple(found), tuple(refused)


def _style(name: str, table: object) -> Style:
    if not isinstance(table, dict):
        raise Unreadable("styles", f"{name} is no table")
    known = {field.name for field in fields(Style)} - {"name"}
    if unknown := sorted(set(table) - known):
        raise Unreadable("styles", f"{name} has unknown keys: {', '.join(unknown)}")
    for key, value in table.items():
        if not isinstance(value, str):
            raise Unreadable("styles", f"{name}.{key} is no text")
        if key in _TEMPLATES and value.count(PROMPT) != 1:
            raise Unreadable("styles", f"{name}.{key} must hold {PROMPT} exactly once")
    # An owner may be content with a single template.
    tags = table.get("tags") or table.get("prose", "")
    if not tags:
        raise Unreadable("styles", f"{name} has neither tags nor prose")
    called = table.get("en", name)
    prose = table.get("prose", tags)
    given = {"en": called, "zh": called, **table, "tags": tags, "prose": prose}
    return Style(name=name, **given)


@lru_cache(maxsize=1)
def built_in() -> Styles:
    """The styles that are shipped, read once."""
    own, refused = read(FILE)
    assert not refused, "we ship what can be read"
    return Styles(own)

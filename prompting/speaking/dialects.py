"""What a dialect is: how a model family wants to be spoken to, as data of `dialects.toml`.

The invariant: every family's dialect is a row of the table, and nothing about a family is written
anywhere else in this package.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path

from prompting.errors import UnknownName, Unreadable
from prompting.slots import Language

FILE = Path(__file__).with_name("dialects.toml")


class Speech(StrEnum):
    """How the parts of a prompt are put together."""

    TAGS = "tags"  # comma-separated, subject first
    PHRASES = "phrases"  # a phrase, then tags
    BOORU = "booru"  # danbooru's tags, quality first
    PROSE = "prose"  # sentences
    INSTRUCTION = "instruction"  # what changes, then what stays
    VIDEO = "video"  # sentences, with motion and camera
    AUDIO = "audio"  # genre, instruments, mood
    FORM = "form"  # one thing, as it is: no light, no background, no view of it
    STARTER = "starter"  # the captions of the built-in image model
    CLIP = "clip"  # those of the built-in video model: a thing, its colour and how it moves

    @property
    def takes_more(self) -> bool:
        """Whether a good prompt says more than the wish does."""
        plain = (Speech.INSTRUCTION, Speech.AUDIO, Speech.FORM)
        return self not in plain and not self.of_few_words

    @property
    def of_few_words(self) -> bool:
        """Whether the model was trained with captions of ours alone."""
        return self in (Speech.STARTER, Speech.CLIP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one model family wants to be spoken to."""

    name: str
    title: str
    kind: Speech
    ask: str  # what the writer is asked for: one of prompting.writers.template.DIALECTS
    tokens: int  # room for the prompt, in the image model's own tokens
    negative: bool  # whether a negative prompt has an effect
    source: str  # where this comes from
    default_negative: str = ""
    before: tuple[str, ...] = ()  # quality words; they give way to the person's
    after: tuple[str, ...] = ()
    keeps: tuple[Language, ...] = ("en",)  # the languages that the model reads itself
    words: tuple[int, int] | tuple[()] = ()  # of a prompt, at least and at most; prose only
    tells: tuple[str, ...] = ()  # what a scene tells of, in this order
    omits: tuple[str, ...] = ()  # what a scene leaves out

    def language(self, wish: Language) -> Language:
        """The language of the prompt for a wish in that language."""
        return wish if wish in self.keeps else "en"


def load(path: Path = FILE) -> dict[str, Dialect]:
    """Read a table of dialects.  Raises Unreadable when it is none."""
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
        return {name: _dialect(name, table) for name, table in tables.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise Unreadable("dialects", str(error), str(path)) from error


def _dialect(name: str, table: dict[str, object]) -> Dialect:
    given = {key: tuple(it) if isinstance(it, list) else it for key, it in table.items()}
    kind = Speech(str(given.pop("kind")))
    return Dialect(name=name, kind=kind, **given)  # type: ignore[arg-type]  # a table of ours


DIALECTS: dict[str, Dialect] = load()


def dialect(name: str) -> Dialect:
    """The dialect of that name.  Raises UnknownName."""
    try:
        return DIALECTS[name]
    except KeyError:
        nearest = tuple(get_close_matches(name, DIALECTS, n=3))
        raise UnknownName("dialect", name, nearest or tuple(DIALECTS)) from None

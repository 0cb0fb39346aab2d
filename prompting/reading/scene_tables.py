"""What scenes are read with, as data of `scene.toml`: who is who, what is at home where.

The invariant: every sort of things is written out, so whoever asks finds names of the lexicon and
words that it does not hold.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

FILE = Path(__file__).with_name("scene.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneTables:
    beings: Mapping[str, frozenset[str]]
    living: Mapping[str, frozenset[str]]
    owned: frozenset[str]
    definite: frozenset[str]
    introducing: frozenset[str]
    before_nouns: frozenset[str]  # those as well
    verbs: frozenset[str]
    shapes: frozenset[str]
    figures: re.Pattern[str]
    called: Mapping[str, frozenset[str]]
    sexes: Mapping[str, frozenset[str]]
    general: Mapping[str, frozenset[str]]
    belongs: Mapping[str, frozenset[str]]
    sorts: Mapping[str, frozenset[str]]
    grounds: Mapping[str, str]  # place -> its kind of ground


@lru_cache(maxsize=1)
def scene_signs() -> Mapping[str, Mapping[str, str]]:
    """The file as it is written."""
    with FILE.open("rb") as file:
        return tomllib.load(file)


@lru_cache(maxsize=1)
def scene_tables() -> SceneTables:
    data = scene_signs()
    listed = {
        name: {key: frozenset(shlex.split(text)) for key, text in data[name].items()}
        for name in ("beings", "called", "sexes", "general", "sorts", "belongs", "grounds")
    }
    definite = frozenset(signs(data["en"]["definite"]))
    return SceneTables(
        beings=listed["beings"],
        living={tongue: frozenset(signs(data[tongue]["living"])) for tongue in ("en", "zh")},
        owned=frozenset(signs(data["en"]["owned"])),
        definite=definite,
        introducing=frozenset(signs(data["en"]["introducing"])),
        before_nouns=definite | frozenset(signs(data["en"]["before_nouns"])),
        verbs=frozenset(signs(data["en"]["verbs"])),
        shapes=frozenset(signs(data["en"]["shapes"])),
        figures=re.compile("|".join(signs(data["en"]["figures"])), re.IGNORECASE),
        called=listed["called"],
        sexes=listed["sexes"],
        general=listed["general"],
        belongs=_spread(listed["belongs"], listed["sorts"]),
        sorts=listed["sorts"],
        grounds={place: kind for kind, places in listed["grounds"].items() for place in places},
    )


def _spread(
    belongs: Mapping[str, frozenset[str]], sorts: Mapping[str, frozenset[str]]
) -> Mapping[str, frozenset[str]]:
    """The table with every sort of things written out, on both sides."""

    def all_of(name: str) -> frozenset[str]:
        return sorts[name[1:]] if name.startswith("@") else frozenset({name})

    out: dict[str, frozenset[str]] = {}
    for key, names in belongs.items():
        things = frozenset(one for name in names for one in all_of(name))
        for subject in all_of(key):
            out[subject] = out.get(subject, frozenset()) | things
    return out


def signs(text: str) -> tuple[str, ...]:
    """The parts of a table's text."""
    return tuple(part for it in text.split("/") if (part := " ".join(it.split())))

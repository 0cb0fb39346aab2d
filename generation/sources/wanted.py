"""Where a file is to be had that somebody else's picture was drawn with, and what fetches it.

Pure: nobody is asked.  Invariant: what is said to fetch it (`models add ...`) is read by
`generation.sources.naming`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

from generation.interchange.civitai import address_of
from generation.interchange.gathering import file_name
from generation.interchange.imported import WantedFile
from generation.sources.faults import SourceFailed
from generation.sources.known import known_models
from generation.sources.naming import KnownName, LocalName, named
from generation.sources.places import CIVITAI, Places

FEWEST_LETTERS = 8  # of a hash that CivitAI finds a file by


@dataclass(frozen=True, slots=True, kw_only=True)
class Obtainable:
    """Where to get a file; each is empty where nobody knows."""

    page: str = ""  # to look at
    add: str = ""  # what `models add` and `/models add` fetch it by


def obtainable(wanted: WantedFile, places: Places) -> Obtainable:
    """Where the file is: its own address first, then the table, then its hash, then its name."""
    page = address_of(wanted.address) or wanted.address
    if page and (add := _fetched_by(wanted.address, places)):
        return Obtainable(page=page if "://" in page else "", add=add)
    known = _known().get(_folded(wanted.name)) if wanted.name else None
    if known is not None:
        return Obtainable(page=page, add=known)
    if not page and len(wanted.hash) >= FEWEST_LETTERS:
        return Obtainable(page=_search(wanted.hash), add=f"sha256:{wanted.hash}")
    return Obtainable(page=page or (_search(wanted.name) if wanted.name else ""))


def _fetched_by(address: str, places: Places) -> str:
    """The address, where one of our places has it."""
    try:
        found = named(address, places)
    except SourceFailed:
        return ""
    return "" if isinstance(found, LocalName | KnownName) else address


def _search(words: str) -> str:
    return f"{CIVITAI}/search/models?query={quote(words, safe='')}"


@cache
def _known() -> Mapping[str, str]:
    """The models of the table by the names of the files that draw."""
    found: dict[str, str] = {}
    for model in known_models().values():
        for name in (model.name, model.files[0].at):
            found.setdefault(_folded(name), model.name)
    return found


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", file_name(name).casefold())

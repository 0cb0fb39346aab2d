"""The words that chosen LoRAs listen to, added once to words that the assistant found.

Pure.  Invariant: a trigger that the prompt holds already, in any spelling, is not said again; the
words of somebody who wanted no others stay as they are, and a note says what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bot.studio import notes
from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.draft import Draft
from generation.tasks import Task
from prompting.reading.lexicon import fold
from prompting.speaking.dialects import DIALECTS, Speech

_COUNT = re.compile(r"\d\+?(?:girls?|boys?|others?)|solo|no humans")


def triggered(
    draft: Draft, catalog: Catalog, dialect: str, *, helped: bool
) -> tuple[Draft, tuple[str, ...]]:
    """The draft with the triggers of its LoRAs, and what is to be said of them.

    `helped`: the assistant found the words; others are left alone.
    """
    if draft.task is Task.EDIT or DIALECTS[dialect].kind is Speech.INSTRUCTION:
        return draft, ()  # an instruction names what changes, and not what is to be seen
    prompt = draft.words.prompt or ""
    said: list[str] = []
    for entry in _loras(draft, catalog):
        missing = [word for word in entry.triggers if not says(prompt, word)]
        if not missing or len(missing) < len(entry.triggers):
            continue  # whoever says one of several has chosen
        if helped:
            prompt = placed(prompt, missing, dialect)
            said.append(notes.trigger_added(entry.name, missing))
        else:
            said.append(notes.trigger_unsaid(entry.name, missing))
    return replace(draft, words=replace(draft.words, prompt=prompt)), tuple(said)


def says(prompt: str, trigger: str) -> bool:
    """Whether the words of a trigger stand there, with blanks or underscores."""
    return f" {_plain(trigger)} " in f" {_plain(prompt)} "


def placed(prompt: str, triggers: Sequence[str], dialect: str) -> str:
    """The prompt with the triggers where training captions have them: first of what it shows.

    Quality words and counts of people stay in front.
    """
    before = {fold(tag) for tag in DIALECTS[dialect].before}
    parts = prompt.split(", ")
    at = 0
    while at < len(parts) and (fold(parts[at]) in before or _COUNT.fullmatch(parts[at].strip())):
        at += 1
    return ", ".join(filter(None, (*parts[:at], *triggers, *parts[at:])))


def _loras(draft: Draft, catalog: Catalog) -> Iterable[Entry]:
    for adapter in draft.adapters:
        entry = catalog.known(adapter.weights) if adapter.kind == "lora" else None
        if entry is not None and adapter.strength > 0:
            yield entry


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", fold(text).replace("_", " ")))

"""LoRAs and embeddings that a prompt names, found in the catalog and put on the draft.

    <lora:ink:0.8> <lora:ink> <lyco:ink:te=0.5:unet=0.8>        a LoRA: the tag is taken out
    <lora:ink:0.8:high> <lora:ink:low>          a LoRA of one of a model's two denoisers
    easyneg, (easyneg:1.2), embedding:easyneg, easyneg.pt       an embedding: its name stays

The invariant: whatever the words name is on the draft, refused by name, or noted; what is written
into the recipe is what is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import PurePath

from bot.studio import notes
from generation.catalog.catalog import Catalog
from generation.catalog.entry import Entry
from generation.draft import Checkpoint, Draft
from generation.errors import NoSuchName, OutOfRange
from generation.families.family import FAMILIES
from generation.interchange.infotext import tag_name
from generation.recipe import MAX_STRENGTH, Adapter
from generation.spans import expert_named, meant
from generation.texts import clean_text
from prompting.reading import markup
from prompting.reading.markup import Tag

LORAS = ("lora", "lyco", "locon", "loha", "lokr", "dora")  # A1111 knows the first two

MOST_TAGS = 64  # in one prompt
MOST_COLONS = 6  # parts of a tag that may belong to a name

_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,9}\.?[0-9]{0,20}|\.[0-9]{1,20})")
_FILE = re.compile(r"\.(?:safetensors|pt|bin|pth)$", re.IGNORECASE)


@dataclass(slots=True)
class _Prompt:
    """A draft's words while they are read."""

    catalog: Catalog
    model: Checkpoint
    adapters: list[Adapter]
    said: list[str] = field(default_factory=list)  # notes
    loras: dict[str, Entry] = field(default_factory=dict)  # by what a tag may call them


def applied(
    draft: Draft, catalog: Catalog, model: Checkpoint, *, given: Sequence[Adapter] = ()
) -> tuple[Draft, tuple[str, ...]]:
    """The draft with the adapters that its words name, and what is to be said of the words.

    A LoRA that was `given` by an option keeps its strength: it says more than a pasted prompt.  One
    that only comes from the picture before takes the prompt's.  Raises NoSuchName with the nearest
    names, and OutOfRange.
    """
    # An embedding is on for the words that name it, and these are read anew.
    words = _Prompt(catalog, model, [a for a in draft.adapters if a.kind != "embedding"])
    prompt = markup.read(clean_text("prompt", draft.words.prompt or ""))
    negative = markup.read(clean_text("negative prompt", draft.words.negative_prompt or ""))
    for change in (*prompt.changes, *negative.changes):
        words.said.append(notes.read_otherwise(change))
    if len(prompt.tags) > MOST_TAGS:
        raise OutOfRange("number of tags in a prompt", len(prompt.tags), f"at most {MOST_TAGS}")
    if prompt.tags:
        words.loras = _loras(catalog)
    for tag in prompt.tags:
        _put_on(words, tag, given=given, carried=draft.adapters)
    for tag in negative.tags:
        words.said.append(notes.nothing_in_a_negative(tag.typed))
    texts = [_with_embeddings(words, read.text) for read in (prompt, negative)]
    _check_words(words.adapters)
    plain = replace(
        draft.words,
        prompt=texts[0],
        negative_prompt=texts[1] if draft.words.negative_prompt is not None else None,
    )
    return replace(draft, words=plain, adapters=tuple(words.adapters)), tuple(words.said)


def marked(text: str, catalog: Catalog) -> str:
    """The text with each embedding's bare name as `embedding:name`, which no writer touches."""
    entries = catalog.entries("embedding")
    if not entries:
        return text
    bare = _bare(tuple(map(word_of, entries)))
    return bare.sub(
        lambda found: f"embedding:{found[1]}" if " " not in found[1] else found[0], text
    )


def word_of(entry: Entry) -> str:
    """The word that stands for an embedding in a prompt: its file's name, in lower case."""
    return _FILE.sub("", PurePath(entry.name).name).casefold()


# --- LoRAs ------------------------------------------------------------------------------------


def _put_on(
    words: _Prompt, tag: Tag, *, given: Sequence[Adapter], carried: Sequence[Adapter]
) -> None:
    if tag.kind not in LORAS:
        words.said.append(notes.unknown_tag(tag.typed, tag.kind))
        return
    entry, settings = _lora_named(tag, words)
    said = expert_named(settings[-1]) if settings else None
    settings = settings if said is None else settings[:-1]
    expert = meant(said, entry.expert)
    strength = _strength(tag, settings, words.said, entry.strength)
    new = Adapter(
        kind="lora", weights=entry.weights, strength=strength, control=None, expert=expert
    )
    already = [a for a in given if a.kind == "lora" and a.meets(new)]
    if already:
        if already[0].strength != strength:
            words.said.append(notes.said_twice(entry.name, already[0].strength, strength))
        return
    before = [a for a in carried if a.kind == "lora" and a.meets(new)]
    words.adapters = [a for a in words.adapters if not any(a is old for old in before)]
    if strength:
        words.adapters.append(new)


def _loras(catalog: Catalog) -> dict[str, Entry]:
    """The LoRAs by what a tag may call them, in lower case; a name of several is none's."""
    found: dict[str, list[Entry]] = {}
    for entry in catalog.entries("lora"):
        found.setdefault(entry.name.casefold(), []).append(entry)
    whole = {name: entries[0] for name, entries in found.items() if len(entries) == 1}
    # A PNG of ours leaves out of a name what would end it in a tag.
    spelled = {
        tag_name(entry.name).casefold(): entry
        for entry in reversed(catalog.entries("lora"))
        if tag_name(entry.name) != entry.name
    }
    return whole | spelled


def _lora_named(tag: Tag, words: _Prompt) -> tuple[Entry, list[str]]:
    """The LoRA, and what is said behind its name, which may itself hold colons."""
    parts = tag.args.split(":")
    for length in range(min(len(parts), MOST_COLONS), 0, -1):
        name = _FILE.sub("", ":".join(parts[:length]).strip())
        if (entry := words.loras.get(name.casefold())) is not None:
            return entry, parts[length:]
    for length in range(min(len(parts), MOST_COLONS), 0, -1):
        name = _FILE.sub("", ":".join(parts[:length]).strip())
        try:  # upper and lower case tell several apart
            return words.catalog.find(name, "lora"), parts[length:]
        except NoSuchName:
            if length == 1:
                raise
    raise AssertionError(tag)


def _strength(tag: Tag, settings: Sequence[str], said: list[str], usual: float) -> float:
    """One number for all of the LoRA: A1111's for the UNet, where two are given.

    `usual`: where none is.
    """
    te = unet = None
    others: list[str] = []
    positions = [s for s in settings if "=" not in s]
    named = dict(s.split("=", 1) for s in settings if "=" in s)
    if positions:
        te = _number(positions[0])
        unet = _number(positions[1]) if len(positions) > 1 else te
        others += positions[2:]
    for key, value in named.items():
        match key.strip().lower():
            case "te":
                te = _number(value)
            case "unet":
                unet = _number(value)
            case _:
                others.append(f"{key}={value}")
    strength = unet if unet is not None else te if te is not None else usual
    if te is not None and te != strength:
        said.append(notes.one_strength(tag.typed, strength))
    if others:
        said.append(notes.ignored_in_tag(tag.typed, ":".join(others)))
    return strength


def _number(text: str) -> float:
    """A strength.  Raises OutOfRange."""
    plain = text.strip()
    if not plain:
        return 1.0
    if not _NUMBER.fullmatch(plain) or abs(float(plain)) > MAX_STRENGTH:
        raise OutOfRange(
            "strength of a LoRA", plain, f"a number from {-MAX_STRENGTH:g} to {MAX_STRENGTH:g}"
        )
    return float(plain)


# --- embeddings -------------------------------------------------------------------------------


def _with_embeddings(words: _Prompt, text: str) -> str:
    """The text in which each embedding stands by its bare name, and they are on the draft."""
    entries = words.catalog.entries("embedding")
    by_word: dict[str, list[Entry]] = {}
    for entry in entries:
        by_word.setdefault(word_of(entry), []).append(entry)
    text = _explicit(words, text, entries)
    if not by_word:
        return text
    return _bare(tuple(by_word)).sub(lambda found: _named(words, by_word, found), text)


def _explicit(words: _Prompt, text: str, entries: Sequence[Entry]) -> str:
    """`embedding:name` as the name alone.  Raises NoSuchName."""
    if "embedding:" not in text.lower():
        return text
    known = {name.casefold(): e for e in entries for name in (word_of(e), e.name)}
    names = "|".join(sorted(map(re.escape, known), key=len, reverse=True)) or r"(?!)"
    pattern = re.compile(
        rf"(?<![\w:])embedding:\s?(?:({names})(?!\w)|([\w./\\-]*\w|))"
        r"(?:\.(?:safetensors|pt|bin)(?!\w))?(:[0-9]*\.?[0-9]+(?![\w.]|\s*\)))?",
        re.IGNORECASE,
    )

    def found(match: re.Match[str]) -> str:
        entry = known.get((match[1] or "").casefold())
        if entry is None:
            entry = words.catalog.find(_FILE.sub("", match[2] or ""), "embedding")
        _add(words, entry)
        word = word_of(entry)
        plain = match[1] if match[1] and match[1].casefold() == word else word
        # Without brackets a weight is one only in our own reading.
        return f"({plain}{match[3]})" if match[3] else plain

    return pattern.sub(found, text)


def _named(words: _Prompt, by_word: Mapping[str, list[Entry]], found: re.Match[str]) -> str:
    entries = by_word[found[1].casefold()]
    chosen = {a.weights.sha256 for a in words.adapters if a.kind == "embedding"}
    if any(entry.weights.sha256 in chosen for entry in entries):
        return found[1]
    known = [e for e in entries if e.family in FAMILIES]
    usual = words.model.family
    fitting = [e for e in known if usual.takes("embedding", FAMILIES[e.family])]
    if len(fitting) == 1:
        _add(words, fitting[0])
        return found[1]
    if fitting:
        words.said.append(notes.ambiguous_embedding(found[1], [e.name for e in fitting]))
    else:
        family = FAMILIES.get(entries[0].family)
        title = family.title if family else entries[0].family
        words.said.append(notes.embedding_of_another_family(found[1], title))
    return found[0]


def _add(words: _Prompt, entry: Entry) -> None:
    adapter = Adapter(kind="embedding", weights=entry.weights, strength=1.0, control=None)
    if not any(a.weights.sha256 == adapter.weights.sha256 for a in words.adapters):
        words.adapters.append(adapter)


@lru_cache(maxsize=4)
def _bare(names: tuple[str, ...]) -> re.Pattern[str]:
    """A name that stands alone, also as the file is called."""
    longest_first = sorted(map(re.escape, names), key=len, reverse=True)
    # Most places of a text are told apart by one letter, however many names there are.
    first = "".join(sorted({re.escape(name[0]) for name in names if name}))
    return re.compile(
        rf"(?<![\w:])(?=[{first}])({'|'.join(longest_first)})(?!\w)(?:\.(?:safetensors|pt|bin)(?!\w))?",
        re.IGNORECASE,
    )


def _check_words(adapters: Sequence[Adapter]) -> None:
    """Two embeddings of one word would stand in the same place."""
    names: dict[str, str] = {}
    for adapter in adapters:
        if adapter.kind != "embedding":
            continue
        name = adapter.weights.name
        word = _FILE.sub("", PurePath(name).name).casefold()
        if names.setdefault(word, name) != name:
            raise OutOfRange("embeddings", f"{names[word]}, {name}", "of different file names")

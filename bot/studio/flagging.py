"""Parameters in a person's words, put where a command's options are, and what is said of them.

    "a cat --ar 3:2 --seed 5 --v 6"  ▶  words "a cat", size 3:2, seed 5, and a note on --v 6

An option of the command counts more than the same in the words.  Invariant: the words that go on
from here hold no parameter; each that was taken out fills a gap, is refused, or is noted.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from bot.languages.speaking import mark
from bot.studio import notes
from bot.studio.offers import Offers
from bot.studio.rewriting import Rewriting
from bot.studio.wishes import OWN_VAE, SHAPES, Wish, seed_named
from generation import names
from generation.catalog.entry import Entry
from generation.draft import SECTIONS, Draft
from generation.errors import OutOfRange, Unacceptable
from generation.interchange.flag_values import IsName, plain_number, plain_size
from generation.interchange.flags import Flag, Flagged, flagged
from generation.interchange.infotext_grammar import pasted
from generation.interchange.multiprompts import weighed
from generation.parameters import (
    ASSIST,
    BEST_OF,
    CLIP_SKIP,
    COUNT,
    DENOISE,
    IMAGE_CFG,
    LORA,
    MODEL,
    NEGATIVE,
    PRESET,
    SAMPLER,
    SCHEDULER,
    SEED,
    SHIFT,
    SIZE,
    STYLE,
    VAE,
    AmountParameter,
    ForeignParameter,
    Parameter,
    TextParameter,
    WholeParameter,
)
from generation.tasks import IMAGE, may_have, medium_of_section
from prompting.errors import PromptingError
from storage.people import AssistMode

NOTHING = "nothing"  # where a value was to follow

# What a reply to a picture can ask for by a parameter, and what it is called there.
_OF_REPLIES = {NEGATIVE.name: "no", CLIP_SKIP.name: "clip-skip"}
_NOT_IN_REPLIES = (ASSIST, BEST_OF, VAE, PRESET, SHIFT, IMAGE_CFG)


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidInReply:
    """A reply whose parameters are spelled as whoever understands replies reads them."""

    words: str
    notes: tuple[str, ...] = ()


def unflagged(wish: Wish, offers: Offers, medium: str = "") -> Wish:
    """The wish with what its words hold of parameters.  Raises Unacceptable.

    `medium`: of what is made, where the wish does not say it yet.
    """
    prompt = wish.draft.words.prompt or ""
    found = _read(prompt, offers)
    typed = [flag for flag in found.flags if isinstance(flag.row, Parameter)]
    medium = medium or _medium(wish, typed, offers)
    own = [flag for flag in typed if _is_of(flag.row, medium)]
    said = _values(own)
    twice = [flag.typed for flag in own if _has(wish, flag.row)]
    noted = (
        *_noted(found, quiet=wish.parent is not None),
        *notes.of_other_media(_by_medium([flag for flag in typed if flag not in own])),
        *notes.option_counts(twice),
    )
    if found.text != prompt:
        words = replace(wish.draft.words, prompt=found.text)
        wish = replace(wish, draft=replace(wish.draft, words=words))
    for row, value in said.items():
        if not _has(wish, row):
            wish = _saying(wish, row, value, offers)
    told = " ".join((wish.flags, *(_canonical(row, value) for row, value in said.items())))
    wish, parts = _weighed(wish)
    return replace(wish, flags=told.strip(), notes=(*wish.notes, *noted, *parts))


def in_form(form: Rewriting, before: Rewriting, offers: Offers) -> Rewriting:
    """A form whose words hold parameters: those that it has a field for, if unchanged, are there.

    The others stay in its words, for whoever reads the wish.  Raises OutOfRange.
    """
    found = _read(form.prompt, offers)
    said = _values([flag for flag in found.flags if isinstance(flag.row, Parameter)])
    left = [flag.typed for flag in found.flags if flag.row not in _FORM_FIELDS]
    for row, field in _FORM_FIELDS.items():
        if row in said and getattr(form, field) == getattr(before, field):
            form = replace(form, **{field: _plain(said[row])})
    return replace(form, prompt=" ".join((found.text, *left))) if found.flags else form


_FORM_FIELDS: Mapping[Parameter, str] = {
    SIZE: "size",
    SEED: "seed",
    NEGATIVE: "negative",
    DENOISE: "strength",
}


def without_flags(words: str, offers: Offers) -> str:
    """The words without parameters."""
    return _read(words, offers).text


def said_in_reply(words: str, offers: Offers) -> SaidInReply:
    """A reply, and what is to be said of its parameters.  Raises OutOfRange."""
    found = _read(words, offers)
    own = [flag for flag in found.flags if isinstance(flag.row, Parameter)]
    left = [flag.typed for flag in own if flag.row in _NOT_IN_REPLIES]
    others = [flag for flag in own if not _is_of(flag.row, IMAGE)]
    understood = [flag for flag in own if flag.row not in _NOT_IN_REPLIES and flag not in others]
    said = _values(understood)
    text = " ".join((found.text, *(_canonical(row, value) for row, value in said.items())))
    noted = (
        *_noted(found, quiet=False),
        *notes.not_in_a_reply(left),
        *notes.not_in_a_reply_of_media(_by_medium(others)),
    )
    return SaidInReply(words=text.strip(), notes=noted)


def _read(words: str, offers: Offers) -> Flagged:
    is_name = named_here(offers)
    found = flagged(words, is_name)
    pairs = any(":" in flag.typed and not flag.typed.startswith("-") for flag in found.flags)
    # Whole generation data is read elsewhere, with all that it says.
    return Flagged(text=words) if pairs and pasted(words) is not None else found


def named_here(offers: Offers) -> IsName:
    """Whether words are the name of something that is here."""
    tests: dict[str, Callable[[str], object]] = {
        STYLE.name: offers.styles.named,
        SAMPLER.name: names.sampler,
        SCHEDULER.name: names.scheduler,
        SIZE.name: lambda text: SHAPES[text.casefold()],
    }
    known: dict[str, Collection[str]] = {}
    listed: dict[str, Callable[[], Collection[Entry]]] = {
        MODEL.name: offers.catalog.models,
        LORA.name: lambda: offers.catalog.entries("lora"),
        VAE.name: lambda: offers.catalog.entries("vae"),
    }

    def is_name(kind: str, text: str) -> bool:
        if kind in listed:
            if kind not in known:
                known[kind] = {OWN_VAE, *(entry.name.casefold() for entry in listed[kind]())}
            bare = text.casefold().removesuffix(".safetensors")
            return bare in known[kind] or (kind == LORA.name and _stem(bare) in known[kind])
        try:
            return kind in tests and bool(tests[kind](text))
        except (Unacceptable, PromptingError, KeyError):
            return False

    return is_name


def _stem(text: str) -> str:
    """A LoRA's name without how strongly it is put on."""
    return text.rpartition(":")[0]


# --- media ------------------------------------------------------------------------------------


def _medium(wish: Wish, typed: Sequence[Flag], offers: Offers) -> str:
    """The medium of what a wish comes to."""
    if wish.draft.task is not None:
        return wish.draft.task.needs.medium
    named = [flag.value for flag in typed if flag.row is MODEL and flag.value]
    if (model := wish.model or next(reversed(named), None)) is not None:
        return offers.makes(model)
    before = wish.after or (wish.parent.recipe if wish.parent is not None else None)
    return before.task.needs.medium if before is not None else IMAGE


def _is_of(row: Any, medium: str) -> bool:
    """Whether works of that medium have what the parameter says."""
    return may_have(medium, row.section)


def _by_medium(flags: Sequence[Flag]) -> dict[str, list[str]]:
    """What was typed of parameters, by the media whose works have them."""
    found: dict[str, list[str]] = {}
    for flag in flags:
        assert isinstance(flag.row, Parameter)  # the callers have chosen
        found.setdefault(medium_of_section(flag.row.section), []).append(flag.typed)
    return found


# --- values -----------------------------------------------------------------------------------


def _values(flags: Sequence[Flag]) -> dict[Parameter, Any]:
    """What was said of each parameter, in its own type: the last counts.  Raises OutOfRange.

    What must not be seen, and LoRAs, are said one after another.
    """
    said: dict[Parameter, Any] = {}
    for flag in flags:
        row = flag.row
        assert isinstance(row, Parameter)  # the callers have chosen
        value = _value(row, flag.value)
        if row in (NEGATIVE, LORA) and row in said:
            value = f"{said[row]}, {value}"
        said[row] = value
    return said


def _value(row: Parameter, typed: str) -> Any:
    match row:
        case WholeParameter() | AmountParameter():
            number = plain_number(typed)
            if number is None or (isinstance(row, WholeParameter) and number != int(number)):
                raise OutOfRange(row.name, typed or NOTHING, row.range)
            value = int(number) if isinstance(row, WholeParameter) else number
            row.check(value)  # type: ignore[arg-type]  # of its own kind, as was just made sure
            return value
        case TextParameter() if not typed:
            raise OutOfRange(row.name, NOTHING, _EXAMPLES.get(row.name, "a name"))
        case TextParameter():
            row.check(typed, row.name)
    if row is SIZE:
        return plain_size(typed)
    if row is SEED:
        text = unicodedata.normalize("NFKC", typed)
        seed_named(text)
        return text
    if row is ASSIST:
        if typed.casefold() not in (*AssistMode, ""):
            raise OutOfRange(row.name, typed, "on, off or auto")
        return AssistMode(typed.casefold() or AssistMode.ON)
    return typed


_EXAMPLES = {
    SIZE.name: mark("such as 3:2, 512x768 or portrait"),
    SEED.name: mark("a whole number, or random"),
    NEGATIVE.name: mark("said in words, as in --no hat"),
    LORA.name: mark("a name and how strongly, as in --lora ink:0.8"),
}

_FIELDS = {
    MODEL: "model",
    VAE: "vae",
    SIZE: "size",
    COUNT: "count",
    BEST_OF: "best_of",
    SEED: "seed",
    STYLE: "style",
    ASSIST: "assist",
    PRESET: "preset",
}


def _has(wish: Wish, row: Any) -> bool:
    """Whether an option has said it."""
    draft = wish.draft
    if row in _FIELDS:
        sized = row is SIZE and draft.canvas.width is not None and not draft.inputs
        return getattr(wish, _FIELDS[row]) is not None or sized
    if row is LORA:
        return bool(draft.adapters)
    if row.section == "canvas" and wish.size is not None:
        return True
    return getattr(getattr(draft, row.section), row.field) is not None


def _saying(wish: Wish, row: Parameter, value: Any, offers: Offers) -> Wish:
    if row is SEED:
        return replace(wish, seed=seed_named(value))
    if row in _FIELDS:
        return replace(wish, **{_FIELDS[row]: value})
    if row is LORA:
        found = tuple(offers.lora(one) for one in value.split(",") if one.strip())
        return replace(wish, draft=replace(wish.draft, adapters=found))
    section = replace(getattr(wish.draft, row.section), **{row.field: value})
    assert row.section in SECTIONS
    draft: Draft = replace(wish.draft, **{row.section: section})
    return replace(wish, draft=draft)


def _canonical(row: Parameter, value: Any) -> str:
    """As replies have it."""
    return f"--{_OF_REPLIES.get(row.name, row.name)} {_plain(value)}"


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


# --- what is said of it -----------------------------------------------------------------------


def _noted(found: Flagged, *, quiet: bool) -> tuple[str, ...]:
    """The notes; `quiet`: of words that may be an older picture's only what was taken out."""
    foreign = [flag for flag in found.flags if isinstance(flag.row, ForeignParameter)]
    nearest = dict.fromkeys(
        flag.row.nearest for flag in foreign if isinstance(flag.row, ForeignParameter)
    )
    said = notes.foreign_parameters([flag.typed for flag in foreign], [n for n in nearest if n])
    slips = (
        notes.unknown_parameter(
            slip.typed, slip.nearest.name if slip.nearest else "", taken=slip.taken
        )
        for slip in found.unknown
        if slip.taken or not quiet
    )
    return (*said, *slips)


def _weighed(wish: Wish) -> tuple[Wish, tuple[str, ...]]:
    """Midjourney's parts of a prompt, and what is said of them."""
    words = wish.draft.words
    parts = weighed(words.prompt or "") if "::" in (words.prompt or "") else None
    if parts is None:
        return wish, ()
    negative = ", ".join(filter(None, (words.negative_prompt, parts.negative))) or None
    read = replace(words, prompt=parts.text, negative_prompt=negative)
    told = notes.multi_prompt(words.prompt or "", parts.text, parts.negative)
    return replace(wish, draft=replace(wish.draft, words=read)), (told,)

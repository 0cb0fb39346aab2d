"""What autocomplete offers.  Every answer comes from memory or one indexed query: Discord waits
for at most three seconds, and people for less."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import discord
from discord import app_commands

from bot.chat.askers import asker_of, origin_of, studio_of
from bot.languages.speaking import mark, tr
from bot.pages import choosing
from bot.pages.quoting import plain
from bot.pages.settings_page import WHOSE
from bot.studio.enlarging import LANCZOS
from bot.studio.offers import Offers
from bot.studio.presetting import Whereabouts
from bot.studio.rights import Asker
from bot.studio.studio import Studio
from bot.studio.wishes import OWN_VAE
from generation import names
from generation.catalog.entry import SHORT_HASH, Entry
from generation.errors import NoSuchName
from generation.families.family import FAMILIES
from generation.families.model_family import Family
from generation.samplers import SAMPLERS, SCHEDULERS
from generation.tasks import IMAGE, Task
from storage.errors import Missing, StorageError
from storage.ids import number_in
from storage.people import AssistMode
from storage.pictures import PictureId
from storage.presets import folded

MOST, LETTERS = 25, 100  # Discord's limits: choices, and letters of one

Interaction = discord.Interaction[Any]
Choices = list[app_commands.Choice[str]]

# When an assistant looks for words; there are few enough for a list.
ASSIST = [app_commands.Choice(name=mode.value, value=mode.value) for mode in AssistMode]
C = TypeVar("C", bound=Callable[..., object])


# What a command makes, where that is no picture; the first task is the one that is usual.
MAKES = {"video": Task.TEXT_TO_VIDEO, "sound": Task.TEXT_TO_AUDIO, "model3d": Task.TEXT_TO_3D}


def makes(interaction: Interaction) -> str:
    """The medium of what the command makes."""
    task = MAKES.get(getattr(interaction.command, "name", ""))
    return task.needs.medium if task is not None else IMAGE


async def models(interaction: Interaction, typed: str) -> Choices:
    """Checkpoints of the catalog that make what the command makes."""
    return _models(interaction, typed, makes(interaction))


async def models_of_all(interaction: Interaction, typed: str) -> Choices:
    """Checkpoints of the catalog, whatever they make."""
    return _models(interaction, typed, None)


def _models(interaction: Interaction, typed: str, medium: str | None) -> Choices:
    entries = studio_of(interaction).offers.checkpoints(medium)
    rules = studio_of(interaction).servers.rules(interaction.guild_id)
    return [
        app_commands.Choice(name=_label(e.name, f" · {FAMILIES[e.family].title}"), value=_value(e))
        for e in entries
        if _matches(typed, e.name) and rules.offers_model(e.weights.sha256)
    ][:MOST]


async def samplers(_: Interaction, typed: str) -> Choices:
    """Samplers, by ComfyUI's names or A1111's; the best known where nothing is typed."""
    return _named(SAMPLERS, typed, names.sampler_title, names.sampler)


async def schedulers(_: Interaction, typed: str) -> Choices:
    """Schedulers, by ComfyUI's names or A1111's."""
    return _named(SCHEDULERS, typed, names.scheduler_title, names.scheduler)


async def loras(interaction: Interaction, typed: str) -> Choices:
    """LoRAs by name; what was typed before the last comma stays."""
    offers = studio_of(interaction).offers
    before, comma, last = typed.rpartition(",")
    kept = f"{before}{comma} " if comma else ""
    found = []
    for entry in offers.loras():
        if _matches(last, entry.name):
            # A comma in a name would end it.
            value = f"{kept}{entry.short if ',' in entry.name else entry.name}"
            if len(value) > LETTERS:
                value = ", ".join([*_shortened(before, offers), entry.short])
            if len(value) <= LETTERS:  # else it could be chosen, and would mean another one
                found.append(app_commands.Choice(name=_label(f"{kept}{entry.name}"), value=value))
    return found[:MOST]


def _shortened(typed: str, offers: Offers) -> list[str]:
    """LoRAs and their strengths, each by its short name, where it is known."""
    short = {entry.weights: f"[{entry.weights.sha256[:SHORT_HASH]}]" for entry in offers.loras()}
    said = []
    for one in filter(str.strip, typed.split(",")):
        try:
            adapter = offers.lora(one)
        except NoSuchName:
            said.append(one.strip())
        else:
            said.append(f"{short[adapter.weights]}:{adapter.said}")
    return said


async def vaes(interaction: Interaction, typed: str) -> Choices:
    """VAEs by name, those that fit the chosen model, and the model's own."""
    offers = studio_of(interaction).offers
    family = await family_of(interaction)
    own = app_commands.Choice(name="the model's own", value=OWN_VAE)
    found = [
        app_commands.Choice(
            name=_label(entry.title) if plain(entry.title) else _label(entry.name),
            value=_value(entry),
        )
        for entry in offers.vaes()
        if entry.fits(family.name) and _matches(typed, f"{entry.name} {entry.title}")
    ]
    return [*([own] if _matches(typed, own.name) else []), *found][:MOST]


async def upscalers(interaction: Interaction, typed: str) -> Choices:
    """Networks that make pictures larger, and none."""
    entries = studio_of(interaction).offers.upscalers()
    found = [
        app_commands.Choice(name=_label(e.name), value=_value(e))
        for e in entries
        if _matches(typed, e.name)
    ]
    plainly = app_commands.Choice(name="lanczos, without a network", value=LANCZOS)
    return [*found, *([plainly] if _matches(typed, plainly.name) else [])][:MOST]


async def controlnets(interaction: Interaction, typed: str) -> Choices:
    """Networks that look at a control picture, those that fit the chosen model or may."""
    family = await family_of(interaction)
    found = [
        app_commands.Choice(name=_label(entry.name), value=_value(entry))
        for entry in studio_of(interaction).offers.controlnets()
        if not entry.family or family.takes(entry.kind, FAMILIES[entry.family])
        if _matches(typed, entry.name)
    ]
    return found[:MOST]


async def styles(interaction: Interaction, typed: str) -> Choices:
    """The style library, by its English or Chinese name."""
    rules = studio_of(interaction).servers.rules(interaction.guild_id)
    found = [
        app_commands.Choice(name=_label(f"{style.en} · {style.zh}"), value=style.key)
        for style in studio_of(interaction).offers.styles.values()
        if _matches(typed, f"{style.en} {style.zh} {style.name}") and rules.offers_style(style.name)
    ]
    return found[:MOST]


async def sizes(interaction: Interaction, typed: str) -> Choices:
    """Shapes in the size of the model that would draw; any other WxH or W:H may be typed."""
    offered = choosing.size_choices((await family_of(interaction)).name, typed)
    return [app_commands.Choice(name=name, value=value) for name, value in offered][:MOST]


async def family_of(interaction: Interaction) -> Family:
    """What the model that would draw is of: the one chosen beside it, or the person's."""
    studio = studio_of(interaction)
    chosen = getattr(interaction.namespace, "model", None)
    medium = makes(interaction)
    if chosen is None and medium != IMAGE:
        here = studio.offers.checkpoints(medium)
        return here[0].model.family if here else studio.offers.family_of(None)
    if chosen is None:
        return await studio.defaults.family(origin_of(interaction))
    return studio.offers.family_of(chosen)


async def presets(interaction: Interaction, typed: str) -> Choices:
    """Presets by name, the nearest first; one that a nearer hides is named with whose it is."""
    there = Whereabouts.of(origin_of(interaction))
    found, taken = [], set[str]()
    for preset in await studio_of(interaction).presets.visible(there):
        hidden, level = folded(preset.name) in taken, preset.owner.level
        taken.add(folded(preset.name))
        if _matches(typed, preset.name):
            label = _label(preset.name, f" · {tr(WHOSE[level])}")
            value = f"{level}:{preset.name}" if hidden else preset.name
            found.append(app_commands.Choice(name=label, value=value))
    return found[:MOST]


async def pictures(interaction: Interaction, typed: str) -> Choices:
    """A number as it was typed, then the person's newest pictures that fit."""
    studio, asker = studio_of(interaction), asker_of(interaction)
    newest = await studio.gallery.own(asker, 50)
    text = typed.strip().removeprefix("#").strip()
    number = number_in(text)
    offered = []
    if number is not None:
        offered.append(await _exactly(PictureId(number), studio, asker))
        # Those whose number goes on so come before those that hold the digits somewhere.
        newest = tuple(sorted(newest, key=lambda p: not str(p.id).startswith(text)))
    labels = {str(p.id): choosing.picture_choice(p) for p in newest if p.id != number}
    fits = text if number is not None else typed
    offered += [
        app_commands.Choice(name=label, value=value)
        for value, label in labels.items()
        if _matches(fits, label)
    ]
    return offered[:MOST]


async def several_pictures(interaction: Interaction, typed: str) -> Choices:
    """Pictures, one after the other; what was typed before the last one stays."""
    before, blank, last = typed.replace(",", " ").rpartition(" ")
    kept = " ".join(before.split()) + (" " if blank else "")
    return [
        app_commands.Choice(name=_label(f"{kept}{choice.name}"), value=f"{kept}{choice.value}")
        for choice in await pictures(interaction, last)
        if len(f"{kept}{choice.value}") <= LETTERS
    ]


async def _exactly(number: PictureId, studio: Studio, asker: Asker) -> app_commands.Choice[str]:
    """The picture of that number; one that the person may not see looks like one that never was."""
    label = f"#{number}"
    with contextlib.suppress(Missing, StorageError, discord.HTTPException):
        label = choosing.picture_choice(await studio.gallery.picture(asker, number))
    return app_commands.Choice(name=label, value=str(number))


async def requests(interaction: Interaction, typed: str) -> Choices:
    """A number as it was typed, then the person's open requests that fit."""
    studio = studio_of(interaction)
    mine = [s for s in studio.open_requests.standings() if s.owner == interaction.user.id]
    labels = {str(s.request): f"{plain(s.words, 80)} ({s.done}/{s.total})" for s in mine}
    number = number_in(typed.strip().removeprefix("#").strip())
    offered = []
    if number is not None:
        label = labels.pop(str(number), tr("request {number}", number=number))
        offered.append(app_commands.Choice(name=_label(label), value=str(number)))
    offered += [
        app_commands.Choice(name=_label(label), value=value)
        for value, label in labels.items()
        if _matches(typed, label)
    ]
    return offered[:MOST]


async def days(_: Interaction, typed: str) -> Choices:
    """Days that are often meant; any other may be typed."""
    found = [
        app_commands.Choice(name=tr(name), value=value)
        for value, name in DAYS.items()
        if _matches(typed, f"{value} {tr(name)}")
    ]
    return found or [app_commands.Choice(name=typed[:LETTERS], value=typed[:LETTERS])]


DAYS = {
    "today": mark("today"),
    "yesterday": mark("yesterday"),
    "7d": mark("a week ago"),
    "30d": mark("a month ago"),
    "365d": mark("a year ago"),
}


def _value(entry: Entry) -> str:
    """What means an entry, in the letters that Discord takes."""
    return entry.name if 0 < len(entry.name) <= LETTERS else entry.short


def _label(name: str, after: str = "") -> str:
    """A name to choose by; of a very long one its beginning and its end, which often differs."""
    name = plain(name, 4 * LETTERS)
    room = LETTERS - len(after)
    if len(name) > room:
        name = f"{name[: room // 2]}…{name[len(name) - (room - room // 2 - 1) :]}"
    return f"{name}{after}" if name else "?"


def _named(
    ours: Iterable[str],
    typed: str,
    title: Callable[[str], str],
    meaning: Callable[[str], object],
) -> Choices:
    """Names of ours by any name; what is typed as another program spells it stays as it is."""
    labels = {name: f"{name} · {title(name)}" for name in ours}
    found = [
        app_commands.Choice(name=label, value=name)
        for name, label in labels.items()
        if _matches(typed, label)
    ]
    if not found and typed:
        with contextlib.suppress(NoSuchName):
            meaning(typed)
            found = [app_commands.Choice(name=typed[:100], value=typed[:100])]
    return found[:MOST]


# What each option offers while it is typed.
_OFFERED = {
    "model": models,
    "size": sizes,
    "sampler": samplers,
    "scheduler": schedulers,
    "style": styles,
    "vae": vaes,
    "lora": loras,
    "controlnet": controlnets,
    "preset": presets,
}


def offered(callback: C) -> C:
    """The command's function, with choices for each of its options that has some."""
    known = inspect.signature(callback).parameters.keys() & _OFFERED.keys()
    return app_commands.autocomplete(**{name: _OFFERED[name] for name in known})(callback)


def _matches(typed: str, name: str) -> bool:
    return all(word in name.lower() for word in typed.lower().split())

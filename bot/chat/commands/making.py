"""/video, /sound and /model3d: a clip, a sound or a form, of words or of what there is.

Whatever is left out is as it is usual for the model; what people like for their pictures is not
said of these.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import discord
from discord import app_commands

from bot.chat.askers import ask_privately, origin_of, studio_of
from bot.chat.buttons.progress import begin
from bot.chat.commands import choices, options
from bot.chat.commands.options import described
from bot.chat.commands.sources import WHICH, Named, as_private, named
from bot.chat.intake import bytes_of
from bot.studio.crossing import GivenWork
from bot.studio.rights import Asker
from bot.studio.studio import Studio
from bot.studio.wishes import Wish, seed_named
from generation.draft import Draft, DraftSampling, DraftWords
from generation.draft_spans import DraftForm, DraftMotion, DraftSecond, DraftSound
from generation.recipe import Adapter
from storage.people import AssistMode
from storage.requests import Origin
from storage.tickets import Request

Interaction = discord.Interaction[Any]
Making = Callable[[Studio, Wish, GivenWork | None], Awaitable[Request]]


@app_commands.command(
    name="video", description="Make a clip: say what is seen and how it moves, or give a picture"
)
@described
@app_commands.describe(
    prompt="What is seen and how it moves, such as: a red ball moves left",
    picture=WHICH,
    image="A picture that it begins with",
    last="A picture that it ends with",
    clip="A clip that is drawn over",
    private="Whether you alone see it; you can share it afterwards",
)
@choices.offered
@app_commands.autocomplete(picture=choices.pictures)
@app_commands.choices(assist=choices.ASSIST)
async def video(
    interaction: Interaction,
    prompt: options.Prompt | None = None,
    picture: Named | None = None,
    image: discord.Attachment | None = None,
    last: discord.Attachment | None = None,
    clip: discord.Attachment | None = None,
    seconds: options.Seconds | None = None,
    frames: options.Frames | None = None,
    fps: options.Fps | None = None,
    passes: options.Passes | None = None,
    size: options.Size | None = None,
    model: str | None = None,
    negative: options.Negative | None = None,
    denoise: options.Denoise | None = None,
    steps: options.Steps | None = None,
    cfg: options.Cfg | None = None,
    shift: options.Shift | None = None,
    sampler: str | None = None,
    scheduler: str | None = None,
    seed: options.Seed | None = None,
    count: options.Count | None = None,
    lora: options.Lora | None = None,
    assist: str | None = None,
    style: options.Style | None = None,
    preset: options.Preset | None = None,
    private: bool = False,
) -> None:
    """Queue it."""
    ask_privately(interaction, asked=private)
    sampling: dict[str, Any] = {"sampler": sampler, "scheduler": scheduler, "steps": steps}
    sampling |= {"cfg": cfg, "denoise": denoise, "shift": shift}
    chosen: dict[str, Any] = {"model": model, "size": size, "count": count, "style": style}
    chosen |= {"preset": preset, "assist": AssistMode(assist) if assist else None}

    async def making(studio: Studio, wish: Wish, source: GivenWork | None) -> Request:
        ending = await _sent(last, studio)
        return await studio.crossings.film(wish, source, last=ending)

    draft = Draft(
        words=DraftWords(prompt=prompt, negative_prompt=negative),
        sampling=DraftSampling(**sampling),
        motion=DraftMotion(frames=frames, fps=fps),
        second=DraftSecond(passes=passes),
        sound=DraftSound(seconds=seconds),
        adapters=_loras(studio_of(interaction), lora),
    )
    await _begin(interaction, draft, chosen, (picture, image or clip), seed, making)


@app_commands.command(
    name="sound", description="Make a sound: say what is heard, such as: rain on a roof"
)
@described
@app_commands.describe(
    prompt="What is heard, such as: a low loud beep",
    picture="Of what a picture or a clip shows: its number (#12), or the link of its message",
    audio="A sound that is made over",
    private="Whether you alone see it; you can share it afterwards",
)
@choices.offered
@app_commands.autocomplete(picture=choices.pictures)
@app_commands.choices(assist=choices.ASSIST)
async def sound(
    interaction: Interaction,
    prompt: options.Prompt | None = None,
    picture: Named | None = None,
    audio: discord.Attachment | None = None,
    seconds: options.Seconds | None = None,
    lyrics: options.Lyrics | None = None,
    bpm: options.Bpm | None = None,
    key: options.Key | None = None,
    meter: options.Meter | None = None,
    model: str | None = None,
    negative: options.Negative | None = None,
    denoise: options.Denoise | None = None,
    steps: options.Steps | None = None,
    cfg: options.Cfg | None = None,
    sampler: str | None = None,
    scheduler: str | None = None,
    seed: options.Seed | None = None,
    count: options.Count | None = None,
    lora: options.Lora | None = None,
    assist: str | None = None,
    preset: options.Preset | None = None,
    private: bool = False,
) -> None:
    """Queue it."""
    ask_privately(interaction, asked=private)
    sampling: dict[str, Any] = {"sampler": sampler, "scheduler": scheduler, "steps": steps}
    sampling |= {"cfg": cfg, "denoise": denoise}
    chosen: dict[str, Any] = {"model": model, "count": count, "preset": preset}
    chosen |= {"assist": AssistMode(assist) if assist else None}

    async def making(studio: Studio, wish: Wish, source: GivenWork | None) -> Request:
        return await studio.crossings.voice(wish, source)

    draft = Draft(
        words=DraftWords(prompt=prompt, negative_prompt=negative),
        sampling=DraftSampling(**sampling),
        sound=DraftSound(seconds=seconds, lyrics=lyrics, bpm=bpm, key=key, meter=meter),
        adapters=_loras(studio_of(interaction), lora),
    )
    await _begin(interaction, draft, chosen, (picture, audio), seed, making)


@app_commands.command(
    name="model3d", description="Make a form that turns: say what it is, or give a picture of it"
)
@described
@app_commands.describe(
    prompt="What it is, such as: a red cube",
    picture=WHICH,
    image="A picture of the thing, best alone before a plain ground",
    private="Whether you alone see it; you can share it afterwards",
)
@choices.offered
@app_commands.autocomplete(picture=choices.pictures)
async def model3d(
    interaction: Interaction,
    prompt: options.Prompt | None = None,
    picture: Named | None = None,
    image: discord.Attachment | None = None,
    model: str | None = None,
    resolution: options.Resolution | None = None,
    steps: options.Steps | None = None,
    cfg: options.Cfg | None = None,
    seed: options.Seed | None = None,
    count: options.Count | None = None,
    preset: options.Preset | None = None,
    private: bool = False,
) -> None:
    """Queue it."""
    ask_privately(interaction, asked=private)
    chosen: dict[str, Any] = {"model": model, "count": count, "preset": preset}

    async def making(studio: Studio, wish: Wish, source: GivenWork | None) -> Request:
        return await studio.crossings.form(wish, source)

    draft = Draft(
        words=DraftWords(prompt=prompt),
        sampling=DraftSampling(steps=steps, cfg=cfg),
        form=DraftForm(resolution=resolution),
    )
    await _begin(interaction, draft, chosen, (picture, image), seed, making)


def _loras(studio: Studio, typed: str | None) -> tuple[Adapter, ...]:
    return tuple(studio.offers.lora(one) for one in (typed or "").split(",") if one.strip())


async def _begin(
    interaction: Interaction,
    draft: Draft,
    chosen: dict[str, Any],
    given: tuple[str | None, discord.Attachment | None],
    seed: str | None,
    making: Making,
) -> None:
    """Queue what the command makes of the work that is named, or else of what is sent."""
    studio, origin = studio_of(interaction), origin_of(interaction)

    async def asking() -> Request:
        named_one, sent = given
        whose, source = await _source(named_one, sent, origin, studio)
        wish = Wish(
            origin=whose,
            draft=draft,
            seed=seed_named(seed) if seed is not None else None,
            **chosen,
        )
        return await making(studio, wish, source)

    await begin(interaction, asking)


async def _source(
    picture: str | None, sent: discord.Attachment | None, origin: Origin, studio: Studio
) -> tuple[Origin, GivenWork | None]:
    """What it is made of, and for whom.  Raises OutOfRange, Missing and BadPicture."""
    if picture is not None:
        number = await named(picture, studio, Asker.of(origin))
        whose = await as_private(origin, number, studio)
        return whose, await studio.crossings.of_ours(whose, number)
    return origin, await _sent(sent, studio)


async def _sent(sent: discord.Attachment | None, studio: Studio) -> GivenWork | None:
    if sent is None:
        return None
    async with studio.opening.room():
        return await studio.crossings.of_upload(await bytes_of(sent))

"""What a graph says of a clip or a sound: how long it is, and what it begins with.

    latent <- EmptyHunyuanLatentVideo · WanImageToVideo(start_image) · EmptyLatentAudio(seconds)
    images -> CreateVideo(fps)        words <- TextEncodeAceStepAudio1.5(lyrics, bpm, keyscale)

A node that says a `length` of several frames makes a clip, one that says `seconds` a sound.  The
invariant: nothing is asked of a node by its type where an input tells it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from generation.errors import NoSuchName, OutOfRange
from generation.interchange.comfy.canvas import (
    LENGTHS,
    LatentStart,
    counts_frames,
    picture_behind,
)
from generation.interchange.comfy.canvas import begun as behind_latent
from generation.interchange.comfy.conditioning import Conditioned
from generation.interchange.comfy.graph import GraphLink, GraphNode
from generation.interchange.comfy.json_values import number, text, whole
from generation.interchange.comfy.loaders import line
from generation.interchange.comfy.sampling import SamplerSays, sampled
from generation.interchange.comfy.values import GraphValues
from generation.interchange.comfy.walking import upstream
from generation.names import sampler as sampler_named
from generation.names import scheduler as scheduler_named
from generation.parameters import SHIFT, STEPS
from generation.schedule_rules import schedule_rule
from generation.sigmas import expand
from generation.tasks import AUDIO, VIDEO, Task

MOST_BEHIND = 200  # nodes that are looked at behind a link
MOST_SHOWN = 8  # nodes that put frames together

_FIRST, _LAST = ("start_image", "image", "init_image"), ("end_image",)
_FOLLOWED = ("control_video", "source_video", "video")
_LOOKED_AT = ("reference_image", "reference_images", "ref_image")
_RATES = ("fps", "frame_rate")
_MOVED = ("ADE_", "AnimateDiff")  # beginnings of nodes that make a model of pictures move
_OTHERWISE = ("temporal", "x1.5", "x1_5", "x4")  # in names of what enlarges not by two
_SUNG = "en"  # the language in which a song is sung here


@dataclass(slots=True, kw_only=True)
class Lasting:
    """A clip or a sound, as far as the graph says it; what it wants is named by its files."""

    medium: str
    frames: int | None = None
    fps: float | None = None
    seconds: float | None = None
    lyrics: str | None = None
    bpm: object = None
    key: str | None = None
    meter: str | None = None
    language: str = ""  # where it is another than is sung here
    first: str | None = None
    last: str | None = None
    clip: str | None = None  # that is followed, or drawn over
    sound: str | None = None  # that is made over
    references: list[str] = field(default_factory=list)
    loosely: list[float] = field(default_factory=list)  # how much of those that are not held whole
    steered: bool = False  # by a clip, parts of one, or pictures

    @property
    def task(self) -> Task:
        """What is made of what."""
        if self.medium == AUDIO:
            return Task.TEXT_TO_AUDIO if self.sound is None else Task.AUDIO_TO_AUDIO
        if self.steered:
            return Task.EDIT_VIDEO
        if self.first is not None:
            return Task.IMAGE_TO_VIDEO
        return Task.TEXT_TO_VIDEO if self.clip is None else Task.VIDEO_TO_VIDEO


def lasting(
    values: GraphValues,
    begun: LatentStart,
    positive: Conditioned,
    main: GraphNode,
    through: list[GraphNode],
) -> Lasting | None:
    """What the main sampler makes that lasts; None: it makes none that does, or nobody can tell.

    `through`: the nodes that its model comes through.
    """
    for node in begun.nodes:
        seconds = number(values.of(node, "seconds"))
        if "Audio" in node.type and (seconds is not None or "audio" in node.links()):
            return _sound(values, node, seconds, positive)
    found = _film(values, begun, positive)
    if found is None and begun.batch > 1 and any(one.type.startswith(_MOVED) for one in through):
        found = Lasting(medium=VIDEO, frames=begun.batch)
    if found is not None:
        found.fps = _rate(values, main, positive)
    return found


def _sound(
    values: GraphValues, node: GraphNode, seconds: float | None, positive: Conditioned
) -> Lasting:
    found = Lasting(medium=AUDIO, seconds=seconds)
    if (sent := node.link("audio")) is not None:
        found.sound = _named(values, sent, "audio")
    for encoder in positive.encoders[:1]:
        found.lyrics = text(values.of(encoder, "lyrics")) or None
        found.bpm = values.of(encoder, "bpm")
        found.key = text(values.of(encoder, "keyscale")) or None
        found.meter = text(values.of(encoder, "timesignature")) or None
        sung = text(values.of(encoder, "language"))
        found.language = sung if found.lyrics and sung != _SUNG else ""
    return found


def _film(values: GraphValues, begun: LatentStart, positive: Conditioned) -> Lasting | None:
    told = list({node.id: node for node in (*begun.nodes, *positive.nodes.values())}.values())
    made = next((node for node in told if counts_frames(node)), None)
    sent = next((node for node in begun.nodes if _is_film(node)), None)
    if made is None and sent is None:
        return None
    found = Lasting(medium=VIDEO)
    if sent is not None:
        found.clip = _film_name(sent)
    if made is None:
        return found
    found.frames = whole(values.of(made, *LENGTHS))
    if found.frames == 1:
        return None  # a picture
    _begins(values, made.link(*_FIRST), found)
    if (last := made.link(*_LAST)) is not None:
        found.last = picture_behind(values, last).picture
    for node in told:
        if {"latent", "image"} <= node.links().keys() and node is not made:
            _guides(values, node, found)
    for name in _LOOKED_AT:
        if (looked_at := made.link(name)) is not None:
            found.references.append(picture_behind(values, looked_at).picture)
            found.steered = True
    if (followed := made.link(*_FOLLOWED)) is not None:
        _follow(values, followed, found)
    return found


def _begins(values: GraphValues, link: GraphLink | None, found: Lasting) -> None:
    """With a picture; frames of a clip are followed."""
    if link is None:
        return
    start = picture_behind(values, link)
    film = next((node for node in start.nodes if _is_film(node)), None)
    if film is None:
        found.first = start.picture
    else:
        found.clip, found.steered = _film_name(film), True


def _guides(values: GraphValues, node: GraphNode, found: Lasting) -> None:
    """A picture that is laid into a latent (LTX): its first frame, or its last."""
    if values.of(node, "bypass") is True:
        return
    picture = picture_behind(values, node.link("image")).picture
    strength = number(values.of(node, "strength"))
    if strength is not None and strength < 1.0:
        found.loosely.append(strength)
    if whole(values.of(node, "frame_idx")) in (None, 0):
        found.first = picture
    else:
        found.last = picture


def _is_film(node: GraphNode) -> bool:
    return "LoadVideo" in node.type


def _film_name(node: GraphNode) -> str:
    return text(node.inputs.get("file") or node.inputs.get("video"))


def _follow(values: GraphValues, link: GraphLink, found: Lasting) -> None:
    """A clip that steers; or, of one that is put together of pictures, its first and last."""
    behind = list(_behind(values, link))
    film = next((node for node in behind if _is_film(node)), None)
    sent = [text(node.inputs.get("image")) for node in behind if node.type.startswith("LoadImage")]
    if film is not None:
        found.clip, found.steered = _film_name(film), True
    elif not sent:
        found.steered = True
    elif found.first is None:
        found.first, found.last = sent[0], sent[1] if len(sent) > 1 else found.last


def _behind(values: GraphValues, link: GraphLink) -> Iterator[GraphNode]:
    origin = values.origin(link)
    if origin is not None:
        yield from islice(upstream(values, origin[0]), MOST_BEHIND)


def _named(values: GraphValues, link: GraphLink, key: str) -> str:
    said = (text(node.inputs.get(key)) for node in _behind(values, link))
    return next(filter(None, said), "")


def _rate(values: GraphValues, main: GraphNode, positive: Conditioned) -> float | None:
    """What the network is told; or else how the frames are put together to a clip.

    Frames that are put in between afterwards make another rate of it.
    """
    for node in positive.nodes.values():
        if (said := number(values.of(node, "frame_rate"))) is not None:
            return said
    shown = (node for node in values.graph.nodes.values() if node.link("images") is not None)
    rated = (node for node in shown if not node.inputs.keys().isdisjoint(_RATES))
    for node in islice(rated, MOST_SHOWN):
        made_of = list(islice(upstream(values, node), MOST_BEHIND))
        if any(one.id == main.id for one in made_of):
            between = any("multiplier" in one.inputs for one in made_of)
            return None if between else number(values.of(node, *_RATES))
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondNetwork:
    """The pass of another network that goes on where the first stops, amid the noise."""

    node: GraphNode
    boundary: float | None  # None: nobody can tell without a shift; the model's own counts
    cfg: float | None
    line: frozenset[str]  # the ids of the nodes that its model comes through


@dataclass(frozen=True, slots=True, kw_only=True)
class EnlargedPass:
    """The pass that draws on, upon latents that a network made twice as wide and high."""

    node: GraphNode
    said: SamplerSays
    sigmas: tuple[float, ...]  # none, where they are not written by hand
    line: frozenset[str]  # the ids of the nodes that its model comes through
    loosely: tuple[float, ...]  # how much of its pictures is held, of those that are not wholly
    picture: str  # that is laid in, by its file; empty: none is


def drawn_on(
    values: GraphValues, said: SamplerSays, others: tuple[GraphNode, ...]
) -> EnlargedPass | None:
    """The pass that goes on from the main sampler's latents, once these are enlarged."""
    for node in others:
        other = sampled(values, node)
        behind = behind_latent(values, other.latent).nodes
        place = next((n for n, one in enumerate(behind) if _doubles(values, one)), len(behind))
        if said.node.id not in (one.id for one in behind[place:]):
            continue
        guides = Lasting(medium=VIDEO)
        for one in behind[:place]:
            if {"latent", "image"} <= one.links().keys():
                _guides(values, one, guides)
        schedule = other.scheduler if isinstance(other.scheduler, str) else ""
        return EnlargedPass(
            node=node,
            said=other,
            sigmas=_by_hand(schedule),
            line=frozenset(one.id for one in _line(values, other.model)),
            loosely=tuple(guides.loosely),
            picture=guides.first or guides.last or "",
        )
    return None


def _doubles(values: GraphValues, node: GraphNode) -> bool:
    """Whether a network makes its latents twice as wide and high (of pixels it has an image).

    By the name of its file: others make frames of them, or half as much again.
    """
    links = node.links()
    if not {"samples", "upscale_model"} <= links.keys():
        return False
    file = _named(values, links["upscale_model"], "model_name").casefold()
    return not any(mark in file for mark in _OTHERWISE)


def _by_hand(schedule: str) -> tuple[float, ...]:
    try:
        rule = schedule_rule(schedule)
    except OutOfRange:
        return ()
    return (*rule.levels, 0.0) if rule is not None and rule.levels else ()


def taken_over(
    values: GraphValues, said: SamplerSays, others: tuple[GraphNode, ...], shift: float | None
) -> SecondNetwork | None:
    """The pass of another network, which takes over between the levels of two steps."""
    end, steps = whole(values.of(said.node, "end_at_step")), whole(said.steps)
    if end is None or steps is None or not 0 < end < steps <= STEPS.high:
        return None
    mine = _loaded(values, said.model)
    for node in others:
        latent, other = values.origin(node.link("latent_image")), sampled(values, node)
        goes_on = latent is not None and latent[0].id == said.node.id
        alike = all(
            getattr(other, name) == getattr(said, name)
            for name in ("steps", "sampler", "scheduler")
        )
        another = _loaded(values, other.model) not in ("", mine)
        fresh = values.of(node, "add_noise") not in ("disable", False)
        begins = whole(values.of(node, "start_at_step"))
        if goes_on and alike and another and not fresh and begins == end:
            return SecondNetwork(
                node=node,
                boundary=_between(said, steps, end, shift),
                cfg=number(other.cfg),
                line=frozenset(one.id for one in _line(values, other.model)),
            )
    return None


def _line(values: GraphValues, link: GraphLink | None) -> Iterator[GraphNode]:
    return line(values, link, "model", "model1")


def _loaded(values: GraphValues, link: GraphLink | None) -> str:
    """The file at the beginning of a model's line."""
    names = (
        text(values.of(node, "unet_name", "ckpt_name", "model_name"))
        for node in _line(values, link)
    )
    return next(filter(None, names), "")


def _between(said: SamplerSays, steps: int, end: int, shift: float | None) -> float | None:
    if shift is None or not SHIFT.low <= shift <= SHIFT.high:
        return None
    try:
        named = sampler_named(text(said.sampler)).name
        schedule = scheduler_named(text(said.scheduler)) or ""
        levels = expand(named, schedule, steps=steps, denoise=1.0, noise=f"flow:{shift}")
    except (NoSuchName, OutOfRange):
        return None
    return round((levels[end - 1] + levels[end]) / 2, 6) if end < len(levels) else None

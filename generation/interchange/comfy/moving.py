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

from generation.draft_spans import DraftExperts
from generation.errors import NoSuchName, OutOfRange
from generation.interchange.comfy.canvas import LatentStart, picture_behind
from generation.interchange.comfy.conditioning import Conditioned
from generation.interchange.comfy.graph import GraphLink, GraphNode
from generation.interchange.comfy.json_values import number, text, whole
from generation.interchange.comfy.sampling import SamplerSays
from generation.interchange.comfy.values import GraphValues
from generation.interchange.comfy.walking import upstream
from generation.names import sampler as sampler_named
from generation.names import scheduler as scheduler_named
from generation.sigmas import expand
from generation.tasks import AUDIO, VIDEO, Task

MOST_BEHIND = 200  # nodes that are looked at behind a link
MOST_SHOWN = 8  # nodes that put frames together

_FIRST, _LAST = ("start_image", "image", "first_frame"), ("end_image", "last_frame")
_FOLLOWED = ("control_video", "source_video", "video")
_LOOKED_AT = ("reference_image", "reference_images", "ref_image")
_LENGTHS = ("length", "num_frames")
_RATES = ("fps", "frame_rate")


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
    first: str | None = None
    last: str | None = None
    clip: str | None = None  # that is followed, or drawn over
    sound: str | None = None  # that is made over
    references: list[str] = field(default_factory=list)
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
    values: GraphValues, begun: LatentStart, positive: Conditioned, main: GraphNode
) -> Lasting | None:
    """What the main sampler makes that lasts; None: it makes none that does, or nobody can tell."""
    for node in begun.nodes:
        seconds = number(values.of(node, "seconds"))
        if "Audio" in node.type and (seconds is not None or "audio" in node.links()):
            return _sound(values, node, seconds, positive)
    found = _film(values, begun, positive)
    if found is not None:
        found.fps = _rate(values, main, positive)
    return found


def _sound(
    values: GraphValues, node: GraphNode, seconds: float | None, positive: Conditioned
) -> Lasting:
    found = Lasting(medium=AUDIO, seconds=seconds)
    if "audio" in node.links():
        found.sound = _named(values, node.link("audio"), "audio")
    for encoder in positive.encoders[:1]:
        found.lyrics = text(values.of(encoder, "lyrics")) or None
        found.bpm = values.of(encoder, "bpm")
        found.key = text(values.of(encoder, "keyscale")) or None
        found.meter = text(values.of(encoder, "timesignature")) or None
    return found


def _film(values: GraphValues, begun: LatentStart, positive: Conditioned) -> Lasting | None:
    told = [*begun.nodes, *positive.nodes.values()]
    made = next((node for node in told if _counts_frames(node)), None)
    sent = next((node for node in begun.nodes if _is_film(node)), None)
    if made is None and sent is None:
        return None
    found = Lasting(medium=VIDEO)
    if sent is not None:
        found.clip = text(sent.inputs.get("file") or sent.inputs.get("video"))
    if made is None:
        return found
    found.frames = whole(values.of(made, *_LENGTHS))
    if found.frames == 1:
        return None  # a picture
    if (first := made.link(*_FIRST)) is not None:
        found.first = picture_behind(values, first).picture
    if (last := made.link(*_LAST)) is not None:
        found.last = picture_behind(values, last).picture
    for name in _LOOKED_AT:
        if (looked_at := made.link(name)) is not None:
            found.references.append(picture_behind(values, looked_at).picture)
            found.steered = True
    if (followed := made.link(*_FOLLOWED)) is not None:
        _follow(values, followed, found)
    return found


def _counts_frames(node: GraphNode) -> bool:
    """Whether it says how many are made, with a size or with pictures to begin with."""
    sized = {"width", "height"} <= node.inputs.keys() or node.link(*_FIRST) is not None
    return sized and not node.inputs.keys().isdisjoint(_LENGTHS)


def _is_film(node: GraphNode) -> bool:
    return "LoadVideo" in node.type or node.type == "VHS_LoadVideo"


def _follow(values: GraphValues, link: GraphLink, found: Lasting) -> None:
    """A clip that steers; or, of one that is put together of pictures, its first and last."""
    behind = list(_behind(values, link))
    film = next((node for node in behind if _is_film(node)), None)
    if film is not None:
        found.clip = text(film.inputs.get("file") or film.inputs.get("video"))
        found.steered = True
        return
    sent = [text(node.inputs.get("image")) for node in behind if node.type.startswith("LoadImage")]
    if not sent:
        found.steered = True
    elif found.first is None:
        found.first, found.last = sent[0], sent[1] if len(sent) > 1 else found.last


def _behind(values: GraphValues, link: GraphLink) -> Iterator[GraphNode]:
    origin = values.origin(link)
    if origin is not None:
        yield from islice(upstream(values, origin[0]), MOST_BEHIND)


def _named(values: GraphValues, link: GraphLink | None, key: str) -> str:
    if link is None:
        return ""
    return next((text(one.inputs[key]) for one in _behind(values, link) if key in one.inputs), "")


def _rate(values: GraphValues, main: GraphNode, positive: Conditioned) -> float | None:
    """What the network is told; or else how the frames are put together to a clip."""
    for node in positive.nodes.values():
        if (said := number(values.of(node, "frame_rate"))) is not None:
            return said
    shown = (node for node in values.graph.nodes.values() if node.link("images") is not None)
    rated = (node for node in shown if not node.inputs.keys().isdisjoint(_RATES))
    for node in islice(rated, MOST_SHOWN):
        if any(one.id == main.id for one in islice(upstream(values, node), MOST_BEHIND)):
            return number(values.of(node, *_RATES))
    return None


def taken_over(
    values: GraphValues, said: SamplerSays, others: tuple[GraphNode, ...], shift: float | None
) -> tuple[GraphNode, DraftExperts] | None:
    """The pass of a second network that goes on where the first stops, amid the noise.

    It takes over between the levels of the two steps at which it does; without a shift nobody
    knows which these are, and the model's usual ones count.
    """
    end, steps = whole(values.of(said.node, "end_at_step")), whole(said.steps)
    if end is None or steps is None or not 0 < end < steps:
        return None
    for other in others:
        latent = values.origin(other.link("latent_image"))
        goes_on = latent is not None and latent[0].id == said.node.id
        if goes_on and whole(values.of(other, "start_at_step")) == end:
            boundary = _between(said, steps, end, shift)
            cfg = number(values.of(other, "cfg"))
            return other, DraftExperts(boundary=boundary, cfg=cfg)
    return None


def _between(said: SamplerSays, steps: int, end: int, shift: float | None) -> float | None:
    try:
        named = sampler_named(text(said.sampler)).name
        schedule = scheduler_named(text(said.scheduler)) or ""
        levels = expand(named, schedule, steps=steps, denoise=1.0, noise=f"flow:{shift or 1.0}")
    except (NoSuchName, OutOfRange):
        return None
    if shift is None or end >= len(levels):
        return None
    return round((levels[end - 1] + levels[end]) / 2, 6)

"""A graph of ComfyUI -> a draft of what its main sampler draws, the files, and what is lost.

The invariant: every node that something is made of is understood, or lost by its name; nothing is
raised for any graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from generation.draft_spans import DraftExperts, DraftSecond
from generation.errors import NoSuchName
from generation.interchange.comfy import nodes
from generation.interchange.comfy.canvas import LatentStart, begun
from generation.interchange.comfy.conditioning import NEGATIVE, POSITIVE, Conditioned, told
from generation.interchange.comfy.graph import Graph, GraphNode
from generation.interchange.comfy.json_values import mapping, number, parsed, text, whole
from generation.interchange.comfy.loaders import NamedFile, line, named
from generation.interchange.comfy.moving import (
    EnlargedPass,
    Lasting,
    SecondNetwork,
    drawn_on,
    lasting,
    taken_over,
)
from generation.interchange.comfy.sampling import SamplerSays, sampled, shift_of, told_of
from generation.interchange.comfy.values import GraphValues
from generation.interchange.comfy.walking import is_sampler, passes, used
from generation.interchange.gathering import Gathering
from generation.interchange.imported import MOST, Imported, NotRead, WantedFile, Why
from generation.names import sampler as sampler_named
from generation.parameters import (
    BPM,
    CFG,
    DENOISE,
    FPS,
    FRAMES,
    GUIDANCE,
    IMAGE_CFG,
    KEY,
    LYRICS,
    METER,
    SAMPLER,
    SCHEDULER,
    SECONDS,
    SHIFT,
    STEPS,
)
from generation.recipe import COMFY
from generation.spans import BOTH, TWICE
from generation.tasks import VIDEO, Task

PROGRAM = "comfyui"
MAX_NAMED = 1_000  # names of files that are looked at

# What else than pictures is made, by words in the types of what it begins with.
_OTHER_MEDIA = ("Video", "Audio", "3D", "Trellis", "Splat")
_CONTROLS = ("canny", "depth", "control", "union", "pose", "scribble")
# What encoders of extensions call the way in which they read weights, and ComfyUI's own.
_READINGS = ("parser", "weight_interpretation")
_AS_COMFYUI = ("comfy", "comfyui", "default")
_ALL_OF_IT = 0.9999  # of denoise: more is all of it, as ComfyUI says


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """The main sampler, and what it is given."""

    said: SamplerSays
    positive: Conditioned
    negative: Conditioned
    begun: LatentStart
    line: list[GraphNode]
    shift: float | None
    lasting: Lasting | None


def drafted(graph: Graph, *, beside: Mapping[str, object]) -> Imported:
    """What is read of a graph; `beside` is what sites put next to the nodes."""
    values = GraphValues(graph)
    found = Gathering(PROGRAM)
    live = used(values)
    every = passes(values)
    one = _pass(values, every.main) if every is not None else None
    second: SecondNetwork | EnlargedPass | None = None
    if every is not None and one is not None:
        second = _second(values, found, one, every.others)
        _sampling(found, one)
        if second is None:
            second = _drawn_on(values, found, one, every.others)
        _words(values, found, one, graph)
        found.task = _task(values, found, one, every.main)
        _pictures(found, one)
        for other in every.others:
            finishes = second is not None and other.id == second.node.id
            if other.id in live and not finishes and len(found.lost) < MOST:
                what = "another pass"
                found.lose(what, Why.A_STEP_OF_ITS_OWN, told_of(values, other), where=_at(other))
    elif _enlarges(graph, live):
        found.task = Task.UPSCALE
        found.lose("image", Why.WANTS_A_PICTURE)
    _extra(found, beside)
    idle = _files(values, found, live, one, second)
    lasts = one.lasting if one is not None else None
    _unknown(graph, found, live - _within(graph, lasts))
    syntax = _syntax(values, found, one) if one is not None else COMFY
    imported = found.imported()
    draft = replace(imported.draft, words=replace(imported.draft.words, syntax=syntax))
    files = tuple(replace(f, idle=(f.kind, f.name) in idle) for f in imported.files)
    return replace(imported, draft=draft, files=files)


def _enlarges(graph: Graph, live: frozenset[str]) -> bool:
    """Whether all that is done is to give a picture more pixels."""
    every = [graph.nodes[name] for name in live]
    scaled = any("Scale" in node.type or node.link("upscale_model") for node in every)
    return scaled and all(node.type in nodes.read() for node in every)


def _at(node: GraphNode) -> str:
    return f"{node.type} {node.id}"


def _pass(values: GraphValues, main: GraphNode) -> _Pass:
    said = sampled(values, main)
    positive, latent = told(values, said.positive, POSITIVE), begun(values, said.latent)
    through = list(line(values, said.model, "model", "model1"))
    return _Pass(
        said=said,
        positive=positive,
        negative=told(values, said.negative, NEGATIVE),
        begun=latent,
        line=through,
        shift=shift_of(values, through, latent.width, latent.height),
        lasting=lasting(values, latent, positive, main, through),
    )


def _second(
    values: GraphValues, found: Gathering, one: _Pass, others: tuple[GraphNode, ...]
) -> SecondNetwork | None:
    """The pass by which a second network finishes a clip."""
    if one.lasting is None or one.lasting.medium != VIDEO:
        return None
    second = taken_over(values, one.said, others, one.shift)
    if second is None:
        return None
    where, cfg = _at(second.node), second.cfg
    if cfg is not None and not CFG.low <= cfg <= CFG.high:
        found.lose(CFG.name, Why.OUT_OF_RANGE, cfg, where=where)
        cfg = None
    found.experts = DraftExperts(boundary=second.boundary, cfg=cfg)
    one.said.odd = [(what, stood) for what, stood in one.said.odd if what != "end_at_step"]
    return second


def _drawn_on(
    values: GraphValues, found: Gathering, one: _Pass, others: tuple[GraphNode, ...]
) -> EnlargedPass | None:
    """The pass that draws on a clip whose latents were enlarged: it is twice as wide and high."""
    if one.lasting is None or one.lasting.medium != VIDEO:
        return None
    second = drawn_on(values, one.said, others)
    if second is None:
        return None
    where, said = _at(second.node), second.said
    sampler, cfg = None, number(said.cfg)
    try:
        sampler = sampler_named(text(said.sampler)).name
    except NoSuchName:
        found.lose(SAMPLER.name, Why.NOT_HERE, said.sampler, where=where)
    if cfg is None and said.cfg is not None:
        found.lose(CFG.name, Why.UNREADABLE, said.cfg, where=where)
    elif cfg is not None and not CFG.low <= cfg <= CFG.high:
        found.lose(CFG.name, Why.OUT_OF_RANGE, cfg, where=where)
        cfg = None
    sigmas = second.sigmas if second.sigmas and second.sigmas[0] <= 1.0 else None
    if sigmas is None:
        found.lose(SCHEDULER.name, Why.NOT_HERE, said.scheduler, where=where)
    found.second = DraftSecond(passes=TWICE, sampler=sampler, sigmas=sigmas, cfg=cfg)
    if said.seed is not None:
        found.lose("seed of the second pass", Why.NOT_HERE, said.seed, where=where)
    if second.picture and one.lasting.first is None and one.lasting.last is None:
        found.lose("picture of the second pass", Why.NOT_HERE, second.picture, where=where)
    for strength in second.loosely:
        found.lose("strength of a picture", Why.OTHERWISE, f"{strength:g}", where=where, took="1")
    width, height = one.begun.width, one.begun.height
    if width is not None and height is not None:
        found.size(TWICE * width, TWICE * height, where=where)
    return second


def _sampling(found: Gathering, one: _Pass) -> None:
    said, where = one.said, _at(one.said.node)
    found.sampler(said.sampler, where=where)
    found.scheduler(said.scheduler, where=where)
    found.number(STEPS, said.steps, where=where)
    found.number(CFG, said.cfg, where=where)
    found.number(GUIDANCE, one.positive.guidance, where=where)
    found.seeded(said.seed, where=where)
    found.size(one.begun.width, one.begun.height, where=where)
    if one.begun.batch > 1 and (one.lasting is None or one.lasting.frames != one.begun.batch):
        found.lose("count", Why.OTHERWISE, one.begun.batch, where=where, took="1")
    found.number(SHIFT, one.shift, where=where)
    denoise = number(said.denoise)
    if denoise is not None and (one.begun.encoded or denoise <= _ALL_OF_IT):
        found.number(DENOISE, 1.0 if denoise > _ALL_OF_IT else denoise, where=where)
    found.number(IMAGE_CFG, said.image_cfg, where=where)
    _span(found, one, where)
    for what, stood in said.odd:
        found.lose(what, Why.NOT_HERE, stood, where=where)


def _span(found: Gathering, one: _Pass, where: str) -> None:
    """How long it is, and what is sung."""
    if (lasts := one.lasting) is None:
        return
    found.number(FRAMES, lasts.frames, where=where)
    found.number(FPS, lasts.fps, where=where)
    found.number(SECONDS, lasts.seconds, where=where)
    found.number(BPM, lasts.bpm, where=where)
    if lasts.language:
        found.lose("language", Why.NOT_HERE, lasts.language, where=where)
    for row, said in ((LYRICS, lasts.lyrics), (KEY, lasts.key), (METER, lasts.meter)):
        found.text(row, said, where=where)


def _words(values: GraphValues, found: Gathering, one: _Pass, graph: Graph) -> None:
    positive, negative = one.positive, one.negative
    prompt = "\n".join(word for word in positive.words if word.strip())
    denied = "\n".join(word for word in negative.words if word.strip())
    has_negative = bool(negative.nodes)
    found.words(
        prompt if positive.words else None,
        ("" if negative.zero else denied) if has_negative else None,
    )
    for lane in (positive, negative):
        for other in lane.others:
            found.lose("words of another encoder", Why.NOT_HERE, other)
        for node in lane.written:
            took = "\n".join(lane.words)
            found.lose("prompt", Why.OTHERWISE, node.type, where=_at(node), took=took)
        for kind in lane.combined:
            found.lose("conditioning", Why.OTHERWISE, kind, took="one prompt")
    for where, stood, took in graph.rolled:
        found.lose("prompt", Why.OTHERWISE, stood, where=where, took=took)
    for encoder in positive.encoders[:1]:
        if "clip_skip" in encoder.inputs:
            found.clip_skip(values.of(encoder, "clip_skip"), where=_at(encoder))
        for node in line(values, encoder.link("clip"), "clip"):
            if node.type == "CLIPSetLastLayer":
                found.clip_skip(values.of(node, "stop_at_clip_layer"), where=_at(node))
                break


def _syntax(values: GraphValues, found: Gathering, one: _Pass) -> str | None:
    """How the words are read; None: as it is usual here, which an extension's encoder may ask."""
    for encoder in one.positive.encoders:
        said = values.of(encoder, *_READINGS)
        if not isinstance(said, str) or said.lower() in _AS_COMFYUI:
            continue
        if "a1111" in said.lower():
            return None
        found.lose("weights", Why.NOT_HERE, said, where=_at(encoder))
    return COMFY


def _task(values: GraphValues, found: Gathering, one: _Pass, main: GraphNode) -> Task | None:
    begins, positive = one.begun, one.positive
    if one.lasting is not None:
        return one.lasting.task
    for node in [main, *begins.nodes, *positive.nodes.values()]:
        other = next((word for word in _OTHER_MEDIA if word in node.type), None)
        length = whole(values.of(node, "length"))
        if (other and length != 1) or (length or 0) > 1:
            found.lose("medium", Why.NOT_HERE, node.type, where=_at(node))
            return None
    if begins.padded:
        return Task.OUTPAINT
    if begins.masked or positive.masked or any(node.link("mask") for node in one.line):
        return Task.INPAINT
    looked_at = positive.references or positive.pictured
    if looked_at and (positive.by_words or not _controlled(one)):
        return Task.EDIT
    if begins.enlarged:
        return Task.UPSCALE
    redrawn = (number(one.said.denoise) or 1.0) <= _ALL_OF_IT
    return Task.IMAGE_TO_IMAGE if begins.encoded and redrawn else Task.TEXT_TO_IMAGE


def _controlled(one: _Pass) -> bool:
    """Whether the model was made to look at a picture that says where things are."""
    said = [str(v).lower() for node in one.line for v in node.inputs.values()]
    return any(mark in text for text in said for mark in _CONTROLS)


def _pictures(found: Gathering, one: _Pass) -> None:
    """The pictures that are not here."""
    begins, lost = one.begun, Why.WANTS_A_PICTURE
    task = found.task
    if one.lasting is not None:
        _wanted(found, one.lasting)
        return
    if task is not None and "init" in task.needs.roles:
        found.lose("image", lost, begins.picture)
    if task is Task.INPAINT:
        found.lose("mask", lost)
    if task is Task.OUTPAINT:
        found.lose("placement", Why.NOT_HERE, "ImagePadForOutpaint")
    for name in dict.fromkeys(one.positive.references):
        found.lose("reference", lost, name)
    for steering in one.positive.steering:
        found.lose("control picture", lost, steering.picture, where=_at(steering.node))
        if (steering.start or 0.0) > 0.0 or (1.0 if steering.end is None else steering.end) < 1.0:
            span = f"{steering.start or 0:g} to {1 if steering.end is None else steering.end:g}"
            found.lose("steps of the controlnet", Why.NOT_HERE, span, where=_at(steering.node))
    if one.positive.pictured and task is Task.TEXT_TO_IMAGE:
        found.lose("control picture", lost, begins.picture)


def _wanted(found: Gathering, lasts: Lasting) -> None:
    """What a clip or a sound begins with, and looks at."""
    wanted = (
        *(("image", lasts.first), ("last picture", lasts.last), ("clip", lasts.clip)),
        *(("sound", lasts.sound), *(("reference", name) for name in lasts.references)),
    )
    for what, name in wanted:
        if name is not None:
            found.lose(what, Why.WANTS_A_PICTURE, name)
    strengths = set(lasts.loosely)
    held = next(iter(strengths)) if len(strengths) == 1 else -1.0
    if held >= 0.0 and lasts.first is not None and lasts.last is None:
        found.held = strengths.pop()
    for strength in strengths:
        found.lose("strength of a picture", Why.OTHERWISE, f"{strength:g}", took="1")


def _nearest(values: GraphValues, one: _Pass) -> Iterator[str]:
    """The ids of the nodes that load what the main sampler itself draws with."""
    main = one.said.node
    yield from (node.id for node in one.line)
    for encoder in (*one.positive.encoders, *one.negative.encoders):
        yield from (node.id for node in line(values, encoder.link("clip"), "clip"))
    for node in values.graph.nodes.values():
        decoded = values.origin(node.link("samples")) if "vae" in node.inputs else None
        if decoded is not None and decoded[0].id == main.id:
            yield from (loader.id for loader in line(values, node.link("vae"), "vae"))


def _files(
    values: GraphValues,
    found: Gathering,
    live: frozenset[str],
    main: _Pass | None,
    second: SecondNetwork | EnlargedPass | None,
) -> set[tuple[str, str]]:
    """Every file that is named, the main sampler's first; gives those that nothing is made of."""
    nearest = set(_nearest(values, main)) if main is not None else set()
    finishes = second.line if second is not None else frozenset()
    steered: dict[str, float | None] = {}
    for node in values.graph.nodes.values():
        for loader in line(values, node.link("control_net"), "control_net", "model"):
            if loader.id in steered:
                break
            steered[loader.id] = number(values.of(node, "strength"))
    idle: set[tuple[str, str]] = set()
    alive: set[tuple[str, str]] = set()
    every = list(islice(named(values), MAX_NAMED))
    # Where the line leads to a model, a LoRA that is not on it is another pass's.
    whole = any(one.kind == "checkpoint" and one.node.id in nearest for one in every)
    for one in sorted(every, key=lambda one: one.node.id not in nearest):
        where = _at(one.node)
        strength = steered.get(one.node.id) if one.kind == "controlnet" else one.strength
        before = len(found.files)
        found.file(
            one.kind,
            one.name,
            address=one.address,
            strength=strength,
            expert=_expert(one, nearest, finishes) if finishes else None,
            where=where,
        )
        if one.of_words is not None:
            told_clip = f"{one.name}: {one.of_words:g}"
            found.lose(
                "strength of the lora", Why.OTHERWISE, told_clip, where=where, took="one for both"
            )
        if len(found.files) > before:
            last = found.files[-1]
            apart = whole and one.kind == "lora" and one.node.id not in nearest | finishes
            own = one.node.id in live and not apart
            (alive if own else idle).add((last.kind, last.name))
    _put_together(found.files)
    return idle - alive


def _put_together(files: list[WantedFile]) -> None:
    """A LoRA that both networks have alike, once."""
    for one in [file for file in files if file.expert == "low"]:
        if (other := replace(one, expert="high")) in files:
            files[files.index(other)] = replace(one, expert=BOTH)
            files.remove(one)


def _expert(one: NamedFile, first: set[str], second: frozenset[str]) -> str | None:
    """Which of two networks a LoRA is put on; None for all else."""
    if one.kind != "lora":
        return None
    if one.node.id in second & first:
        return BOTH
    return "low" if one.node.id in second else "high" if one.node.id in first else None


def _unknown(graph: Graph, found: Gathering, live: frozenset[str]) -> None:
    """Nodes of which nothing is taken over."""
    for node in graph.nodes.values():
        if len(found.lost) == MOST:
            return
        if node.id not in live or is_sampler(node):
            continue
        if node.type in nodes.missing():
            found.lose(node.type, Why.NOT_HERE, where=_at(node))
        elif node.type not in nodes.read():
            found.lose(node.type, Why.UNKNOWN, where=_at(node))


def _within(graph: Graph, lasts: Lasting | None) -> frozenset[str]:
    """The ids of nodes that have their place in a clip or a sound."""
    here = nodes.within(lasts.medium) if lasts is not None else frozenset()
    return frozenset(node.id for node in graph.nodes.values() if node.type in here)


def _extra(found: Gathering, beside: Mapping[str, object]) -> None:
    """What Civitai says beside the nodes fills what they leave open."""
    said = beside.get("extraMetadata")
    if not isinstance(said, str):
        return
    try:
        data = mapping(parsed(said))
    except NotRead:
        found.lose("extraMetadata", Why.UNREADABLE)
        return
    if "prompt" not in found.said and isinstance(data.get("prompt"), str):
        found.words(data.get("prompt"), data.get("negativePrompt"), where="extraMetadata")
    if found.seed is None:
        found.seeded(data.get("seed"), where="extraMetadata")
    for row, key in ((STEPS, "steps"), (CFG, "cfgScale")):
        if row.name not in found.said:
            found.number(row, data.get(key), where="extraMetadata")
    if "sampler" not in found.said:
        found.sampler(data.get("sampler"), where="extraMetadata")
    if "width" not in found.said:
        found.size(data.get("width"), data.get("height"), where="extraMetadata")

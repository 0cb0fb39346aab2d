"""How a sampler of ComfyUI samples: its numbers, wherever they stand, and what it is given.

    KSampler                 all of it in one node
    KSamplerAdvanced         and which of the steps are its
    SamplerCustom(Advanced)  noise, guider, sampler and sigmas, each a node of its own

The invariant: a value is as it stands there, in ComfyUI's names; whether there is such a thing here
is asked by whoever gathers them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from generation.errors import NoSuchName
from generation.interchange.comfy.graph import GraphLink, GraphNode
from generation.interchange.comfy.json_values import number, text, whole
from generation.interchange.comfy.values import GraphValues
from generation.names import sampler as sampler_named

_TOKEN = 256  # pixels
_FEW, _MANY = 256, 4096  # tokens between which ModelSamplingFlux draws its line
SHIFTING = ("ModelSamplingAuraFlow", "ModelSamplingSD3", "ModelSamplingStableCascade")
_SEEDS = ("seed", "noise_seed")


@dataclass(slots=True, kw_only=True)
class SamplerSays:
    """What a sampler says."""

    node: GraphNode
    steps: object = None
    cfg: object = None
    image_cfg: object = None
    sampler: object = None
    scheduler: object = None
    denoise: object = None
    seed: object = None
    model: GraphLink | None = None
    positive: GraphLink | None = None
    negative: GraphLink | None = None
    latent: GraphLink | None = None
    # What of it is not as such things are here: what, as it stands there.
    odd: list[tuple[str, str]] = field(default_factory=list)


def sampled(values: GraphValues, node: GraphNode) -> SamplerSays:
    """What a sampler, and the nodes that it is put together of, say."""
    found = SamplerSays(node=node)
    _guided(values, node, found)
    if (guider := values.origin(node.link("guider"))) is not None:
        _guided(values, guider[0], found)
    found.seed = values.of(node, *_SEEDS)
    if (noise := values.origin(node.link("noise"))) is not None:
        found.seed = values.of(noise[0], *_SEEDS)
        if noise[0].type == "DisableNoise":
            found.odd.append(("noise", noise[0].type))
    found.sampler = values.of(node, "sampler_name")
    if (sampler := values.origin(node.link("sampler"))) is not None:
        found.sampler = _sampler(values, sampler[0])
    found.steps = values.of(node, "steps")
    found.scheduler = values.of(node, "scheduler")
    found.denoise = values.of(node, "denoise")
    for one in _sigmas(values, node.link("sigmas")):
        _scheduled(values, one, found)
    found.latent = node.link("latent_image", "latent", "samples", "image", "upscaled_image")
    _partly(values, node, found)
    return found


def _guided(values: GraphValues, node: GraphNode, found: SamplerSays) -> None:
    found.model = found.model or node.link("model")
    found.positive = found.positive or node.link("positive", "conditioning", "cond1")
    found.negative = found.negative or node.link("negative")
    cfg = values.of(node, "cfg", "cfg_conds", "video_cfg")
    found.cfg = cfg if cfg is not None else found.cfg
    if node.type == "BasicGuider":
        found.cfg = 1.0
    if node.type == "DualCFGGuider":
        found.image_cfg = values.of(node, "cfg_cond2_negative")
    elif (
        "guider" not in node.inputs and len({"positive", "model_negative"} & node.inputs.keys()) > 1
    ):
        found.odd.append(("guidance", node.type))


def _sampler(values: GraphValues, node: GraphNode) -> object:
    """`KSamplerSelect` names one; other nodes are named for theirs: `SamplerEulerAncestral`."""
    for _ in range(20):
        said = values.of(node, "sampler_name")
        if isinstance(said, str):
            return said
        # One that changes another's steps; it is lost by its name.
        inner = values.origin(node.link("sampler"))
        if inner is None:
            break
        node = inner[0]
    name = node.type.removeprefix("Sampler")
    if name == "EulerAncestral" and number(values.of(node, "eta")) == 0.0:
        name = "euler"  # it adds no noise
    try:
        return sampler_named(name).name
    except NoSuchName:
        return node.type


def _sigmas(values: GraphValues, link: GraphLink | None) -> Iterator[GraphNode]:
    """The nodes that noise levels come through."""
    seen: set[str] = set()
    while link is not None and len(seen) < 100:
        origin = values.origin(link)
        if origin is None or origin[0].id in seen:
            return
        seen.add(origin[0].id)
        yield origin[0]
        link = origin[0].link("sigmas", "sigmas_1")


def _scheduled(values: GraphValues, node: GraphNode, found: SamplerSays) -> None:
    steps, denoise = values.of(node, "steps"), values.of(node, "denoise")
    found.steps = steps if steps is not None else found.steps
    found.denoise = denoise if denoise is not None else found.denoise
    scheduler = values.of(node, "scheduler")
    if node.type == "ManualSigmas":
        found.scheduler, found.steps = by_hand(values.of(node, "sigmas"))
    elif node.type == "BetaSamplingScheduler":
        alpha, beta = (number(values.of(node, name)) for name in ("alpha", "beta"))
        found.scheduler = f"beta:{alpha:g}:{beta:g}" if None not in (alpha, beta) else "beta"
    elif isinstance(scheduler, str):
        found.scheduler = scheduler
    elif node.type == "LTXVScheduler" and _is_ltx_s_own(values, node):
        found.scheduler = None  # a gap: its models are walked so where nobody says otherwise
    elif node.type.endswith("Scheduler"):
        short = node.type.removesuffix("Scheduler")
        found.scheduler = short if short in _NAMED else node.type
    elif node.type != "SplitSigmasDenoise":
        found.odd.append(("sigmas", node.type))


def _is_ltx_s_own(values: GraphValues, node: GraphNode) -> bool:
    """Whether its levels are those of LTX's models, by the size."""
    usual = {"max_shift": 2.05, "base_shift": 0.95, "terminal": 0.1}
    told = all(number(values.of(node, name)) == value for name, value in usual.items())
    return told and values.of(node, "stretch") is not False


# Nodes that are named for their schedule, which has the same name here.
_NAMED = ("Karras", "Exponential", "Polyexponential")


def by_hand(said: object) -> tuple[str | None, int | None]:
    """Levels that are written by hand, without the last, which is 0: the schedule, the steps."""
    if not isinstance(said, str):
        return None, None
    levels = [number(one) for one in said[:5_000].replace(",", " ").split()]
    above = [one for one in levels if one]
    if not above or None in levels:
        return None, None
    return "manual:" + ":".join(f"{one:.8g}" for one in above), len(above)


def _partly(values: GraphValues, node: GraphNode, found: SamplerSays) -> None:
    """Of KSamplerAdvanced: where it begins is how much is drawn anew."""
    start, steps = whole(values.of(node, "start_at_step")), whole(found.steps)
    if start is not None and steps and 0 < start < steps:
        found.denoise = round(1.0 - start / steps, 6)
    end = whole(values.of(node, "end_at_step"))
    if end is not None and steps and end < steps:
        found.odd.append(("end_at_step", f"{end} of {steps}"))
    if values.of(node, "add_noise") in ("disable", False):
        found.odd.append(("noise", "add_noise: disable"))


def shift_of(
    values: GraphValues, line: list[GraphNode], width: int | None, height: int | None
) -> float | None:
    """How a flow's levels are shifted, by the node of the line that is next to the sampler."""
    for node in line:
        if node.type in SHIFTING:
            return number(values.of(node, "shift"))
        if node.type == "ModelSamplingFlux":
            low, high, wide, tall = (
                number(values.of(node, name))
                for name in ("base_shift", "max_shift", "width", "height")
            )
            if low is None or high is None:
                return None
            pixels = (wide or width or 1024) * (tall or height or 1024)
            return flux_shift(low, high, pixels)
    return None


def flux_shift(low: float, high: float, pixels: float) -> float | None:
    """The shift of ModelSamplingFlux: its exponent lies on a line over the picture's tokens."""
    exponent = low + (high - low) * (pixels / _TOKEN - _FEW) / (_MANY - _FEW)
    return round(math.exp(exponent), 6) if abs(exponent) < 20 else None


def told_of(values: GraphValues, node: GraphNode) -> str:
    """What is told of a pass that is not taken over."""
    one = sampled(values, node)
    rows: Mapping[str, object] = {
        "steps": one.steps,
        "cfg": one.cfg,
        "sampler": one.sampler,
        "scheduler": one.scheduler,
        "denoise": one.denoise,
    }
    spelled = {name: f"{v:g}" if isinstance(v, float) else text(v) for name, v in rows.items()}
    return ", ".join(f"{name} {value}" for name, value in spelled.items() if value)

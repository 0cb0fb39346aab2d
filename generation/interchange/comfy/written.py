"""A recipe as ComfyUI's API prompt: the graph of nodes that draws the same picture there.

    model, words, size -> loaders -> LoRAs -> words x 2 -> sampler -> VAEDecode -> SaveImage

The nodes are ComfyUI's own, of no pack.  What its sampler's names stand for is compared by number:
where its schedule gives other levels than the recipe's, the levels are written down (ManualSigmas).
The invariant: whatever makes the picture there another one is said, by a member of `Otherwise`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from generation.errors import Unacceptable
from generation.families.comfy_nodes import ComfyNodes, comfy_nodes
from generation.families.family import FAMILIES
from generation.interchange.comfy.flows import flow_of, levels_of, shift_of
from generation.interchange.comfy.otherwise import Otherwise, otherwise
from generation.recipe import Adapter, Recipe, Sampling, Weights, Words, needed
from generation.schedule_rules import schedule_rule
from generation.sigmas import ZERO_SNR, expand
from generation.tasks import Task

Wire = tuple[str, int]  # a node, and which of its outputs
ApiNodes = dict[str, dict[str, object]]

CLOSE = 1e-4  # of two levels of noise that are one: the template's own are float32


TASKS = (Task.TEXT_TO_IMAGE, Task.IMAGE_TO_IMAGE, Task.INPAINT)


class NoWorkflow(Exception):
    """ComfyUI has no workflow for it; `what` names the task or the family."""

    def __init__(self, kind: str, what: str) -> None:
        super().__init__(f"no workflow for the {kind} {what}")
        self.kind, self.what = kind, what


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiPrompt:
    """The graph, and what will be another there."""

    nodes: ApiNodes
    otherwise: tuple[Otherwise, ...]
    files: tuple[str, ...]  # names that ComfyUI has to know
    pictures: tuple[str, ...]  # files for its folder `input`: the inputs' digests


@dataclass(slots=True)
class _Graph:
    """Nodes so far, numbered from 1 in the order in which they run."""

    nodes: ApiNodes = field(default_factory=dict)

    def add(self, kind: str, **inputs: object) -> str:
        number = str(len(self.nodes) + 1)
        self.nodes[number] = {
            "class_type": kind,
            "inputs": {k: list(v) if isinstance(v, tuple) else v for k, v in inputs.items()},
        }
        return number


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """Where model, text encoders and VAE come out."""

    model: Wire
    clip: Wire
    vae: Wire


def api_prompt(recipe: Recipe, *, folder: bool = False) -> ApiPrompt:
    """The recipe as ComfyUI's API takes it.  Raises NoWorkflow.

    `folder`: its checkpoint is a diffusers folder here.
    """
    layout = _nodes_of(recipe)
    if recipe.task not in TASKS:
        raise NoWorkflow("task", recipe.task)
    graph = _Graph()
    words = needed(recipe.words)
    parts = _loaded(graph, recipe, layout)
    parts = _adapted(graph, recipe, parts)
    if words.clip_skip > layout.shallowest:
        skipped = graph.add(
            "CLIPSetLastLayer", clip=parts.clip, stop_at_clip_layer=-words.clip_skip
        )
        parts = _Parts(model=parts.model, clip=(skipped, 0), vae=parts.vae)
    wanted, unwanted = _controlled(graph, recipe, parts, _encoded(graph, recipe, parts))
    model = _shifted(graph, recipe, layout, parts.model)
    latent = _latent(graph, recipe, layout, parts)
    drawn = _sampled(graph, recipe, (model, wanted, unwanted, latent))
    image = graph.add("VAEDecode", samples=drawn, vae=parts.vae)
    graph.add("SaveImage", images=(image, 0), filename_prefix="atelier")
    differs = otherwise(recipe)
    if folder:
        differs.append(Otherwise.FOLDER)
    return ApiPrompt(
        nodes=graph.nodes,
        otherwise=tuple(differs),
        files=tuple(_file(weights) for weights in recipe.weights),
        pictures=tuple(_picture(item.sha256) for item in recipe.inputs),
    )


def _nodes_of(recipe: Recipe) -> ComfyNodes:
    """The nodes of the recipe's family.  Raises NoWorkflow."""
    family = FAMILIES.get(recipe.family)
    layout = comfy_nodes(family) if family is not None else None
    if family is None or layout is None:
        raise NoWorkflow("family", family.title if family is not None else recipe.family)
    return layout


def _loaded(graph: _Graph, recipe: Recipe, layout: ComfyNodes) -> _Parts:
    encoders, vae = _components(recipe, layout)
    name = _file(recipe.checkpoint)
    if encoders or not layout.one_file:
        model: Wire = (graph.add("UNETLoader", unet_name=name, weight_dtype="default"), 0)
        clip: Wire = (_encoders(graph, layout, encoders), 0)
        vae_of_file: Wire | None = None
    else:
        loader = graph.add("CheckpointLoaderSimple", ckpt_name=name)
        model, clip, vae_of_file = (loader, 0), (loader, 1), (loader, 2)
    own = recipe.vae or vae
    if own is not None or vae_of_file is None:
        named = _file(own) if own is not None else "ae.safetensors"
        vae_of_file = (graph.add("VAELoader", vae_name=named), 0)
    return _Parts(model=model, clip=clip, vae=vae_of_file)


def _components(recipe: Recipe, layout: ComfyNodes) -> tuple[tuple[Weights, ...], Weights | None]:
    """Text encoders that are files of their own, in the family's order, and such a VAE."""
    found = recipe.components
    if recipe.vae is None and found and len(found) != layout.clips:
        return found[:-1], found[-1]
    return found, None


def _encoders(graph: _Graph, layout: ComfyNodes, encoders: tuple[Weights, ...]) -> str:
    usual = ("clip_l.safetensors", "t5xxl_fp16.safetensors")
    names = [_file(weights) for weights in encoders] or list(usual[: layout.clips])
    if len(names) == 1:
        return graph.add("CLIPLoader", clip_name=names[0], type=layout.clip_type, device="default")
    each = {f"clip_name{n}": name for n, name in enumerate(names, start=1)}
    if len(names) == 2:
        return graph.add("DualCLIPLoader", **each, type=layout.clip_type, device="default")
    return graph.add("TripleCLIPLoader", **each)


def _adapted(graph: _Graph, recipe: Recipe, parts: _Parts) -> _Parts:
    model, clip = parts.model, parts.clip
    for adapter in recipe.adapters:
        if adapter.kind != "lora":
            continue
        loader = graph.add(
            "LoraLoader",
            model=model,
            clip=clip,
            lora_name=_file(adapter.weights),
            strength_model=adapter.strength,
            strength_clip=adapter.strength,
        )
        model, clip = (loader, 0), (loader, 1)
    return _Parts(model=model, clip=clip, vae=parts.vae)


def _encoded(graph: _Graph, recipe: Recipe, parts: _Parts) -> tuple[Wire, Wire]:
    words, sampling = needed(recipe.words), needed(recipe.sampling)
    text = _spelled(words.prompt, words, recipe.adapters)
    wanted: Wire = (graph.add("CLIPTextEncode", clip=parts.clip, text=text), 0)
    if sampling.guidance is not None:
        told = graph.add("FluxGuidance", conditioning=wanted, guidance=sampling.guidance)
        wanted = (told, 0)
    if not sampling.guided:  # never asked about
        return wanted, (graph.add("ConditioningZeroOut", conditioning=wanted), 0)
    text = _spelled(words.negative_prompt, words, recipe.adapters)
    return wanted, (graph.add("CLIPTextEncode", clip=parts.clip, text=text), 0)


def _controlled(
    graph: _Graph, recipe: Recipe, parts: _Parts, words: tuple[Wire, Wire]
) -> tuple[Wire, Wire]:
    for adapter in recipe.adapters:
        if (control := adapter.control) is None:
            continue
        picture = graph.add("LoadImage", image=_picture(recipe.inputs[control.input].sha256))
        network = graph.add("ControlNetLoader", control_net_name=_file(adapter.weights))
        steered = graph.add(
            "ControlNetApplyAdvanced",
            positive=words[0],
            negative=words[1],
            control_net=(network, 0),
            image=(picture, 0),
            vae=parts.vae,
            strength=adapter.strength,
            start_percent=control.start or 0.0,
            end_percent=1.0 if control.end is None else control.end,
        )
        words = (steered, 0), (steered, 1)
    return words


def _spelled(text: str, words: Words, adapters: tuple[Adapter, ...]) -> str:
    """The text as ComfyUI reads it: brackets that are letters are escaped, learned words named."""
    if words.syntax == "plain":
        text = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    for adapter in adapters:
        if adapter.kind == "embedding":
            text = text.replace(adapter.weights.name, f"embedding:{adapter.weights.name}")
    return text


def _shifted(graph: _Graph, recipe: Recipe, layout: ComfyNodes, model: Wire) -> Wire:
    """The model with the recipe's flow, where that is not the one that ComfyUI gives it."""
    noise = flow_of(recipe)
    if layout.shift is None or noise is None:
        return _trained(graph, needed(recipe.sampling), model)
    shift = shift_of(noise)
    if math.isclose(shift, layout.shift, rel_tol=1e-6):
        return model
    canvas = recipe.drawn_at
    if layout.fine:
        mu = math.log(shift)
        node = graph.add(
            "ModelSamplingFlux",
            model=model,
            max_shift=mu,
            base_shift=mu,  # a line that lies flat: the same at every size
            width=canvas.width,
            height=canvas.height,
        )
    else:
        node = graph.add("ModelSamplingSD3", model=model, shift=shift)
    return (node, 0)


def _trained(graph: _Graph, sampling: Sampling, model: Wire) -> Wire:
    """The model with what it predicts, where that is not what ComfyUI takes a file to predict."""
    zero = ZERO_SNR in (sampling.noise or "")
    if sampling.prediction != "v_prediction" and not zero:
        return model
    predicts = "v_prediction" if sampling.prediction == "v_prediction" else "eps"
    return (graph.add("ModelSamplingDiscrete", model=model, sampling=predicts, zsnr=zero), 0)


def _latent(graph: _Graph, recipe: Recipe, layout: ComfyNodes, parts: _Parts) -> Wire:
    canvas = recipe.drawn_at
    if recipe.task is Task.TEXT_TO_IMAGE:
        return (
            graph.add(layout.latent, width=canvas.width, height=canvas.height, batch_size=1),
            0,
        )
    first = graph.add("LoadImage", image=_picture(recipe.inputs[0].sha256))
    sized = graph.add(
        "ImageScale",
        image=(first, 0),
        upscale_method="lanczos",
        width=canvas.width,
        height=canvas.height,
        crop="center",
    )
    latent: Wire = (graph.add("VAEEncode", pixels=(sized, 0), vae=parts.vae), 0)
    masks = [item for item in recipe.inputs if item.role == "mask"]
    if recipe.task is not Task.INPAINT:
        return latent
    if not masks:
        raise NoWorkflow("task", "a region that is found by words")
    mask = graph.add("LoadImageMask", image=_picture(masks[0].sha256), channel="red")
    return (graph.add("SetLatentNoiseMask", samples=latent, mask=(mask, 0)), 0)


def _sampled(graph: _Graph, recipe: Recipe, wires: tuple[Wire, Wire, Wire, Wire]) -> Wire:
    """KSampler where its names give the recipe's levels, else the levels by hand."""
    model, wanted, unwanted, latent = wires
    sampling = needed(recipe.sampling)
    told = {"model": model, "positive": wanted, "negative": unwanted, "latent_image": latent}
    steps = _steps(recipe, sampling)
    if steps is not None:
        node = graph.add(
            "KSampler",
            **told,
            seed=recipe.seed,
            steps=steps,
            cfg=sampling.cfg,
            sampler_name=sampling.sampler,
            scheduler=sampling.scheduler,
            denoise=sampling.denoise,
        )
        return (node, 0)
    sampler = graph.add("KSamplerSelect", sampler_name=sampling.sampler)
    levels = ", ".join(f"{sigma:.8g}" for sigma in sampling.sigmas)
    sigmas = graph.add("ManualSigmas", sigmas=levels)
    node = graph.add(
        "SamplerCustom",
        **told,
        add_noise=True,
        noise_seed=recipe.seed,
        cfg=sampling.cfg,
        sampler=(sampler, 0),
        sigmas=(sigmas, 0),
    )
    return (node, 0)


def _steps(recipe: Recipe, sampling: Sampling) -> int | None:
    """How many steps give the recipe's levels by its schedule's name; None: none do."""
    if schedule_rule(sampling.scheduler) is not None:
        return None
    # Some schedules lay out a step more or fewer than they are asked for.
    for steps in (sampling.steps, sampling.steps + 1, sampling.steps - 1):
        try:
            found = expand(
                sampling.sampler,
                sampling.scheduler,
                steps=steps,
                denoise=sampling.denoise,
                noise=levels_of(recipe, steps),
            )
        except Unacceptable:
            continue
        if len(found) == len(sampling.sigmas) and all(
            math.isclose(a, b, rel_tol=CLOSE, abs_tol=1e-6)
            for a, b in zip(found, sampling.sigmas, strict=True)
        ):
            return steps
    return None


def _file(weights: Weights) -> str:
    """The name of a file as ComfyUI's lists have it."""
    known = (".safetensors", ".sft", ".ckpt", ".pt", ".gguf")
    return weights.name if weights.name.lower().endswith(known) else f"{weights.name}.safetensors"


def _picture(digest: str) -> str:
    return f"{digest[:16]}.png"

"""LoRAs and embeddings: weights that change what a checkpoint draws, set anew for every job.

LoRAs are loaded into the shared model once and then only switched on and off: with its LoRAs off
the model gives the bits it gave before they came.  They are never fused, because unfusing does not
restore the weights.  The invariant: before a job draws, and whenever it gets the device back,
exactly the recipe's LoRAs are on, in the recipe's order, at the recipe's strengths.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load
from torch import Tensor

from generation.errors import UnusableWeights
from generation.header import read_header
from generation.loras import read_plan
from generation.recipe import Adapter, Recipe, Weights
from generation.worker.building import BUILDING
from generation.worker.encode import Learned
from generation.worker.models import Model

Locate = Callable[[Weights], Path]

KINDS = ("lora", "embedding")


def switch(model: Model, recipe: Recipe, locate: Locate) -> None:
    """Load what is missing, and switch on exactly the recipe's LoRAs."""
    for adapter in recipe.adapters:
        if adapter.kind not in KINDS:
            raise UnusableWeights(adapter.weights.name, f"an adapter of the kind {adapter.kind!r}")
    loras = [adapter for adapter in recipe.adapters if adapter.kind == "lora"]
    if not loras and not model.adapters:
        return
    pipe = stock_pipeline(model)
    for lora in loras:
        path = locate(lora.weights)  # each time: it may have been changed since
        if lora.weights.sha256 not in model.adapters:
            _load_lora(pipe, model, lora, path)
    if not loras:
        pipe.disable_lora()
        return
    pipe.enable_lora()
    names = [model.adapters[lora.weights.sha256] for lora in loras]
    pipe.set_adapters(names, [lora.strength for lora in loras])


def unload(model: Model) -> None:
    """Take all LoRAs out: their files have them, and `switch` reads them again."""
    if model.adapters:
        stock_pipeline(model).unload_lora_weights()
        model.adapters.clear()


def learned_words(model: Model, recipe: Recipe, locate: Locate) -> tuple[Learned, ...]:
    """The recipe's embeddings, for each text encoder; the word is the file's name."""
    words: list[dict[str, list[Tensor]]] = [{} for _ in model.clips]
    for adapter in recipe.adapters:
        if adapter.kind == "embedding":
            tensors = list(_embedding(adapter, locate(adapter.weights), len(model.clips)))
            word = Path(adapter.weights.name).name.removesuffix(".safetensors").casefold()
            for clip, vectors, known in zip(model.clips, tensors, words, strict=True):
                width = clip.encoder.config.hidden_size
                if vectors.shape[-1] != width:
                    raise UnusableWeights(
                        adapter.weights.name, f"it is {vectors.shape[-1]} wide, the model {width}"
                    )
                known[word] = list(vectors.float() * adapter.strength)
    return tuple(words)


def _embedding(adapter: Adapter, path: Path, encoders: int) -> list[Tensor]:
    tensors = load(path.read_bytes())
    if encoders == 2:
        found = [tensors.get("clip_l"), tensors.get("clip_g")]
    else:
        found = [next(iter(tensors.values())) if len(tensors) == 1 else None]
    vectors = [t if t is None or t.ndim == 2 else t.reshape(1, -1) for t in found]
    if any(v is None for v in vectors):
        raise UnusableWeights(adapter.weights.name, "an embedding for other text encoders")
    return [v for v in vectors if v is not None]


def _load_lora(pipe: Any, model: Model, lora: Adapter, path: Path) -> None:
    digest, name = lora.weights.sha256, f"lora_{lora.weights.sha256[:16]}"
    _check(lora, path)
    try:
        with BUILDING:
            pipe.load_lora_weights(fold_alpha(load(path.read_bytes())), adapter_name=name)
    except (ValueError, KeyError, RuntimeError) as error:
        _forget(pipe, name)
        reason = " ".join(str(error).split())
        raise UnusableWeights(lora.weights.name, f"it does not fit: {reason}"[:300]) from error
    # diffusers accepts a LoRA of which it knows no single layer, without a word.
    if not any(name in names for names in pipe.get_list_adapters().values()):
        raise UnusableWeights(lora.weights.name, "it has no layer that this model has")
    model.adapters[digest] = name


def _check(lora: Adapter, path: Path) -> None:
    header = read_header(path, lora.weights.name)
    for change in read_plan(header.shapes, header.metadata, lora.weights.name).changes:
        if not {"down", "up"} <= change.keys.keys() <= {"down", "up", "alpha", "magnitude"}:
            raise UnusableWeights(lora.weights.name, f"{change.path} cannot be drawn yet")


def _forget(pipe: Any, name: str) -> None:
    if any(name in names for names in pipe.get_list_adapters().values()):
        pipe.delete_adapters(name)


def fold_alpha(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """kohya's alphas, multiplied into the weights.

    diffusers 0.42 loses alphas that differ between layers; with the factor alpha / rank inside
    `lora_up` there is nothing left to lose.
    """
    folded: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        if key.endswith(".alpha"):
            continue
        if key.endswith(".lora_up.weight"):
            layer = key.removesuffix(".lora_up.weight")
            alpha, down = tensors.get(f"{layer}.alpha"), tensors.get(f"{layer}.lora_down.weight")
            if alpha is not None and down is not None:
                tensor = (tensor.float() * (float(alpha) / down.shape[0])).to(tensor.dtype)
        folded[key] = tensor
    return folded


def stock_pipeline(model: Model) -> Any:
    """diffusers' pipeline around the model: it knows how to load LoRAs, and does nothing else."""
    import diffusers

    scheduler = diffusers.EulerDiscreteScheduler(steps_offset=1)  # never asked for anything
    first = model.clips[0]
    if model.architecture == "sdxl":
        second = model.clips[1]
        return diffusers.StableDiffusionXLPipeline(
            vae=model.vae,
            unet=model.unet,
            text_encoder=first.encoder,
            tokenizer=first.tokenizer,
            text_encoder_2=second.encoder,
            tokenizer_2=second.tokenizer,
            scheduler=scheduler,
            add_watermarker=False,
        )
    return diffusers.StableDiffusionPipeline(
        vae=model.vae,
        unet=model.unet,
        text_encoder=first.encoder,
        tokenizer=first.tokenizer,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )

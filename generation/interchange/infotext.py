"""A recipe in the words of A1111 and of the sites that read it: "generation data".

    a red cat <lora:ink:0.8>
    Negative prompt: dog
    Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x512, Model: starter

The invariant: by A1111's own grammar every prompt, name and number reads back as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from generation import names
from generation.recipe import Canvas, Recipe, Sampling, Sha256, Task

NO_NETWORK = "<atelier:none>"  # a tag that means nothing, for readers that take tags out

_NEGATIVE = "Negative prompt:"
_NO_TENSORS: Mapping[Sha256, str] = MappingProxyType({})


def infotext(
    recipe: Recipe, *, model_name: str | None = None, tensors: Mapping[Sha256, str] = _NO_TENSORS
) -> str:
    """The recipe in A1111's words: the prompt, the negative prompt, then "Key: value" pairs.

    A1111 and the sites that read it know a LoRA by the sha256 of its tensors, without the head of
    the file, which editors change: `tensors` has them by the file's own.  A LoRA that is not in it
    goes without a hash rather than with one that nobody looks up.
    """
    pairs: list[tuple[str, object]] = [
        *_sampling_pairs(recipe.sampling),
        ("Seed", recipe.seed),
        *_canvas_pairs(recipe.canvas),
        ("Model hash", recipe.checkpoint.sha256[:10]),
        ("Model", model_name or recipe.checkpoint.name),
    ]
    if recipe.vae is not None:
        pairs += [("VAE hash", recipe.vae.sha256[:10]), ("VAE", recipe.vae.name)]
    if recipe.task is not Task.TEXT_TO_IMAGE and recipe.sampling is not None:
        pairs.append(("Denoising strength", f"{recipe.sampling.denoise:g}"))
    if recipe.words is not None and recipe.words.clip_skip > 1:
        pairs.append(("Clip skip", recipe.words.clip_skip))
    loras = [a for a in recipe.adapters if a.kind == "lora"]
    known = {
        a.weights.name: tensors[a.weights.sha256] for a in loras if a.weights.sha256 in tensors
    }
    learned = {a.weights.name: a.weights.sha256 for a in recipe.adapters if a.kind == "embedding"}
    for key, hashes in (("Lora hashes", known), ("TI hashes", learned)):
        if hashes:
            listed = (f"{tag_name(n).replace(',', '')}: {d[:12]}" for n, d in hashes.items())
            pairs.append((key, ", ".join(listed)))
    pairs += [("RNG", "CPU"), ("Recipe", recipe.id), ("Version", "atelier")]

    tags = [f"<lora:{tag_name(a.weights.name)}:{a.strength:g}>" for a in loras]
    prompt = " ".join([_line(recipe.prompt), *tags])
    if prompt.lstrip().startswith(_NEGATIVE):
        # Readers take that line for another; they take a tag of no network out again.
        prompt = f"{NO_NETWORK}{prompt}"
    lines = [prompt]
    if recipe.words is not None and recipe.words.negative_prompt:
        lines.append(f"{_NEGATIVE} {_line(recipe.words.negative_prompt)}")
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in pairs))
    return "\n".join(lines).encode("utf-8", "replace").decode()


def _sampling_pairs(sampling: Sampling | None) -> list[tuple[str, object]]:
    if sampling is None:
        return []
    return [
        ("Steps", sampling.steps),
        ("Sampler", names.sampler_title(sampling.sampler)),
        ("Schedule type", names.scheduler_title(sampling.scheduler)),
        ("CFG scale", f"{sampling.cfg:g}"),
    ]


def _canvas_pairs(canvas: Canvas | None) -> list[tuple[str, object]]:
    return [] if canvas is None else [("Size", f"{canvas.width}x{canvas.height}")]


def _line(text: str) -> str:
    """Words on one line: to a text encoder every break is a blank."""
    return " ".join(text.split("\n")).replace("\r", " ").strip()


def tag_name(name: str) -> str:
    """A network's name without the signs that end it in a tag."""
    return "".join(c for c in name if c not in ":<>" and c.isprintable()).strip() or "unnamed"


def _quoted(value: object) -> str:
    text = str(value)
    plain = text.isprintable() and text == text.strip() and not any(c in text for c in ',:"')
    return text if plain else json.dumps(text, ensure_ascii=False)

"""A recipe in the words of A1111 and of the sites that read it: "generation data".

    a red cat <lora:ink:0.8>
    Negative prompt: dog
    Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x512, Model: starter

The invariant: by A1111's own grammar every prompt, name and number reads back as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from generation import names
from generation.parameters import (
    CFG,
    CLIP_SKIP,
    DENOISE,
    GUIDANCE,
    IMAGE_CFG,
    MODEL,
    NEGATIVE,
    SAMPLER,
    SCHEDULER,
    SEED,
    SHIFT,
    SIZE,
    STEPS,
    VAE,
)
from generation.recipe import Adapter, Recipe, Sha256, Variation
from generation.spans import BOTH

NO_NETWORK = "<atelier:none>"  # a tag that means nothing, for readers that take tags out

_NEGATIVE = f"{NEGATIVE.a1111}:"
_NO_TENSORS: Mapping[Sha256, str] = MappingProxyType({})


# A1111's keys for a variation; and ours for several, each upon the one before.
VARIATION_SEED, VARIATION_STRENGTH = "Variation seed", "Variation seed strength"
VARIATIONS = "Variations"

Pairs = list[tuple[str, object]]


def infotext(recipe: Recipe, *, tensors: Mapping[Sha256, str] = _NO_TENSORS) -> str:
    """The recipe in A1111's words: the prompt, the negative prompt, then "Key: value" pairs.

    A1111 and the sites that read it know a LoRA by the sha256 of its tensors, without the head of
    the file, which editors change: `tensors` has them by the file's own.  A LoRA that is not in it
    goes without a hash rather than with one that nobody looks up.
    """
    lines = [_prompt(recipe)]
    if recipe.words is not None and recipe.words.negative_prompt:
        lines.append(f"{_NEGATIVE} {_line(recipe.words.negative_prompt)}")
    pairs = _settings(recipe) + _hashes(recipe, tensors)
    pairs += [("RNG", "CPU"), ("Recipe", recipe.id), ("Version", "atelier")]
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in pairs))
    return "\n".join(lines).encode("utf-8", "replace").decode()


def _prompt(recipe: Recipe) -> str:
    tags = [
        f"<lora:{tag_name(adapter.weights.name)}:{_said(recipe, adapter)}>"
        for adapter in recipe.adapters
        if adapter.kind == "lora"
    ]
    prompt = " ".join([_line(recipe.prompt), *tags])
    if prompt.lstrip().startswith(_NEGATIVE):
        # Readers take that line for another; they take a tag of no network out again.
        prompt = f"{NO_NETWORK}{prompt}"
    return prompt


def _said(recipe: Recipe, adapter: Adapter) -> str:
    """Of two denoisers both are said, too: a file's name may mean one."""
    both = recipe.in_turns and adapter.expert is None
    return f"{adapter.said}:{BOTH}" if both else adapter.said


def _settings(recipe: Recipe) -> Pairs:
    words, canvas, sampling = recipe.words, recipe.canvas, recipe.sampling
    pairs: Pairs = []
    if sampling is not None:
        pairs += [
            (STEPS.a1111, sampling.steps),
            (SAMPLER.a1111, names.sampler_title(sampling.sampler)),
            (SCHEDULER.a1111, names.scheduler_title(sampling.scheduler)),
            (CFG.a1111, f"{sampling.cfg:g}"),
        ]
    for row in (IMAGE_CFG, GUIDANCE, SHIFT) if sampling is not None else ():
        if (value := getattr(sampling, row.field)) is not None:
            pairs.append((row.a1111, f"{value:g}"))
    pairs += [(SEED.a1111, recipe.seed), *_variations(recipe.variations)]
    if canvas is not None:
        pairs.append((SIZE.a1111, f"{canvas.width}x{canvas.height}"))
    model = recipe.leading
    pairs += [("Model hash", model.sha256[:10]), (MODEL.a1111, model.name)]
    if recipe.vae is not None:
        pairs += [("VAE hash", recipe.vae.sha256[:10]), (VAE.a1111, recipe.vae.name)]
    if recipe.task.needs.redraws and sampling is not None:
        pairs.append((DENOISE.a1111, f"{sampling.denoise:g}"))
    if words is not None and words.clip_skip > 1:
        pairs.append((CLIP_SKIP.a1111, words.clip_skip))
    return pairs


def _variations(variations: Sequence[Variation]) -> Pairs:
    """A1111 knows one; more of them stand as InvokeAI's are written, "seed:strength"."""
    if len(variations) == 1:
        (only,) = variations
        return [(VARIATION_SEED, only.seed), (VARIATION_STRENGTH, f"{only.strength:g}")]
    each = [f"{one.seed}:{one.strength:g}" for one in variations]
    return [(VARIATIONS, ", ".join(each))] if each else []


def _hashes(recipe: Recipe, tensors: Mapping[Sha256, str]) -> Pairs:
    loras, learned = (
        {a.weights.name: a.weights.sha256 for a in recipe.adapters if a.kind == kind}
        for kind in ("lora", "embedding")
    )
    known = {name: tensors[digest] for name, digest in loras.items() if digest in tensors}
    return [
        (key, ", ".join(f"{tag_name(n).replace(',', '')}: {d[:12]}" for n, d in hashes.items()))
        for key, hashes in (("Lora hashes", known), ("TI hashes", learned))
        if hashes
    ]


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

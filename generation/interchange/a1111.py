"""A1111's infotext, of all its versions and forks (Forge, reForge, SD.Next), as sites show it.

    Size, Steps, Seed, ...            the rows of `generation.parameters`, by what A1111 calls them
    <lora:ink:0.8>, Lora hashes       files, with their strength
    Hires ..., ADetailer ..., Mask    steps that were made afterwards, or want a picture: losses
    Civitai resources                 files, with their address

Pure.  What a key means stands in one of the tables below; a key that stands in none is a loss.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from generation.interchange import civitai
from generation.interchange.gathering import Gathering, given, number_of, size_of
from generation.interchange.imported import Imported, Why
from generation.interchange.infotext import VARIATION_SEED, VARIATION_STRENGTH, VARIATIONS
from generation.interchange.infotext_grammar import Infotext, infotext_in
from generation.interchange.json_texts import object_in
from generation.interchange.prompt_tags import untagged
from generation.parameters import (
    CFG,
    DENOISE,
    GUIDANCE,
    IMAGE_CFG,
    SAMPLER,
    SCHEDULER,
    SHIFT,
    STEPS,
    AmountParameter,
    WholeParameter,
)
from generation.tasks import Task

PROGRAM = "a1111"
KEYS = ("parameters", "UserComment", "comment", "Comment", "Description", "ImageDescription", "")

# Others' words for the same; the first that is there counts.
_NUMBERS: tuple[tuple[AmountParameter | WholeParameter, tuple[str, ...]], ...] = (
    (STEPS, (STEPS.a1111,)),
    (CFG, (CFG.a1111, "Guidance scale", "CFG", "cfgScale")),
    (GUIDANCE, (GUIDANCE.a1111, "Guidance", "Flux guidance")),
    (SHIFT, (SHIFT.a1111, "Sampler shift", "Flow shift")),
)
_SIZES = ("Size", "Resolution", "Image size")
_SAMPLERS = (SAMPLER.a1111, "Sampling method")
_SCHEDULERS = (SCHEDULER.a1111, "Sampler sigma", "Scheduler", "Schedule", "Sampler schedule")
_OF_DIFFUSERS = re.compile(r"[A-Z]\w+Scheduler")  # what SD.Next's sampler is called there
_STRENGTHS = (DENOISE.a1111, "Strength", "Denoising")

# What A1111 means by "Automatic", where that is not what is usual for the model.
_AUTOMATIC = {
    **dict.fromkeys(("dpmpp_2m", "dpmpp_sde", "dpmpp_2s_ancestral"), "karras"),
    **dict.fromkeys(("dpm_2", "dpm_2_ancestral"), "karras"),
    **dict.fromkeys(("dpmpp_2m_sde", "dpmpp_2m_sde_heun", "dpmpp_3m_sde"), "exponential"),
}

# What belongs together and is lost as one: by how the keys begin.
_HIRES = ("Hires", "First pass size")
_MASKS = ("Mask", "Inpaint", "Masked", "Soft inpainting", "Conditional mask", "Only masked")
_GROUPS: tuple[tuple[str, tuple[str, ...], Why], ...] = (
    ("hires fix", _HIRES, Why.A_STEP_OF_ITS_OWN),
    ("ADetailer", ("ADetailer", "!After Detailer", "DDetailer"), Why.A_STEP_OF_ITS_OWN),
    ("Ultimate SD upscale", ("Ultimate SD",), Why.A_STEP_OF_ITS_OWN),
    ("upscale", ("SD upscale", "Postprocess", "Upscaler", "Upscale"), Why.A_STEP_OF_ITS_OWN),
    ("face restoration", ("Face restoration", "GFPGAN", "CodeFormer"), Why.A_STEP_OF_ITS_OWN),
    ("refiner", ("Refiner",), Why.NOT_HERE),
    ("mask", _MASKS, Why.WANTS_A_PICTURE),
    ("regional prompter", ("Regional Prompter", "RP "), Why.NOT_HERE),
    ("tiled diffusion", ("Tiled Diffusion", "MultiDiffusion", "Tiled VAE"), Why.NOT_HERE),
    ("dynamic thresholding", ("Dynamic thresholding", "Dynthres", "dynthres"), Why.NOT_HERE),
    ("dynamic thresholding", ("Mimic", "Threshold percentile"), Why.NOT_HERE),
    ("FreeU", ("FreeU", "freeu"), Why.NOT_HERE),
    ("self-attention guidance", ("SAG", "sag_"), Why.NOT_HERE),
    ("perturbed-attention guidance", ("PAG", "pag_"), Why.NOT_HERE),
    ("token merging", ("Token merging", "ToMe", "HyperTile", "Hypertile"), Why.NOT_HERE),
    ("hypernetwork", ("Hypernet",), Why.NOT_HERE),
    ("tiling", ("Tiling", "Tile "), Why.NOT_HERE),
    ("seed resize", ("Seed resize",), Why.NOT_HERE),
    ("eta", ("Eta",), Why.NOT_HERE),
    ("sampler settings", ("Sigma", "Schedule max", "Schedule min", "Schedule rho"), Why.NOT_HERE),
    ("sampler settings", ("Sampler ", "SGM noise", "UniPC", "Discard pen"), Why.NOT_HERE),
    ("skipped guidance", ("NGMS", "Skip Early CFG", "CFG rescale", "CFG true"), Why.NOT_HERE),
    ("skipped guidance", ("CFG end", "CFG start"), Why.NOT_HERE),
    ("emphasis", ("Emphasis",), Why.NOT_HERE),
    ("beta schedule", ("Beta schedule",), Why.NOT_HERE),
    ("AnimateDiff", ("AnimateDiff",), Why.NOT_HERE),
    ("styles", ("Styles",), Why.NOT_HERE),
    ("sharpness", ("Sharpness", "ADM Guidance", "Adaptive CFG"), Why.NOT_HERE),
)

# What nobody needs to draw, or what is read apart.
_SILENT = re.compile(
    r"version|app|user|created date|created by|civitai (?:resources|metadata)|batch \w+|backend|"
    r"parser|pipeline|operations?|comment|(?:negative )?template|wildcard (?:negative )?prompt|"
    r"recipe|diffusion in low bits|(?:model|vae|lora|ti|refiner|clip)? ?hash(?:es)?|ti|networks|"
    r"time|pad conds(?: v0)?|downcast alphas.*|init image (?:hash|size)|resize mode|"
    r"noise multiplier|"
    r"initial noise multiplier|vae (?:en|de)coder|optimi[sz]ation|seed mode|performance|"
    r"lora weights|overwrite switch|raw (?:negative )?prompt|source identifier|mode|width|height|"
    r"module \d+|image|quality|nsfw|hires (?:module.*)|prompt hash|dataset|index|engine|"
    r"extra noise|model type|base ?model|software|lora|loras|model variant|cond concat|size-\d|"
    r"template seeds.*|hardware info|time taken.*|lora networks|refine|resize scale|fp16|"
    r"quantity|draft|workflow|comfy|fluxmode|priority|process|experimental|remixofid|job_timestamp",
    re.IGNORECASE,
)
_HASHED = {
    **dict.fromkeys(("lora", "lyco", "locon"), "lora"),
    **dict.fromkeys(("embed", "embedding", "ti"), "embedding"),
}
_CONTROLNET = re.compile(r"controlnet(?: ?(\d+))?(?: .*)?", re.IGNORECASE)
_CONTROL_FIELDS = re.compile(r"(?:^|,\s*)([A-Za-z][\w ]*):\s*([^,]*)")
_ADDED = re.compile(r"AddNet (Module|Model|Weight A|Weight B|Weight) (\d+)")


def read(texts: Mapping[str, str]) -> Imported | None:
    """The infotext of a file; None where it has none."""
    for key in KEYS:
        if key in texts and (found := infotext_in(texts[key])) is not None:
            return imported_of(found)
    return None


def imported_of(found: Infotext) -> Imported:
    """What an infotext says."""
    gathering = Gathering(PROGRAM)
    gathering.words(untagged(found.prompt, gathering), _negative(found))
    if found.pairs:
        read_settings(found, gathering)
    return gathering.imported()


def read_settings(found: Infotext, gathering: Gathering) -> None:
    """The pairs of an infotext, whoever wrote it."""
    for row, keys in _NUMBERS:
        gathering.number(row, found.get(*keys), where=keys[0])
    gathering.clip_skip(found.get("Clip skip"), where="Clip skip")
    gathering.seeded(found.get("Seed"), where="Seed")
    _sampled(found, gathering)
    _sized(found, gathering)
    _varied(found, gathering)
    _files(found, gathering)
    gathering.task = _task(found, gathering)
    _noise(found, gathering)
    _losses(found, gathering)


def _negative(found: Infotext) -> str | None:
    """A file that says its settings and no negative prompt had none."""
    return found.negative if found.negative is not None or not found.pairs else ""


def _sampled(found: Infotext, gathering: Gathering) -> None:
    gathering.sampler(found.get(*_SAMPLERS), where=SAMPLER.a1111)
    said = found.get(*_SCHEDULERS)
    if said is not None and not _OF_DIFFUSERS.fullmatch(said) and given((said,)):
        gathering.scheduler(said, where=SCHEDULER.a1111)
    if (said or "").strip().casefold() == "automatic":
        usual = _AUTOMATIC.get(str(gathering.said.get(SAMPLER.name)))
        if usual is not None:
            gathering.said.setdefault(SCHEDULER.name, usual)


def _sized(found: Infotext, gathering: Gathering) -> None:
    """The size of the first pass: what `Hires` makes of it is a step of its own."""
    said = found.get("First pass size", *_SIZES)
    if said is None:
        gathering.size(found.get("Width"), found.get("Height"), where="Width")
    elif (size := size_of(said)) is not None and size != (0, 0):
        gathering.size(*size, where="Size")
    elif (whole := size_of(found.get("Size"))) is not None:
        gathering.size(*whole, where="Size")
    else:
        gathering.lose("size", Why.UNREADABLE, said, where="Size")


def _varied(found: Infotext, gathering: Gathering) -> None:
    seed, strength = found.get(VARIATION_SEED), found.get(VARIATION_STRENGTH)
    if seed is not None and strength is not None:
        gathering.varied(seed, strength, where=VARIATION_SEED)
    elif given((strength,)):
        gathering.lose("variation", Why.UNREADABLE, strength, where=VARIATION_STRENGTH)
    for one in (found.get(VARIATIONS) or "").split(","):
        if one.strip():
            gathering.varied(*one.strip().partition(":")[::2], where=VARIATIONS)


def _task(found: Infotext, gathering: Gathering) -> Task:
    """What was done, and how much of a picture was drawn anew that is not in the file."""
    operation = (found.get("Operations", "Operation", "Mode") or "").casefold()
    strength = found.get(*_STRENGTHS)
    by_hires = _begin(found, _HIRES)
    masked = _begin(found, _MASKS) or "inpaint" in operation
    # SD.Next writes one beside every picture that began with another.
    if found.get(IMAGE_CFG.a1111) is not None and found.get("Pipeline", "App") is None:
        gathering.number(IMAGE_CFG, found.get(IMAGE_CFG.a1111), where=IMAGE_CFG.a1111)
        gathering.number(DENOISE, strength, where=DENOISE.a1111)
        gathering.lose("image", Why.WANTS_A_PICTURE, where=IMAGE_CFG.a1111)
        return Task.EDIT
    started = number_of(strength) not in (None, 0.0) or masked or "img2img" in operation
    # Draw Things writes the strength of a picture that began with nothing, too.
    alone = by_hires and "img2img" not in operation
    if not started or alone or "txt2img" in operation or number_of(found.get("Strength")) == 1:
        return Task.TEXT_TO_IMAGE
    gathering.number(DENOISE, strength, where=DENOISE.a1111)
    gathering.lose("image", Why.WANTS_A_PICTURE, where=DENOISE.a1111)
    return Task.INPAINT if masked else Task.IMAGE_TO_IMAGE


def _noise(found: Infotext, gathering: Gathering) -> None:
    """A1111 draws noise on the GPU unless it says otherwise."""
    where = (found.get("RNG") or "GPU").strip()
    if where.casefold() != "cpu":
        gathering.lose("noise", Why.OTHER_NOISE, where, where="RNG")
    if given((found.get("ENSD"),)) and found.get("ENSD") != "0":
        gathering.lose("ENSD", Why.OTHER_NOISE, found.get("ENSD"), where="ENSD")


def _begin(found: Infotext, beginnings: tuple[str, ...]) -> bool:
    return any(
        key.casefold().startswith(begins.casefold()) and given((value,))
        for key, value in found.pairs.items()
        for begins in beginnings
    )


# --- files ------------------------------------------------------------------------------------


def _files(found: Infotext, gathering: Gathering) -> None:
    hashes = _object(found.get("Hashes"))
    model = found.get("Model") or ""
    gathering.file(
        "checkpoint", model, found.get("Model hash") or hashes.get("model"), where="Model"
    )
    vae = (found.get("VAE") or "").strip()
    gathering.file("vae", vae, found.get("VAE hash") or hashes.get("vae"), where="VAE")
    for kind, key in (("lora", "Lora hashes"), ("embedding", "TI hashes")):
        for name, digest in _named(found.get(key)):
            gathering.file(kind, name, digest, where=key)
    for name, force in _named(found.get("Lora weights")):
        gathering.file("lora", name, strength=force, where="Lora weights")
    for key, digest in hashes.items():
        kind, told, name = key.partition(":")
        if told and kind.casefold() in _HASHED:
            gathering.file(_HASHED[kind.casefold()], name, digest, where="Hashes")
    _modules(found, gathering)
    _added_networks(found, gathering)
    civitai.read_resources(found.get("Civitai resources"), gathering)


def _named(text: str | None) -> list[tuple[str, str]]:
    """ "ink: 0123456789ab, wash: 0123456789ab"; Fooocus once wrote a strength behind it."""
    parts = [one.split(":") for one in (text or "").split(",") if ":" in one]
    return [(one[0].strip(), one[1].strip()) for one in parts[:100]]


def _object(text: str | None) -> dict[str, str]:
    found = object_in(text) or {}
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _modules(found: Infotext, gathering: Gathering) -> None:
    """Forge's: text encoders and a VAE, in any order; their names tell."""
    for number in range(1, 10):
        name = found.get(f"Module {number}")
        if given((name,)) and name is not None:
            is_vae = re.search(r"(?i)vae|^ae\b|^ae[._-]", name.strip()) is not None
            gathering.file("vae" if is_vae else "text encoder", name, where=f"Module {number}")


def _added_networks(found: Infotext, gathering: Gathering) -> None:
    """Of the extension that put LoRAs on before A1111 knew them."""
    for number in range(1, 6):
        name = found.get(f"AddNet Model {number}")
        strength = found.get(f"AddNet Weight A {number}", f"AddNet Weight {number}") or 1.0
        if given((name,)) and (found.get(f"AddNet Module {number}") or "LoRA") == "LoRA":
            gathering.file("lora", name, strength=strength, where=f"AddNet Model {number}")


def _controlled(key: str, value: str, gathering: Gathering) -> None:
    """ControlNet 0: "Module: canny, Model: control_canny [d14c016b], Weight: 1, ..."."""
    fields = {k.strip().casefold(): v.strip() for k, v in _CONTROL_FIELDS.findall(value[:5000])}
    if given((fields.get("model"),)):
        gathering.file(
            "controlnet", fields["model"], strength=fields.get("weight") or None, where=key
        )
    gathering.lose("control picture", Why.WANTS_A_PICTURE, value, where=key)


# --- what is left -----------------------------------------------------------------------------


def _losses(found: Infotext, gathering: Gathering) -> None:
    """Every key that nothing above has taken and that says something."""
    grouped: dict[tuple[str, Why], list[str]] = {}
    for key, value in found.pairs.items():
        if key.casefold() in _TAKEN or _SILENT.fullmatch(key) or not given((value,)):
            continue
        if number := _CONTROLNET.fullmatch(key):
            if number[1] is not None and "Model:" in value:
                _controlled(key, value, gathering)
            continue
        if _ADDED.fullmatch(key) or key.startswith("AddNet"):
            continue
        group = _group(key)
        if group is None:
            gathering.lose(key, Why.UNKNOWN, value, where=key)
        elif not _harmless(key, value):
            grouped.setdefault(group, []).append(f"{key}: {value}")
    for (what, why), said in grouped.items():
        gathering.lose(what, why, ", ".join(said), where=said[0].partition(":")[0])


def _group(key: str) -> tuple[str, Why] | None:
    folded = key.casefold()
    for what, beginnings, why in _GROUPS:
        if any(folded.startswith(begins.casefold()) for begins in beginnings):
            return what, why
    return None


def _harmless(key: str, value: str) -> bool:
    """Where the value is what is done here, too."""
    at_rest: Mapping[str, Callable[[], bool]] = {
        "emphasis": lambda: value.casefold() == "original",
        "eta": lambda: number_of(value) in (0.0, 1.0),
        "seed resize from": lambda: size_of(value) in ((0, 0), None),
        "ensd": lambda: True,
    }
    return key.casefold() in at_rest and at_rest[key.casefold()]()


_TAKEN = frozenset(
    key.casefold()
    for keys in (
        *(keys for _, keys in _NUMBERS),
        *(_SIZES, _SAMPLERS, _SCHEDULERS, _STRENGTHS),
        *(("Clip skip", "Seed", VARIATION_SEED, VARIATION_STRENGTH, VARIATIONS),),
        *(("RNG", "ENSD", "Model", "VAE", IMAGE_CFG.a1111, "Width", "Height"),),
    )
    for key in keys
)

"""The PNG that carries its own recipe, and the digest of its pixels.

A picture is written with two text chunks: "atelier", the recipe exactly as `recipe.dump` spells
it, and "parameters", the same in the words that A1111 and the sites that read it understand.
The invariant: the pixels that come out are the pixels that went in, and the recipe that comes out
equals the recipe that went in.

`recipe_in` reads the chunks by itself and decodes nothing: the file may be a stranger's, made to
blow up a decoder.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zlib
from collections.abc import Iterator

from PIL import Image, PngImagePlugin

from generation.errors import BadPicture, OutOfRange
from generation.recipe import Recipe, Sha256, Task, dump, parse

RECIPE_CHUNK = "atelier"
INFOTEXT_CHUNK = "parameters"

MAX_TEXT_BYTES = 2**20  # of one text chunk that we are willing to read

_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# What A1111 calls ComfyUI's names.  A name that is not here is written as it is.
_SAMPLERS = {
    "euler": "Euler",
    "euler_ancestral": "Euler a",
    "heun": "Heun",
    "dpm_2": "DPM2",
    "dpm_2_ancestral": "DPM2 a",
    "lms": "LMS",
    "dpm_fast": "DPM fast",
    "dpm_adaptive": "DPM adaptive",
    "dpmpp_2s_ancestral": "DPM++ 2S a",
    "dpmpp_sde": "DPM++ SDE",
    "dpmpp_2m": "DPM++ 2M",
    "dpmpp_2m_sde": "DPM++ 2M SDE",
    "dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun",
    "dpmpp_3m_sde": "DPM++ 3M SDE",
    "ddim": "DDIM",
    "ddpm": "DDPM",
    "uni_pc": "UniPC",
    "lcm": "LCM",
}
_SCHEDULERS = {
    "normal": "Normal",
    "karras": "Karras",
    "exponential": "Exponential",
    "sgm_uniform": "SGM Uniform",
    "simple": "Simple",
    "ddim_uniform": "DDIM",
    "beta": "Beta",
    "kl_optimal": "KL Optimal",
    "linear_quadratic": "Linear Quadratic",
}


def png(rgb: bytes, width: int, height: int, recipe: Recipe, *, model_name: str) -> bytes:
    """Write `rgb` (height rows of width times 3 bytes) as a PNG that carries its recipe."""
    texts = PngImagePlugin.PngInfo()
    texts.add_itxt(RECIPE_CHUNK, dump(recipe))
    texts.add_text(INFOTEXT_CHUNK, infotext(recipe, model_name=model_name))
    out = io.BytesIO()
    Image.frombytes("RGB", (width, height), rgb).save(out, "PNG", pnginfo=texts)
    return out.getvalue()


def recipe_in(png: bytes) -> Recipe | None:
    """The recipe inside a PNG of ours; None when there is none (or when it is no PNG).

    Raises OutOfRange when there is one that this version cannot read.
    """
    for key, text in _texts(png):
        if key == RECIPE_CHUNK:
            if text is None:
                raise OutOfRange("recipe", "an unreadable chunk", "a recipe of this program")
            return parse(text)
    return None


def pixels_sha256(png: bytes) -> Sha256:
    """The digest of a picture: of its RGB bytes, row by row, with nothing before or between.

    Width and height are no part of it; they are the recipe's.  Raises BadPicture.
    """
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            rgb = image.convert("RGB").tobytes()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadPicture("it is no PNG that can be decoded") from error
    return rgb_sha256(rgb)


def rgb_sha256(rgb: bytes) -> Sha256:
    """The same digest, of pixels that are not in a file yet."""
    return Sha256(hashlib.sha256(rgb).hexdigest())


def infotext(recipe: Recipe, *, model_name: str | None = None) -> str:
    """The recipe in A1111's words: the prompt, the negative prompt, then "Key: value" pairs."""
    pairs: list[tuple[str, object]] = [
        ("Steps", recipe.steps),
        ("Sampler", _SAMPLERS.get(recipe.sampler, recipe.sampler)),
        ("Schedule type", _SCHEDULERS.get(recipe.scheduler, recipe.scheduler)),
        ("CFG scale", f"{recipe.cfg:g}"),
        ("Seed", recipe.seed),
        ("Size", f"{recipe.width}x{recipe.height}"),
        ("Model hash", recipe.checkpoint.sha256[:10]),
        ("Model", model_name or recipe.checkpoint.name),
    ]
    if recipe.vae is not None:
        pairs += [("VAE hash", recipe.vae.sha256[:10]), ("VAE", recipe.vae.name)]
    if recipe.task is not Task.TEXT_TO_IMAGE:
        pairs.append(("Denoising strength", f"{recipe.denoise:g}"))
    if recipe.clip_skip > 1:
        pairs.append(("Clip skip", recipe.clip_skip))
    loras = [a for a in recipe.adapters if a.kind == "lora"]
    if loras:
        hashes = ", ".join(f"{a.weights.name}: {a.weights.sha256[:12]}" for a in loras)
        pairs.append(("Lora hashes", hashes))
    pairs += [("RNG", "CPU"), ("Recipe", recipe.id), ("Version", "atelier")]

    prompt = " ".join([recipe.prompt, *(f"<lora:{a.weights.name}:{a.strength:g}>" for a in loras)])
    lines = [prompt]
    if recipe.negative_prompt:
        lines.append(f"Negative prompt: {recipe.negative_prompt}")
    lines.append(", ".join(f"{key}: {_quoted(value)}" for key, value in pairs))
    return "\n".join(lines)


def _quoted(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if any(c in text for c in ",:\n") else text


def _texts(png: bytes) -> Iterator[tuple[str, str | None]]:
    """The text chunks of a PNG: key, and the text or None when it cannot be read."""
    if not png.startswith(_SIGNATURE):
        return
    at = len(_SIGNATURE)
    while at + 12 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, at)
        data = png[at + 8 : at + 8 + length]
        crc = png[at + 8 + length : at + 12 + length]
        at += 12 + length
        if len(crc) < 4 or kind == b"IEND":
            return
        if kind not in (b"tEXt", b"zTXt", b"iTXt"):
            continue
        key, _, rest = data.partition(b"\0")
        sound = length <= MAX_TEXT_BYTES and zlib.crc32(kind + data) == int.from_bytes(crc)
        yield key.decode("latin-1"), _text(kind, rest) if sound else None


def _text(kind: bytes, rest: bytes) -> str | None:
    """The text of a chunk whose key is cut off."""
    try:
        if kind == b"tEXt":
            return rest.decode("latin-1")
        if kind == b"zTXt":
            return _inflate(rest[1:]).decode("latin-1")
        compressed = rest[0] == 1
        _language, _translated, text = rest[2:].split(b"\0", 2)
        return (_inflate(text) if compressed else text).decode()
    except (ValueError, IndexError, zlib.error):
        return None


def _inflate(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    text = inflater.decompress(data, MAX_TEXT_BYTES)
    if inflater.unconsumed_tail:
        raise ValueError("a text chunk that inflates beyond the limit")
    return text

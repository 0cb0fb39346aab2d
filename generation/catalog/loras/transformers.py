"""The layers that LoRAs of transformers name, in their networks' names and in those of their files.

    transformer.transformer_blocks.0.attn.to_q.lora_A.weight     diffusers, PEFT
    lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight      kohya, on the file's layers
    diffusion_model.layers.0.attention.qkv.lora_A.weight         ComfyUI, and others

A layer of a file may be several of the network, rows of whose weights lie in one tensor: such a
change is one of each of them, of its own rows.  The invariant: what a name means follows from the
architecture's layout alone (`Part.where`), so a new architecture brings no names of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.families.architecture import Architecture, Config, Lies, Part, Shape, Stage
from generation.families.family import ARCHITECTURES

# Whose denoiser is no UNet: these have spellings of their own (`generation.catalog.loras.names`).
TRANSFORMERS = tuple(one for one in ARCHITECTURES if one.denoiser.name == "transformer")

# What programs put before the name of a layer of the denoiser, underscores for dots.
_BEFORE_DENOISER = (
    *("", "transformer_", "diffusion_model_", "model_diffusion_model_", "lora_unet_"),
    *("lora_transformer_", "lycoris_", "unet_", "base_model_model_", "dit_", "model_"),
    *("base_model_model_transformer_", "lora_unet_transformer_", "lycoris_transformer_"),
)
_BEFORE_ENCODER: Mapping[str, tuple[str, ...]] = {
    "text_encoder": ("lora_te1_", "lora_te_", "text_encoder_", "text_encoders_clip_l_transformer_"),
    "text_encoder_2": ("lora_te2_", "text_encoder_2_", "text_encoders_clip_g_transformer_"),
    "text_encoder_3": ("lora_te3_", "text_encoder_3_", "text_encoders_t5xxl_transformer_"),
}
# A block's number, of which checkpoints of one architecture have more or fewer.
_NUMBER = re.compile(r"((?:blocks|layers|block|refiner)_)(\d{1,3})(?=_)")
_DOTTED = re.compile(r"((?:blocks|layers|block|refiner)\.)(\d{1,3})(?=\.)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Some equal shares of the rows of a layer of a file, in this order."""

    shares: tuple[int, ...]
    of: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLayer:
    """A layer of a network that a name means, or which of the file's rows it is."""

    part: str
    path: str
    rows: Rows | None  # None: all of them


def layers_named(built: Architecture, flat: str) -> Sequence[NamedLayer]:
    """The layers that a name means, which has underscores for dots; none: it means none."""
    table = _table(built)
    for before in _BEFORE_DENOISER:
        if flat.startswith(before):
            found = _numbered(table, flat.removeprefix(before))
            if found:
                return found
    for part, befores in _BEFORE_ENCODER.items():
        for before in befores:
            inner = flat.removeprefix(before).removeprefix("text_model_")
            if flat.startswith(before) and (part, inner) in table:
                return table[part, inner]
    return ()


def shape_of(built: Architecture, part: str, path: str) -> Shape | None:
    """The shape of a layer's weight as its published config has it; None: it has no such layer."""
    return _shapes(built, part).get(path)


def is_sized(built: Architecture) -> bool:
    """Whether checkpoints of an architecture come in several sizes, which their tensors tell."""
    return bool(_sizes(built))


@cache
def _sizes(built: Architecture) -> tuple[str, ...]:
    part = built.denoiser
    shapes = part.network.tensors(_config(part)) or {}
    layout = {lies.key: shape for key, shape in shapes.items() for lies in _where(part)[key][:1]}
    return tuple(part.told(layout))


_Key = tuple[str, str]  # a part, and a layer's name with underscores


def _numbered(table: Mapping[_Key, Sequence[NamedLayer]], flat: str) -> Sequence[NamedLayer]:
    if found := table.get(("", flat)):
        return found
    match = _NUMBER.search(flat)
    if match is None:
        return ()
    # As in a block that every checkpoint has, and that is not the last of one.
    pattern = f"{flat[: match.start(2)]}1{flat[match.end(2) :]}"
    first = f"{flat[: match.start(2)]}0{flat[match.end(2) :]}"
    found = table.get(("", pattern)) or table.get(("", first)) or ()
    return [
        NamedLayer(
            part=one.part,
            path=_DOTTED.sub(lambda m: f"{m[1]}{match[2]}", one.path, count=1),
            rows=one.rows,
        )
        for one in found
    ]


@cache
def _table(built: Architecture) -> Mapping[_Key, Sequence[NamedLayer]]:
    """What each name means; a denoiser's stand without its part."""
    found: dict[_Key, list[NamedLayer]] = {}
    for part in _read(built):
        for path in _shapes(built, part.name):
            key = "" if part is built.denoiser else part.name
            layer = NamedLayer(part=part.name, path=path, rows=None)
            found[key, path.replace(".", "_")] = [layer]
    for flat, layer in _in_file(built):
        whole = found.setdefault(("", flat), [])
        if not any(one.rows is None for one in whole):
            whole.append(layer)
    return found


def _read(built: Architecture) -> Iterator[Part]:
    """The parts whose layers LoRAs change: of text encoders those that CLIP's words go through."""
    for part in built.parts:
        if part is built.denoiser or (part.stage is Stage.ENCODE and part.name in _BEFORE_ENCODER):
            yield part


@cache
def _shapes(built: Architecture, part: str) -> Mapping[str, Shape]:
    """The shapes of the weights of linear layers and convolutions, by their paths."""
    network = built.part(part).network
    shapes = network.tensors(_config(built.part(part))) or {}
    return {
        key.removesuffix(".weight"): shape
        for key, shape in shapes.items()
        if key.endswith(".weight") and len(shape) > 1 and "embed_tokens" not in key
        if key != "shared.weight"
    }


@cache
def _where(part: Part) -> Mapping[str, Sequence[Lies]]:
    return part.where(_config(part))


def _config(part: Part) -> Config:
    """The published one, with every layer that any checkpoint has."""
    return {**config_of(CONFIGS / part.config), **part.fullest}


def _in_file(built: Architecture) -> Iterator[tuple[str, NamedLayer]]:
    part = built.denoiser
    for path in _shapes(built, part.name):
        pieces = _where(part).get(f"{path}.weight", ())
        keys = {lies.key for lies in pieces}
        if len(keys) != 1 or any(lies.transposed for lies in pieces):
            continue  # rows of several tensors: no name means them
        name = keys.pop().removeprefix(part.prefix).removesuffix(".weight")
        yield name.replace(".", "_"), NamedLayer(part=part.name, path=path, rows=_rows(pieces))


def _rows(pieces: Iterable[Lies]) -> Rows | None:
    each = list(pieces)
    if [(lies.nth, lies.of) for lies in each] == [(0, 1)]:
        return None
    return Rows(shares=tuple(lies.nth for lies in each), of=each[0].of)

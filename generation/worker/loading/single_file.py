"""A single .safetensors checkpoint -> the parts of a model, without any network.

Such a file has numbers and no shapes; those are in `configs/`, and so is CLIP's tokenizer.  The
invariant: what is read is what `generation.catalog.checkpoint` says of the file, to the catalog as
well; a file whose tensors do not fill the shapes is refused, and never completed at random.
"""

from __future__ import annotations

import lzma
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

import torch
from torch import Tensor

from generation.catalog.checkpoint import CONFIGS, Reading, read_checkpoint, read_vae
from generation.catalog.header import read_header, read_tensor
from generation.catalog.quantised import Contents
from generation.errors import BrokenWeights, Cancelled
from generation.worker.loading.building import BUILDING
from generation.worker.text.clip import Clip

SCHEDULER = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


class Parts(TypedDict):
    """What a checkpoint is made of."""

    unet: Any
    vae: Any
    clips: tuple[Clip, ...]
    scheduler: dict[str, Any]


def load(
    path: Path,
    architecture: str,
    dtype: torch.dtype,
    name: str,
    *,
    configs: Path = CONFIGS,
    may_go_on: Callable[[], bool] = lambda: True,
) -> Parts:
    """Load every part.  Raises BrokenWeights when tensors are missing or of other shapes.

    `may_go_on` is asked between two parts; Cancelled is raised when it says no.
    """
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    reading = read_checkpoint(_contents(path, name), name, architecture, configs)
    tensors = _read(path, reading, dtype)
    folder = configs / architecture
    try:
        with BUILDING:
            unet = UNet2DConditionModel.from_single_file(
                dict(tensors),
                config=str(folder),
                subfolder="unet",
                torch_dtype=dtype,
                local_files_only=True,
            )
        if not may_go_on():
            raise Cancelled
        vae = _vae(tensors, folder, dtype)
        if not may_go_on():
            raise Cancelled
        clips = _clips(tensors, architecture, folder, dtype)
    except NotImplementedError as error:  # an empty tensor was asked to become a number
        raise BrokenWeights(name, "tensors are missing that its family has") from error
    for part in (unet, vae, *(clip.encoder for clip in clips)):
        _check_whole(part, name)
    return Parts(
        unet=unet,
        vae=vae,
        clips=clips,
        scheduler={
            **SCHEDULER,
            "prediction_type": reading.prediction,
            "rescale_betas_zero_snr": reading.noise is not None,
        },
    )


def load_vae(path: Path, architecture: str, dtype: torch.dtype, name: str) -> Any:
    """Load a VAE that is a file of its own."""
    reading = read_vae(_contents(path, name), name, CONFIGS)
    vae = _vae(_read(path, reading, dtype), CONFIGS / architecture, dtype)
    _check_whole(vae, name)
    return vae


def _contents(path: Path, name: str) -> Contents:
    header = read_header(path, name)
    return Contents(
        shapes=header.shapes,
        dtypes=header.dtypes,
        metadata=header.metadata,
        read=lambda key: read_tensor(path, header, key, name),
    )


def _read(path: Path, reading: Reading, dtype: torch.dtype) -> dict[str, Tensor]:
    """The tensors that are used, by the names that the libraries know.

    Scaled ones are multiplied in fp32, and are at once in `dtype`, for the room they take.
    """
    from safetensors import safe_open

    tensors: dict[str, Tensor] = {}
    with safe_open(path, framework="pt") as file:
        for ours, theirs in reading.used.items():
            tensor = file.get_tensor(theirs)
            if (scale := reading.scales.of.get(theirs)) is not None:
                factor = file.get_tensor(scale).float()
                factor = factor.reshape(()) if factor.numel() == 1 else factor
                tensor = (tensor.float() * factor).to(dtype)
            tensors[ours] = tensor
    return tensors


def _vae(tensors: Mapping[str, Tensor], folder: Path, dtype: torch.dtype) -> Any:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    with BUILDING:
        return AutoencoderKL.from_single_file(
            dict(tensors),
            config=str(folder),
            subfolder="vae",
            torch_dtype=dtype,
            local_files_only=True,
        )


def _clips(
    tensors: Mapping[str, Tensor], architecture: str, folder: Path, dtype: torch.dtype
) -> tuple[Clip, ...]:
    from transformers.models.clip.modeling_clip import CLIPTextModel, CLIPTextModelWithProjection

    if architecture != "sdxl":
        return (_clip(CLIPTextModel, tensors, folder, "text_encoder", dtype, "<|endoftext|>"),)
    return (
        _clip(CLIPTextModel, tensors, folder, "text_encoder", dtype, "<|endoftext|>"),
        _clip(CLIPTextModelWithProjection, tensors, folder, "text_encoder_2", dtype, "!"),
    )


def _clip(
    kind: Any,
    tensors: Mapping[str, Tensor],
    folder: Path,
    part: str,
    dtype: torch.dtype,
    padding: str,
) -> Clip:
    from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm

    with BUILDING:
        encoder = create_diffusers_clip_model_from_ldm(
            kind,
            dict(tensors),
            subfolder=part,
            config=str(folder),
            torch_dtype=dtype,
            local_files_only=True,
        )
    return Clip(tokenizer=tokenizer(padding), encoder=encoder)


def _check_whole(module: Any, name: str) -> None:
    """Refuse a module with parameters that the file did not fill."""
    missing = [key for key, tensor in module.named_parameters() if tensor.is_meta]
    if missing:
        part = type(module).__name__
        raise BrokenWeights(
            name, f"{len(missing)} tensors of its {part} are missing, such as {missing[0]}"
        )


@cache
def tokenizer(padding: str) -> Any:
    """CLIP's tokenizer, from its merges; `padding` fills short prompts."""
    from transformers.models.clip.tokenization_clip import CLIPTokenizer

    text = lzma.decompress((CONFIGS / "clip-merges.txt.xz").read_bytes()).decode()
    merges = [tuple(line.split(" ")) for line in text.splitlines()]
    letters = _byte_letters()
    tokens = [*letters, *(letter + "</w>" for letter in letters), *map("".join, merges)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=merges,
        model_max_length=77,
        pad_token=padding,
    )


def _byte_letters() -> list[str]:
    """The letter that stands for each byte: itself if it can be seen, else one from 256 up."""
    seen = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1)]
    seen += range(ord("®"), ord("ÿ") + 1)
    hidden = [byte for byte in range(256) if byte not in seen]
    return [chr(byte) for byte in seen] + [chr(256 + n) for n in range(len(hidden))]

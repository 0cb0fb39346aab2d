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
from typing import Any

import torch
from torch import Tensor

from generation.catalog.checkpoint import CONFIGS, Reading, read_checkpoint, read_vae
from generation.catalog.header import read_header, read_tensor
from generation.catalog.quantised import Contents
from generation.errors import BrokenWeights, Cancelled
from generation.families.architecture import Architecture, Part, Tokenizer, Trained
from generation.worker.loading.building import BUILDING, class_of
from generation.worker.parts import Parts
from generation.worker.text import t5


def load(
    path: Path,
    architecture: Architecture,
    dtype: torch.dtype,
    name: str,
    *,
    configs: Path = CONFIGS,
    may_go_on: Callable[[], bool] = lambda: True,
) -> tuple[Parts, Trained]:
    """Load every part.  Raises BrokenWeights when tensors are missing or of other shapes.

    `may_go_on` is asked between two parts; Cancelled is raised when it says no.
    """
    reading = read_checkpoint(_contents(path, name), name, architecture, configs)
    tensors = _read(path, reading, dtype)
    modules: dict[str, Any] = {}
    tokenizers: dict[str, Any] = {}
    for part in architecture.parts:
        if part.optional and not any(key.startswith(part.prefix) for key in tensors):
            continue
        if modules and not may_go_on():
            raise Cancelled
        modules[part.name] = _built(part, tensors, configs, dtype, name)
        if part.tokenizer is not None:
            tokenizers[part.name] = tokenizer(part.tokenizer)
    noise = reading.noise or architecture.noise.levels
    trained = Trained(prediction=reading.prediction, noise=noise)
    return Parts(modules=modules, tokenizers=tokenizers), trained


def load_vae(path: Path, architecture: Architecture, dtype: torch.dtype, name: str) -> Any:
    """Load a VAE that is a file of its own."""
    reading = read_vae(_contents(path, name), name, CONFIGS)
    return _built(architecture.vae, _read(path, reading, dtype), CONFIGS, dtype, name)


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


def _built(
    part: Part, tensors: Mapping[str, Tensor], configs: Path, dtype: torch.dtype, name: str
) -> Any:
    """A part with its tensors of these.  Raises BrokenWeights where it lacks some."""
    kind, config = class_of(part.network.module, part.network.name), configs / part.config
    shape = {"config": str(config.parent), "subfolder": config.name}
    try:
        with BUILDING:
            if part.network.library == "diffusers":
                told = part.told({key: tuple(tensor.shape) for key, tensor in tensors.items()})
                module = kind.from_single_file(
                    dict(tensors), **shape, **told, torch_dtype=dtype, local_files_only=True
                )
            elif part.network.name.startswith("CLIP"):
                module = _clip(kind, dict(tensors), shape, dtype)
            else:
                module = _by_own_names(part, kind, tensors, config, dtype)
    except NotImplementedError as error:  # an empty tensor was asked to become a number
        raise BrokenWeights(name, "tensors are missing that its family has") from error
    _check_whole(module, name)
    return module


def _by_own_names(
    part: Part, kind: Any, tensors: Mapping[str, Tensor], config: Path, dtype: torch.dtype
) -> Any:
    """A part of transformers' whose tensors have its own names, behind the prefix."""
    from accelerate import init_empty_weights  # type: ignore[import-untyped]  # it has none

    with init_empty_weights():
        module = kind(kind.config_class.from_pretrained(config, local_files_only=True))
    # As when it is read from a folder: some of its layers overflow in fp16.
    kept = module._keep_in_fp32_modules if dtype == torch.float16 else ()
    found = {}
    for key, tensor in tensors.items():
        if key.startswith(part.prefix):
            own = key.removeprefix(part.prefix)
            found[own] = tensor.to(torch.float32 if set(own.split(".")) & set(kept) else dtype)
    module.load_state_dict(found, strict=False, assign=True)
    module.tie_weights()
    return module


def _clip(kind: Any, tensors: dict[str, Tensor], shape: dict[str, str], dtype: torch.dtype) -> Any:
    from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm

    return create_diffusers_clip_model_from_ldm(
        kind, tensors, **shape, torch_dtype=dtype, local_files_only=True
    )


def _check_whole(module: Any, name: str) -> None:
    """Refuse a module with parameters that the file did not fill."""
    missing = [key for key, tensor in module.named_parameters() if tensor.is_meta]
    if missing:
        part = type(module).__name__
        raise BrokenWeights(
            name, f"{len(missing)} tensors of its {part} are missing, such as {missing[0]}"
        )


def tokenizer(wanted: Tokenizer) -> Any:
    """The tokenizer of a text encoder, which no file brings."""
    if wanted.classes[0] == "T5Tokenizer":
        return t5.tokenizer()
    return clip_tokenizer(wanted.padding)


@cache
def clip_tokenizer(padding: str) -> Any:
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

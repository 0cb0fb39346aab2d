"""Weights -> a model that can draw.

The invariant: the same values give the same bits, from a folder or from a single file (torch
computes differently on memory-mapped, unaligned weights, so every tensor is copied once into
memory of its own), and nothing that a file lacks is made up at random.
"""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from generation.errors import BrokenWeights, GenerationError, UnusableWeights
from generation.families import family
from generation.recipe import Precision, Recipe, Sha256
from generation.worker.encode import Clip
from generation.worker.previews import Previewer, fitted

DTYPES = {
    Precision.FP32: torch.float32,
    Precision.FP16: torch.float16,
    Precision.BF16: torch.bfloat16,
}

PARTS = ("unet", "vae", "text_encoder", "text_encoder_2")  # of a folder, that have weights


@dataclass(eq=False, slots=True, kw_only=True)
class Model:
    """A loaded checkpoint, shared by all jobs and changed by none (its adapters aside)."""

    architecture: str  # "sd1", "sdxl"
    unet: Any
    vae: Any
    clips: tuple[Clip, ...]
    alphas_cumprod: Tensor  # float32, of the training's noise schedule
    prediction: str  # "epsilon" or "v_prediction"
    previewer: Previewer
    bytes: int
    adapters: dict[Sha256, str] = field(default_factory=dict)  # loaded into it, by digest
    users: int = 0  # jobs that draw with it now

    @property
    def scale(self) -> int:
        """Pixels of a latent pixel's side."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """What a loader gives back."""

    unet: Any
    vae: Any
    clips: tuple[Clip, ...]
    scheduler: dict[str, Any]


def import_libraries() -> None:
    """Import what loading and drawing need: some seconds that a first job need not wait for."""
    with _IMPORTING:
        for module in _LIBRARIES:
            importlib.import_module(module)


_LIBRARIES = (
    "diffusers.models.autoencoders.autoencoder_kl",
    "diffusers.models.unets.unet_2d_condition",
    "transformers.models.clip.modeling_clip",
    "transformers.models.clip.tokenization_clip",
)

# Lazy packages do not like to be imported by two threads at once.
_IMPORTING = threading.Lock()


def load(recipe: Recipe, path: Path, vae_path: Path | None, device: torch.device) -> Model:
    """Load what lies at these paths.  Raises UnusableWeights when it does not fit together."""
    name, dtype = recipe.checkpoint.name, DTYPES[recipe.precision]
    architecture = family(recipe.family).architecture
    import_libraries()
    with _translated(name):
        if path.is_dir():
            parts = _from_folder(path, architecture, dtype, name)
        else:
            from generation.worker import singlefile

            parts = _Parts(**singlefile.load(path, architecture, dtype, name))
    vae = parts.vae
    if vae_path is not None and recipe.vae is not None:
        with _translated(recipe.vae.name):
            vae = _separate_vae(vae_path, architecture, dtype, recipe.vae.name)
    if architecture == "sdxl" and dtype == torch.float16 and vae.config.force_upcast:
        vae = vae.to(torch.float32)  # SDXL's own VAE overflows in fp16
    if parts.unet.config.in_channels != 4:
        raise UnusableWeights(name, "its UNet takes more than latents (an inpainting model?)")
    modules = [parts.unet, vae, *(clip.encoder for clip in parts.clips)]
    for module in modules:
        settle(module, device)
    prediction = parts.scheduler.get("prediction_type", "epsilon")
    if prediction not in ("epsilon", "v_prediction"):
        raise UnusableWeights(name, f"an unknown prediction type {prediction!r}")
    scale = int(2 ** (len(vae.config.block_out_channels) - 1))
    return Model(
        architecture=architecture,
        unet=parts.unet,
        vae=vae,
        clips=parts.clips,
        alphas_cumprod=alphas_cumprod(parts.scheduler),
        prediction=prediction,
        previewer=fitted(vae, scale),
        bytes=sum(t.nbytes for module in modules for t in module.state_dict().values()),
    )


def _from_folder(path: Path, architecture: str, dtype: torch.dtype, name: str) -> _Parts:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers.models.clip import modeling_clip
    from transformers.models.clip.tokenization_clip import CLIPTokenizer

    kinds: list[tuple[str, Any]] = [("", modeling_clip.CLIPTextModel)]
    if architecture == "sdxl":
        kinds.append(("_2", modeling_clip.CLIPTextModelWithProjection))
    clips = tuple(
        Clip(
            tokenizer=CLIPTokenizer.from_pretrained(
                path, subfolder=f"tokenizer{suffix}", local_files_only=True
            ),
            encoder=_pretrained(kind, path / f"text_encoder{suffix}", name, dtype=dtype),
        )
        for suffix, kind in kinds
    )
    return _Parts(
        unet=_pretrained(UNet2DConditionModel, path / "unet", name, torch_dtype=dtype),
        vae=_folder_vae(path / "vae", dtype, name),
        clips=clips,
        scheduler=json.loads((path / "scheduler" / "scheduler_config.json").read_text()),
    )


def _folder_vae(path: Path, dtype: torch.dtype, name: str) -> Any:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    return _pretrained(AutoencoderKL, path, name, torch_dtype=dtype)


def _separate_vae(path: Path, architecture: str, dtype: torch.dtype, name: str) -> Any:
    if path.is_dir():
        return _folder_vae(path, dtype, name)
    from generation.worker.singlefile import load_vae

    return load_vae(path, architecture, dtype, name)


def _pretrained(kind: Any, folder: Path, name: str, **options: Any) -> Any:
    """One part of a folder.  Raises BrokenWeights when it would be completed at random."""
    module, info = kind.from_pretrained(
        folder,
        local_files_only=True,
        use_safetensors=True,
        variant=_variant(folder),
        output_loading_info=True,
        **options,
    )
    missing = sorted(info["missing_keys"])
    if missing:
        raise BrokenWeights(
            name, f"{len(missing)} tensors of its {folder.name} are missing, such as {missing[0]}"
        )
    return module


def _variant(folder: Path) -> str | None:
    """ "fp16" when the folder holds nothing else."""
    names = [file.name for file in folder.glob("*.safetensors")]
    return "fp16" if names and all(".fp16." in name for name in names) else None


def settle(module: Any, device: torch.device) -> None:
    """Bring a module to its place for good."""
    module.eval().requires_grad_(False)
    if device.type != "cpu":
        module.to(device)
        return
    for tensor in (*module.parameters(), *module.buffers()):
        tensor.data = tensor.data.clone()


def alphas_cumprod(scheduler: dict[str, Any]) -> Tensor:
    """The training's noise schedule from a scheduler's config, in float32 as diffusers has it."""
    steps = int(scheduler.get("num_train_timesteps", 1000))
    first = float(scheduler.get("beta_start", 0.0001))
    last = float(scheduler.get("beta_end", 0.02))
    kind = scheduler.get("beta_schedule", "linear")
    if scheduler.get("trained_betas") is not None:
        betas = torch.tensor(scheduler["trained_betas"], dtype=torch.float32)
    elif kind == "scaled_linear":
        betas = torch.linspace(first**0.5, last**0.5, steps, dtype=torch.float32) ** 2
    elif kind == "linear":
        betas = torch.linspace(first, last, steps, dtype=torch.float32)
    else:
        raise UnusableWeights("scheduler", f"an unknown noise schedule {kind!r}")
    return torch.cumprod(1.0 - betas, dim=0)


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """The loaders' many ways to say that weights do not fit, as one."""
    from safetensors import SafetensorError

    try:
        yield
    except (GenerationError, torch.OutOfMemoryError, MemoryError):
        raise
    except SafetensorError as error:
        raise BrokenWeights(name, f"not readable as safetensors: {error}"[:200]) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UnusableWeights(name, f"it cannot be loaded: {error}"[:300]) from error

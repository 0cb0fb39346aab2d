"""Weights -> a model that can draw.

The invariant: the same values give the same bits, from a folder or from a single file (torch
computes differently on memory-mapped, unaligned weights, so every tensor is copied once into
memory of its own), and nothing that a file lacks is made up at random.
"""

from __future__ import annotations

import importlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from generation.catalog.folderparts import chosen_weights, read_parts, read_vae_folder
from generation.catalog.modelfolder import INDEX, read_json
from generation.errors import BrokenWeights, Cancelled, GenerationError, UnusableWeights
from generation.families.family import family
from generation.recipe import Precision, Recipe, Sha256
from generation.sigmas import betas
from generation.worker.codecs.previews import Previewer, fitted
from generation.worker.loading import single_file
from generation.worker.loading.building import BUILDING
from generation.worker.residence import Residence
from generation.worker.text.clip import Clip

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
    residence: Residence
    # The same without zero terminal SNR, for recipes that name no noise; None: there is none.
    unmarked: Tensor | None = None
    previewer: Previewer | None = None
    adapters: dict[Sha256, Any] = field(default_factory=dict)  # LoRAs at hand, by digest
    hooks: list[Any] = field(default_factory=list)  # what those that are on hang by
    users: int = 0  # jobs that draw with it or are paused with it

    @property
    def bytes(self) -> int:
        """Its weights."""
        return self.residence.bytes

    @property
    def scale(self) -> int:
        """Pixels of a latent pixel's side."""
        return int(2 ** (len(self.vae.config.block_out_channels) - 1))

    def fit_previewer(self) -> Previewer:
        """What makes its previews; fitted when it is first on the device."""
        if self.previewer is None:
            self.previewer = fitted(self.vae, self.scale)
        return self.previewer


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """How a checkpoint is read.

    `beside`: another thread draws meanwhile, and must not notice; `may_go_on` is asked between two
    parts.
    """

    name: str
    dtype: torch.dtype
    beside: bool
    may_go_on: Callable[[], bool]


def _always() -> bool:
    return True


def load(
    recipe: Recipe,
    path: Path,
    vae_path: Path | None,
    device: torch.device,
    *,
    beside: bool = False,
    may_go_on: Callable[[], bool] = _always,
) -> Model:
    """Load what lies at these paths.  Raises UnusableWeights when it does not fit together.

    `beside`: another thread draws meanwhile, and must not notice.  `may_go_on` is asked between
    two parts; Cancelled is raised when it says no.
    """
    name, dtype = recipe.checkpoint.name, DTYPES[recipe.precision]
    architecture = family(recipe.family).architecture
    reading = _Reading(name=name, dtype=dtype, beside=beside, may_go_on=may_go_on)
    import_libraries()
    with _translated(name):
        if path.is_dir():
            parts = _from_folder(path, architecture, reading)
        else:
            parts = _Parts(**single_file.load(path, architecture, dtype, name, may_go_on=may_go_on))
    vae = parts.vae
    if vae_path is not None and recipe.vae is not None:
        with _translated(recipe.vae.name):
            vae = _separate_vae(vae_path, architecture, replace(reading, name=recipe.vae.name))
    if architecture == "sdxl" and dtype == torch.float16 and vae.config.force_upcast:
        vae = vae.to(torch.float32)  # SDXL's own VAE overflows in fp16
    modules = [parts.unet, vae, *(clip.encoder for clip in parts.clips)]
    for module in modules:
        settle(module, device)
    prediction = parts.scheduler.get("prediction_type", "epsilon")
    if prediction not in ("epsilon", "v_prediction"):
        raise UnusableWeights(name, f"an unknown prediction type {prediction!r}")
    zero_snr = bool(parts.scheduler.get("rescale_betas_zero_snr"))
    plain = {**parts.scheduler, "rescale_betas_zero_snr": False}
    return Model(
        architecture=architecture,
        unet=parts.unet,
        vae=vae,
        clips=parts.clips,
        alphas_cumprod=alphas_cumprod(parts.scheduler),
        unmarked=alphas_cumprod(plain) if zero_snr else None,
        prediction=prediction,
        residence=Residence(modules),
    )


def _from_folder(path: Path, architecture: str, reading: _Reading) -> _Parts:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from transformers.models.clip import modeling_clip
    from transformers.models.clip.tokenization_clip import CLIPTokenizer

    read_parts(path, reading.name, read_json(path / INDEX, reading.name), architecture)
    kinds: list[tuple[str, Any]] = [("", modeling_clip.CLIPTextModel)]
    if architecture == "sdxl":
        kinds.append(("_2", modeling_clip.CLIPTextModelWithProjection))
    clips = tuple(
        Clip(
            tokenizer=CLIPTokenizer.from_pretrained(
                path, subfolder=f"tokenizer{suffix}", local_files_only=True
            ),
            encoder=_pretrained(kind, path / f"text_encoder{suffix}", reading, "text_encoder"),
        )
        for suffix, kind in kinds
    )
    return _Parts(
        unet=_pretrained(UNet2DConditionModel, path / "unet", reading, "unet"),
        vae=_folder_vae(path / "vae", reading),
        clips=clips,
        scheduler=json.loads((path / "scheduler" / "scheduler_config.json").read_text()),
    )


def _folder_vae(path: Path, reading: _Reading) -> Any:
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    return _pretrained(AutoencoderKL, path, reading, "vae")


def _separate_vae(path: Path, architecture: str, reading: _Reading) -> Any:
    if path.is_dir():
        read_vae_folder(path, reading.name)
        return _folder_vae(path, reading)
    return single_file.load_vae(path, architecture, reading.dtype, reading.name)


def _pretrained(kind: Any, folder: Path, reading: _Reading, part: str) -> Any:
    """One part of a folder.  Raises BrokenWeights when it would be completed at random."""
    if not reading.may_go_on():
        raise Cancelled
    # The libraries make a part's dtype the default of the whole process for a moment, also for
    # the thread that draws; float32 is the default anyway.
    dtype = torch.float32 if reading.beside else reading.dtype
    with BUILDING:
        module, info = kind.from_pretrained(
            folder,
            local_files_only=True,
            use_safetensors=True,
            variant=chosen_weights(folder, reading.name, part).variant,
            output_loading_info=True,
            **{"dtype" if part == "text_encoder" else "torch_dtype": dtype},
        )
    missing = sorted(info["missing_keys"])
    if missing:
        raise BrokenWeights(
            reading.name,
            f"{len(missing)} tensors of its {folder.name} are missing, such as {missing[0]}",
        )
    return module if dtype == reading.dtype else module.to(reading.dtype)


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
        noises = torch.tensor(scheduler["trained_betas"], dtype=torch.float32)
    elif kind == "scaled_linear":
        noises = torch.linspace(first**0.5, last**0.5, steps, dtype=torch.float32) ** 2
    elif kind == "linear":
        noises = torch.linspace(first, last, steps, dtype=torch.float32)
    else:
        raise UnusableWeights("scheduler", f"an unknown noise schedule {kind!r}")
    kept = torch.cumprod(1.0 - noises, dim=0)
    if not scheduler.get("rescale_betas_zero_snr"):
        return kept
    kept = torch.cumprod(1.0 - _without_terminal_signal(kept), dim=0)
    kept[-1] = 2**-24  # as diffusers has it: 0 would be an infinite level
    return kept


def alphas_of(noise: str) -> Tensor:
    """The same of a recipe's name for it, a name of generation.sigmas.levels."""
    said = betas(noise)
    kind = "linear" if said.linear else "scaled_linear"
    return alphas_cumprod(
        {
            "beta_schedule": kind,
            "beta_start": said.first,
            "beta_end": said.last,
            "rescale_betas_zero_snr": said.zero_snr,
        }
    )


def _without_terminal_signal(kept: Tensor) -> Tensor:
    """The betas of Lin et al. 2023, algorithm 1, in the order of diffusers' arithmetic."""
    roots = kept.sqrt()
    first, last = roots[0].clone(), roots[-1].clone()
    fewer = ((roots - last) * (first / (first - last))) ** 2
    return 1 - torch.cat([fewer[:1], fewer[1:] / fewer[:-1]])


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

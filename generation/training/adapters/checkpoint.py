"""A checkpoint that is taught something: Stable Diffusion 1.x or XL, a folder or a single file.

Invariant: its own weights never change; what is taught lies beside them, in fp32.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from torch import Tensor, nn

from generation.catalog.partconfigs import CONFIGS
from generation.modules import byte_pairs

WIDE = 2048  # of the words that SDXL's UNet listens to
CLIP_END = "<|endoftext|>"  # what fills short prompts
SCHEDULE = {
    "_class_name": "DDIMScheduler",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWords:
    """What a UNet is told: states of each token, and SDXL's summary and sizes."""

    states: Tensor  # (count, tokens, width)
    pooled: Tensor | None = None  # (count, width)

    def to(self, device: torch.device) -> ReadWords:
        """The same on a device, in fp32."""
        pooled = None if self.pooled is None else self.pooled.to(device).float()
        return ReadWords(states=self.states.to(device).float(), pooled=pooled)


@dataclass(slots=True, kw_only=True)
class TaughtCheckpoint:
    """The parts of a checkpoint, and how they are asked."""

    name: str
    pipeline: Any  # stock diffusers'
    side: int  # of the pictures, in pixels
    device: torch.device
    precision: str  # of what is computed: "fp32" or "bf16"

    @property
    def unet(self) -> Any:
        return self.pipeline.unet

    @property
    def vae(self) -> Any:
        return self.pipeline.vae

    @property
    def encoders(self) -> list[Any]:
        """Text encoders, the wider one second."""
        names = ("text_encoder", "text_encoder_2")
        return [e for n in names if (e := getattr(self.pipeline, n, None)) is not None]

    @property
    def tokenizers(self) -> list[Any]:
        names = ("tokenizer", "tokenizer_2")
        return [t for n in names if (t := getattr(self.pipeline, n, None)) is not None]

    @property
    def wide(self) -> bool:
        """Whether it is an SDXL."""
        return isinstance(self.pipeline, StableDiffusionXLPipeline)

    @property
    def alphas(self) -> Tensor:
        """How much signal is left after each level of noise, squared."""
        alphas: Tensor = self.pipeline.scheduler.alphas_cumprod.to(self.device)
        return alphas

    @property
    def prediction(self) -> str:
        return str(self.pipeline.scheduler.config.prediction_type)

    def computing(self) -> AbstractContextManager[Any]:
        """The precision of everything inside."""
        if self.precision == "fp32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)

    def latents(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation for pictures (count, 3, side, side), -1..1, times the VAE's scale."""
        with torch.no_grad(), self.computing():
            found = self.vae.encode(pictures.to(self.device)).latent_dist
        scale = self.vae.config.scaling_factor
        return found.mean.float() * scale, found.std.float() * scale

    def words(self, texts: Sequence[str]) -> ReadWords:
        """The states of texts; gradients reach what is taught of the text encoders."""
        said = self.pipeline.encode_prompt(
            prompt=list(texts),
            device=self.device,
            num_images_per_prompt=1,
            do_classifier_free_guidance=False,
        )
        if self.wide:
            return ReadWords(states=said[0], pooled=said[2])
        return ReadWords(states=said[0])

    def beside(self, words: ReadWords) -> dict[str, Tensor] | None:
        """What SDXL is told beside the words: their summary, and that nothing was cut off."""
        if words.pooled is None:
            return None
        sizes = [self.side, self.side, 0, 0, self.side, self.side]
        ids = torch.tensor([sizes] * len(words.pooled), device=self.device).float()
        return {"text_embeds": words.pooled, "time_ids": ids}

    def predict(self, noisy: Tensor, steps: Tensor, words: ReadWords, **more: Any) -> Tensor:
        """What the UNet says of noisy latents, in fp32."""
        with self.computing():
            said: Tensor = self.unet(
                noisy,
                steps,
                encoder_hidden_states=words.states,
                added_cond_kwargs=self.beside(words),
                **more,
            ).sample
        return said.float()

    def scales(self, steps: Tensor) -> tuple[Tensor, Tensor]:
        """Signal and noise at these steps, ready to multiply latents."""
        signal = self.alphas[steps].sqrt()[:, None, None, None]
        return signal, (1 - self.alphas[steps]).sqrt()[:, None, None, None]

    def clean_and_noise(self, said: Tensor, noisy: Tensor, steps: Tensor) -> tuple[Tensor, Tensor]:
        """The clean latents and the noise that a prediction means."""
        signal, grain = self.scales(steps)
        if self.prediction == "v_prediction":
            return signal * noisy - grain * said, grain * noisy + signal * said
        return (noisy - grain * said) / signal, said

    def wanted(self, clean: Tensor, noise: Tensor, steps: Tensor) -> Tensor:
        """What the UNet should have said."""
        if self.prediction == "v_prediction":
            signal, grain = self.scales(steps)
            return signal * noise - grain * clean
        return noise


def load_checkpoint(
    path: Path,
    *,
    side: int | None,
    work: Path,
    device: str = "cpu",
    precision: str = "fp32",
    configs: Path = CONFIGS,
) -> TaughtCheckpoint:
    """A folder in diffusers' layout or one file; `work` keeps what a single file lacks."""
    if path.is_dir():
        index = json.loads((path / "model_index.json").read_text())
        wide = "XL" in index["_class_name"]
        kind: Any = StableDiffusionXLPipeline if wide else StableDiffusionPipeline
        pipeline = kind.from_pretrained(path, dtype=torch.float32)
    else:
        pipeline = _single_file(path, work, configs)
    pipeline.set_progress_bar_config(disable=True)
    for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder, _second(pipeline)):
        if part is not None:
            part.requires_grad_(False).eval()
    pipeline.to(device)
    factor = 2 ** (len(pipeline.vae.config.block_out_channels) - 1)
    return TaughtCheckpoint(
        name=path.stem if path.is_file() else path.name,
        pipeline=pipeline,
        side=side or pipeline.unet.config.sample_size * factor,
        device=torch.device(device),
        precision=precision,
    )


def _second(pipeline: Any) -> nn.Module | None:
    second: nn.Module | None = getattr(pipeline, "text_encoder_2", None)
    return second


def _single_file(path: Path, work: Path, configs: Path) -> Any:
    from generation.catalog.header import read_header

    shapes = read_header(path, path.name).shapes
    wide = any(key.startswith("conditioner.embedders.1.") for key in shapes)
    kind: Any = StableDiffusionXLPipeline if wide else StableDiffusionPipeline
    config = _configured(work / "config", configs / ("sdxl" if wide else "sd1"), wide=wide)
    return kind.from_single_file(
        str(path), config=str(config), dtype=torch.float32, local_files_only=True
    )


def _configured(folder: Path, shapes: Path, *, wide: bool) -> Path:
    """A folder with all that a single file does not say: shapes, words and schedule."""
    shutil.copytree(shapes, folder, dirs_exist_ok=True)
    seconds = ("", "_2") if wide else ("",)
    for second in seconds:
        words = byte_pairs.clip("!" if second else CLIP_END)
        words.save_pretrained(folder / f"tokenizer{second}")
    (folder / "scheduler").mkdir(exist_ok=True)
    (folder / "scheduler" / "scheduler_config.json").write_text(json.dumps(SCHEDULE))
    text = {"": "CLIPTextModel", "_2": "CLIPTextModelWithProjection"}
    index: dict[str, Any] = {
        "_class_name": f"StableDiffusion{'XL' if wide else ''}Pipeline",
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
        "scheduler": ["diffusers", "DDIMScheduler"],
        **{f"text_encoder{s}": ["transformers", text[s]] for s in seconds},
        **{f"tokenizer{s}": ["transformers", "CLIPTokenizer"] for s in seconds},
    }
    if not wide:
        index |= {"safety_checker": [None, None], "feature_extractor": [None, None]}
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder

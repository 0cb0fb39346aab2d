"""Goes on with a training: lays out what the parts of the shipped model have learned.

    python -m generation.training.film.begun --work var/film    # then bank, transformer

The denoiser takes hours of a processor core, which need not be spent again to teach it more.

Invariant: after `take_up`, the work folder holds what the stages before `bank` leave there, and the
denoiser's weights, from which `transformer` begins.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel

from generation.training.starter.begun import copy_words, run_begun

from .export import MODEL
from .transformer import WEIGHTS

WORK = Path("var/film")


def take_up(work: Path, begun: Path = MODEL) -> None:
    """Lays the parts out in the work folder, in fp32."""
    copy_words(begun, work)
    vae = AutoencoderKLWan.from_pretrained(begun / "vae", dtype=torch.float32)
    statistics = {name: list(vae.config[name]) for name in ("latents_mean", "latents_std")}
    torch.save({"model": vae.state_dict(), **statistics}, work / "vae.pt")
    model = WanTransformer3DModel.from_pretrained(begun / "transformer", dtype=torch.float32)
    torch.save(model.state_dict(), work / WEIGHTS)


if __name__ == "__main__":
    run_begun(take_up, WORK, __doc__ or "")

"""Goes on with a training: lays out what the parts of the shipped model have learned.

    python -m generation.training.sound.begun --work var/sound    # then denoiser

Invariant: after `take_up`, the work folder holds what the stage `text` leaves there, the transform
of its sounds, and the denoiser's weights, from which `denoiser` begins.
"""

from pathlib import Path

import torch
from diffusers import AutoencoderOobleck, StableAudioDiTModel, StableAudioProjectionModel

from generation.training.starter.begun import copy_words, run_begun

from .denoiser import TRANSFORM, WEIGHTS, SoundDenoiser
from .export import MODEL
from .lapped import read_out

WORK = Path("var/sound")


def take_up(work: Path, begun: Path = MODEL) -> None:
    """Lays the parts out in the work folder, in fp32."""
    copy_words(begun, work)
    network = SoundDenoiser()
    for inner, kind, folder in (
        (network.transformer, StableAudioDiTModel, "transformer"),
        (network.projection, StableAudioProjectionModel, "projection_model"),
    ):
        held = kind.from_pretrained(begun / folder, dtype=torch.float32)
        inner.load_state_dict(held.state_dict())
    torch.save(network.state_dict(), work / WEIGHTS)
    vae = AutoencoderOobleck.from_pretrained(begun / "vae", dtype=torch.float32)
    there, back = read_out(vae)
    torch.save({"there": there, "back": back}, work / TRANSFORM)


if __name__ == "__main__":
    run_begun(take_up, WORK, __doc__ or "")

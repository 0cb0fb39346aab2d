"""The training program of the built-in video model, one stage at a time or all in a row.

    python -m generation.training.film.train all

Invariant: every stage reads what the stages before it left in the work folder and writes its own
result there, so any stage can be run again alone.  Each runs on one thread; `transformer` and
`decoder` may run side by side once the bank is drawn.
"""

from pathlib import Path
from random import Random

import numpy as np
from PIL import Image

from generation.training.starter.train import TrainingStage, run_stages

from .bank import draw_bank
from .draw import draw_clip
from .export import MODEL, export
from .judge import train_clip_judge
from .scenes import MOTIONS, training_clip
from .text import train_text
from .transformer import train_transformer
from .vae import train_vae

WORK = Path("var/film")
SHARDS = 40


def draw_sheet(path: Path, seed: int = 0) -> None:
    """A sheet of training clips: a row for every motion."""
    dice, rows = Random(seed), []
    for motion in MOTIONS:
        scene = training_clip(dice)
        while scene.motion != motion:
            scene = training_clip(dice)
        rows.append(np.concatenate(list(draw_clip(scene, dice)), axis=1))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(rows, axis=0)).save(path)


def _export(work: Path, _: float) -> None:
    print(f"{MODEL}: {export(work) / 1e6:.1f} MB")


STAGES: dict[str, TrainingStage] = {
    "draw": TrainingStage(
        says="a sheet of training clips, to look at",
        minutes=0,
        run=lambda work, _: draw_sheet(work / "training.png"),
    ),
    "judge": TrainingStage(
        says="the classifier of the evaluation, from renders only",
        minutes=5,
        run=lambda _, minutes: train_clip_judge(minutes),
    ),
    "text": TrainingStage(says="the tokenizer and the text encoder", minutes=3.5, run=train_text),
    "vae": TrainingStage(says="the autoencoder", minutes=13, run=train_vae),
    "bank": TrainingStage(
        says="latents of clips for the denoiser",
        minutes=0,
        run=lambda work, _: draw_bank(work, SHARDS),
    ),
    "transformer": TrainingStage(says="the denoiser", minutes=150, run=train_transformer),
    "deeper": TrainingStage(
        says="the denoiser with twice the layers, from what the smaller one knows",
        minutes=200,
        run=lambda work, minutes: train_transformer(work, minutes, deeper=True),
    ),
    "decoder": TrainingStage(
        says="the autoencoder's decoder alone, longer; latents keep their meaning",
        minutes=30,
        run=lambda work, minutes: train_vae(work, minutes, decoder_only=True),
    ),
    "export": TrainingStage(says="the model folder", minutes=0, run=_export),
}


if __name__ == "__main__":
    run_stages(STAGES, WORK, __doc__ or "")

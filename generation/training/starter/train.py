"""The training program of the built-in model, one stage at a time or all in a row.

    python -m generation.training.starter.train all

Invariant: every stage reads what the stages before it left in the work folder and writes its own
result there, so any stage can be run again alone. Each runs on one thread: on a machine with few
cores a second one costs more than it brings, and `bank` may grow beside `unet`, `judge` beside all.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from PIL import Image

from .bank import draw_bank
from .draw import SIZE, draw
from .export import MODEL, export
from .judge import train_judge
from .scenes import OBJECTS, STYLES, Scene, training_scene
from .text import train_text
from .unet import train_unet
from .vae import train_vae

WORK = Path("var/starter")
SHARDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStage:
    """One step of the training, with the minutes it gets by default (0: until it is done)."""

    says: str
    minutes: float
    run: Callable[[Path, float], None]


def draw_sheet(path: Path, seed: int = 0) -> None:
    """A sheet of training pictures: a column per object, two rows per style."""
    dice = Random(seed)
    sheet = Image.new("RGB", (SIZE * len(OBJECTS), SIZE * 2 * len(STYLES)))
    for row in range(2 * len(STYLES)):
        for column, thing in enumerate(OBJECTS):
            chance = training_scene(dice)
            while chance.object != thing:
                chance = training_scene(dice)
            scene = Scene(
                object=thing,
                colour=chance.colour,
                background=chance.background,
                style=STYLES[row % len(STYLES)],
            )
            sheet.paste(draw(scene, dice), (SIZE * column, SIZE * row))
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)


def _export(work: Path, _: float) -> None:
    size = export(work)
    print(f"{MODEL}: {size / 1e6:.1f} MB")


STAGES: dict[str, TrainingStage] = {
    "draw": TrainingStage(
        says="a sheet of training pictures, to look at",
        minutes=0,
        run=lambda work, _: draw_sheet(work / "training.png"),
    ),
    "judge": TrainingStage(
        says="the classifier of the evaluation, from renders only",
        minutes=8,
        run=lambda _, minutes: train_judge(minutes),
    ),
    "text": TrainingStage(says="the tokenizer and the text encoder", minutes=6, run=train_text),
    "vae": TrainingStage(says="the autoencoder", minutes=22, run=train_vae),
    "bank": TrainingStage(
        says="latents and caption states for the UNet",
        minutes=0,
        run=lambda work, _: draw_bank(work, SHARDS),
    ),
    "unet": TrainingStage(says="the denoiser", minutes=80, run=train_unet),
    "decoder": TrainingStage(
        says="the VAE's decoder alone, a little longer; latents keep their meaning",
        minutes=10,
        run=lambda work, minutes: train_vae(work, minutes, decoder_only=True),
    ),
    "export": TrainingStage(says="the model folder", minutes=0, run=_export),
}


def run_stages(stages: Mapping[str, TrainingStage], usual_work: Path, says: str) -> None:
    """The command line of a training program with these stages."""
    parser = argparse.ArgumentParser(
        description=says.splitlines()[0],
        epilog="\n".join(f"{name:8} {stage.says}" for name, stage in stages.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("stage", choices=[*stages, "all"])
    parser.add_argument("--minutes", type=float, help="time for this stage instead of its own")
    parser.add_argument("--work", type=Path, default=usual_work, help=f"({usual_work})")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    asked.work.mkdir(parents=True, exist_ok=True)
    for name in stages if asked.stage == "all" else (asked.stage,):
        stage = stages[name]
        stage.run(asked.work, stage.minutes if asked.minutes is None else asked.minutes)


if __name__ == "__main__":
    run_stages(STAGES, WORK, __doc__ or "")

"""The training program of the built-in editor, one stage at a time or all in a row.

    python -m generation.training.editor.train all

Invariant: it begins with the starter as shipped, and every stage reads what the stages before it
left in the work folder, so any stage can be run again alone. `bank` may grow beside `unet`.
"""

from pathlib import Path
from random import Random

from PIL import Image

from generation.training.starter.draw import SIZE, PartDice, draw_parts
from generation.training.starter.train import TrainingStage, run_stages

from .bank import draw_families
from .export import MODEL, export
from .pairs import MEMBERS, family
from .text import train_text
from .unet import train_unet

WORK = Path("var/editor")
SHARDS = 8


def draw_sheet(path: Path, seed: int = 3, rows: int = 6) -> None:
    """A sheet of families: a row each, the picture first and then what it is changed into."""
    dice = Random(seed)
    sheet = Image.new("RGB", (SIZE * MEMBERS, SIZE * rows))
    for row in range(rows):
        members, thrown = family(dice), dice.randrange(2**40)
        for column, one in enumerate(members):
            picture = draw_parts(one.scene, PartDice.of(thrown), bare=one.bare)
            sheet.paste(picture, (SIZE * column, SIZE * row))
    sheet.save(path)


def _export(work: Path, _: float) -> None:
    print(f"{MODEL}: {export(work) / 1e6:.1f} MB")


STAGES: dict[str, TrainingStage] = {
    "draw": TrainingStage(
        says="a sheet of families, to look at",
        minutes=0,
        run=lambda work, _: draw_sheet(work / "families.png"),
    ),
    "text": TrainingStage(says="the text encoder of instructions", minutes=8, run=train_text),
    "bank": TrainingStage(
        says="latents of families of pictures",
        minutes=0,
        run=lambda work, _: draw_families(work, SHARDS),
    ),
    "unet": TrainingStage(says="the denoiser", minutes=55, run=train_unet),
    "export": TrainingStage(says="the model folder", minutes=0, run=_export),
}

if __name__ == "__main__":
    run_stages(STAGES, WORK, __doc__ or "")

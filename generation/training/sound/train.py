"""The training program of the built-in sound model, one stage at a time or all in a row.

    python -m generation.training.sound.train all

Invariant: every stage reads what the stages before it left in the work folder and writes its own
result there.  Minutes are those of one processor core, so a busy machine takes longer, not less.
"""

from pathlib import Path

from generation.training.starter.train import TrainingStage, run_stages

from .denoiser import train_denoiser
from .export import MODEL, export
from .text import train_text

WORK = Path("var/starter-sound")


def _export(work: Path, _: float) -> None:
    size = export(work)
    print(f"{MODEL}: {size / 1e6:.1f} MB")


STAGES: dict[str, TrainingStage] = {
    "text": TrainingStage(says="the tokenizer and the text encoder", minutes=3, run=train_text),
    "denoiser": TrainingStage(
        says="the transform and the denoiser", minutes=120, run=train_denoiser
    ),
    "export": TrainingStage(says="the model folder", minutes=0, run=_export),
}


if __name__ == "__main__":
    run_stages(STAGES, WORK, __doc__ or "")

"""The training program of the built-in 3D model, one stage at a time or all in a row.

    python -m generation.training.form.train all

Invariant: every stage reads what the stages before it left in the work folder and writes its own
result there, so any stage can be run again alone.  Minutes are of the processor, on one thread.
"""

from __future__ import annotations

from pathlib import Path

from generation.training.form.export import MODEL, export
from generation.training.form.fields import train_fields
from generation.training.form.prior import train_prior
from generation.training.form.text import train_text
from generation.training.starter.train import TrainingStage, run_stages

WORK = Path("var/starter-form")


def _export(work: Path, _: float) -> None:
    print(f"{MODEL}: {export(work) / 1e6:.2f} MB")


STAGES: dict[str, TrainingStage] = {
    "fields": TrainingStage(
        says="solids as latents, and the renderer", minutes=2.2, run=train_fields
    ),
    "text": TrainingStage(says="the tokenizer and the text encoder", minutes=0.75, run=train_text),
    "prior": TrainingStage(says="the denoiser", minutes=5, run=train_prior),
    "export": TrainingStage(says="the model folder", minutes=0, run=_export),
}


if __name__ == "__main__":
    run_stages(STAGES, WORK, __doc__ or "")

"""Measures the editor: held-out changes of pictures the starter drew, read by the judge.

    python -m generation.training.editor.evaluate --count 40 --seed 1

Each change is measured as it was drawn, and as the bot shows it: with what hardly changed copied
from the picture (`generation.media.sparing`), where a change is not one of the whole picture.

Invariant: the pictures are drawn through plain diffusers, each with its own CPU generator, so a row
can be repeated; what is measured on pixels needs no judge.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
from diffusers import StableDiffusionInstructPix2PixPipeline
from PIL import Image

from generation.draft import usual_sparing
from generation.media.sparing import spared
from generation.training.starter.evaluate import SAMPLERS, load_pipeline, one_thread
from generation.training.starter.export import MODEL as STARTER
from generation.training.starter.judge import load_judge
from generation.trials.preservation import DRIFTED, MOVED, preservation

from .export import MODEL
from .trials import (
    ASPECTS,
    USUAL_SAMPLER,
    EditTrial,
    EditVerdict,
    GivenPicture,
    beginnings,
    edit_sheet,
    edit_trials,
    generators,
    in_batches,
    judged_edits,
)

STEPS, CFG, IMAGE_CFG = 20, 2.0, 1.5
THROUGHOUT = ("light and weather", "style")  # where the bot copies nothing
COLUMNS = (
    *("asked for", "told by", "came true", "the rest stayed", "delta E", "shift", "zoom"),
    *("same size", "same pixels"),
)
SHEET_ROWS = 8  # pictures of each aspect
# What the editor is told: what is to be otherwise, or what the whole picture shall show.
WORDS: dict[str, Callable[[EditTrial], str]] = {
    "instruction": lambda trial: trial.instruction,
    "whole words": lambda trial: trial.caption_after,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EditSettings:
    """How the editor draws."""

    steps: int = STEPS
    cfg: float = CFG
    image_cfg: float = IMAGE_CFG
    sampler: str = USUAL_SAMPLER


def load_editor(folder: Path, sampler: str) -> StableDiffusionInstructPix2PixPipeline:
    """The editor as any InstructPix2Pix checkpoint loads, in fp32 on the CPU."""
    pipeline = StableDiffusionInstructPix2PixPipeline.from_pretrained(folder, dtype=torch.float32)
    kind, options = SAMPLERS[sampler]
    pipeline.scheduler = kind.from_config(pipeline.scheduler.config, **options)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def edited(
    editor: StableDiffusionInstructPix2PixPipeline,
    begun: Sequence[GivenPicture],
    settings: EditSettings,
    told: Callable[[EditTrial], str] = WORDS["instruction"],
) -> list[Image.Image]:
    """The pictures, changed as their trials say."""
    made: list[Image.Image] = []
    for part in in_batches(len(begun)):
        some = begun[part]
        made += editor(
            [told(one.trial) for one in some],
            image=[one.given for one in some],
            num_inference_steps=settings.steps,
            guidance_scale=settings.cfg,
            image_guidance_scale=settings.image_cfg,
            generator=generators([one.trial.seed for one in some]),
        ).images
    return made


def as_shown(begun: Sequence[GivenPicture], made: Sequence[Image.Image]) -> list[Image.Image]:
    """What was made, with what hardly changed copied from the pictures."""
    pairs = [(one.given, picture) for one, picture in zip(begun, made, strict=True)]
    return [spared(old, old, new, usual_sparing(*old.size)) for old, new in pairs]


def row(
    aspect: str,
    words: str,
    begun: Sequence[GivenPicture],
    made: Sequence[Image.Image],
    verdict: EditVerdict,
) -> str:
    """One line of the table."""
    count = len(begun)
    left = [preservation(one.given, picture) for one, picture in zip(begun, made, strict=True)]
    drift, beside = [one.drift for one in left], [one.shift for one in left]
    zoomed = [one.zoom for one in left]
    stays = "background" not in ASPECTS[aspect] and aspect != "style"
    edges = "object" not in ASPECTS[aspect]
    return (
        f"| {aspect} | {words} | {sum(verdict.asked)} of {count} | {sum(verdict.kept)} of {count} "
        f"| {_under(drift, DRIFTED) if stays else ''} "
        f"| {_under(beside, MOVED) if edges else ''} | {_under(zoomed, MOVED) if edges else ''} "
        f"| {sum(one.same_size for one in left)} | {median(left_alone(begun, made)):.0%} |"
    )


def left_alone(begun: Sequence[GivenPicture], made: Sequence[Image.Image]) -> list[float]:
    """Of each picture the share of pixels that are the same, bit for bit."""
    pairs = [(np.asarray(one.given), np.asarray(new)) for one, new in zip(begun, made, strict=True)]
    return [float((old == new).all(axis=-1).mean()) for old, new in pairs]


def _under(values: Sequence[float], bar: float) -> str:
    """The median, and how many lie below the bar."""
    return f"{median(values):.2f} ({sum(value < bar for value in values)})"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", type=Path, default=MODEL)
    parser.add_argument("--count", type=int, default=40, help="trials of each aspect")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--cfg", type=float, default=CFG)
    parser.add_argument("--image-cfg", type=float, default=IMAGE_CFG)
    parser.add_argument("--sampler", choices=SAMPLERS, default=USUAL_SAMPLER)
    parser.add_argument("--aspect", choices=ASPECTS, action="append", help="these alone")
    parser.add_argument("--sheet", type=Path, help=f"{SHEET_ROWS} pictures of each aspect")
    asked = parser.parse_args()
    settings = EditSettings(
        steps=asked.steps, cfg=asked.cfg, image_cfg=asked.image_cfg, sampler=asked.sampler
    )
    shown: list[tuple[GivenPicture, Image.Image, tuple[str, ...]]] = []
    with one_thread():
        judge, starter = load_judge(), load_pipeline(STARTER, USUAL_SAMPLER)
        editor = load_editor(asked.model, settings.sampler)
        print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
        for aspect in asked.aspect or ASPECTS:
            begun = beginnings(starter, judge, edit_trials(aspect, asked.count, asked.seed))
            for words, told in WORDS.items():
                made = edited(editor, begun, settings, told)
                verdict = judged_edits(judge, begun, made)
                print(row(aspect, words, begun, made, verdict), flush=True)
                if aspect not in THROUGHOUT:
                    made = as_shown(begun, made)
                    verdict = judged_edits(judge, begun, made)
                    print(row(aspect, f"{words}, spared", begun, made, verdict), flush=True)
                if words == "instruction":
                    shown += list(zip(begun, made, verdict.wrong, strict=True))[:SHEET_ROWS]
    if asked.sheet:
        edit_sheet(shown).save(asked.sheet)


if __name__ == "__main__":
    main()

"""Measures image-to-image with the plain starter: which denoise fits which kind of change.

    python -m generation.training.editor.denoise --count 24 --seed 1

Invariant: the same pictures are changed at every denoise, with the seed that drew them, as a reply
does it where no editor is installed; the words are the whole caption with the change in it.
"""

import argparse
from collections.abc import Sequence

import torch
from diffusers import StableDiffusionImg2ImgPipeline
from PIL import Image

from generation.training.starter.evaluate import CFG, STEPS, load_pipeline, one_thread
from generation.training.starter.export import MODEL
from generation.training.starter.judge import load_judge

from .trials import (
    ASPECTS,
    USUAL_SAMPLER,
    GivenPicture,
    beginnings,
    edit_trials,
    generators,
    in_batches,
    judged_edits,
)

DENOISES = (0.5, 0.6, 0.7, 0.8, 0.9)
BAR = 0.7


def redrawn(
    pipeline: StableDiffusionImg2ImgPipeline, begun: Sequence[GivenPicture], denoise: float
) -> list[Image.Image]:
    """The pictures, redrawn with the words of what they shall become."""
    made: list[Image.Image] = []
    for part in in_batches(len(begun)):
        some = begun[part]
        made += pipeline(
            [one.trial.caption_after for one in some],
            image=[one.given for one in some],
            strength=denoise,
            num_inference_steps=STEPS,
            guidance_scale=CFG,
            generator=generators([one.trial.seed for one in some]),
        ).images
    return made


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=24, help="trials of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--denoise", type=float, action="append", help="these alone")
    parser.add_argument("--aspect", choices=ASPECTS, action="append", help="these alone")
    asked = parser.parse_args()
    denoises = asked.denoise or DENOISES
    with one_thread(), torch.no_grad():
        judge, starter = load_judge(), load_pipeline(MODEL, USUAL_SAMPLER)
        pipeline = StableDiffusionImg2ImgPipeline(**starter.components)
        pipeline.set_progress_bar_config(disable=True)
        print("| change | pictures | " + " | ".join(f"{d:g}" for d in denoises) + " |")
        print("|---|---|" + "---|" * len(denoises))
        for aspect in asked.aspect or ASPECTS:
            begun = beginnings(starter, judge, edit_trials(aspect, asked.count, asked.seed))
            cells = []
            for denoise in denoises:
                verdict = judged_edits(judge, begun, redrawn(pipeline, begun, denoise))
                came, stayed = verdict.shares
                mark = "**" if min(came, stayed) >= BAR else ""
                cells.append(f"{mark}{100 * came:.0f}/{100 * stayed:.0f}{mark}")
            print(f"| {aspect} | {len(begun)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

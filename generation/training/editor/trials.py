"""Trials of changing pictures: what is asked, of which picture, and whether it came true.

Invariant: neither the picture to be changed nor what it shall become shows a combination of
object, colour and background that was ever in training. The picture to be changed is one that the
starter drew, and that the judge reads as it was asked for. An attribute is kept where the judge
reads the same of both pictures.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image, ImageDraw

from generation.training.starter.captions import EVERYTHING, caption
from generation.training.starter.draw import SIZE
from generation.training.starter.evaluate import CFG, STEPS, read_pictures
from generation.training.starter.judge import Judge, targets_of
from generation.training.starter.scenes import STYLES, Scene, held_out_combinations
from generation.training.starter.text import KINDS

from .instructions import described, differing, instruction

LIGHT = ("night sky", "sunset", "snow")  # backgrounds that are a time of day or the weather
# What is asked for -> the attributes that change.
ASPECTS: dict[str, tuple[str, ...]] = {
    "light and weather": ("background",),
    "colour": ("colour",),
    "object": ("object",),
    "background": ("background",),
    "style": ("style",),
    "two at once": ("object", "background"),
}
BATCH = 10
USUAL_SAMPLER = "dpmpp_2m karras"  # the family's
Pictures = Sequence[Image.Image]


@dataclass(frozen=True, slots=True, kw_only=True)
class EditTrial:
    """One change that is asked for, in the words of an instruction and of whole captions."""

    aspect: str
    before: Scene
    after: Scene
    instruction: str
    caption_before: str
    caption_after: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPicture:
    """A trial and the picture that is to be changed."""

    trial: EditTrial
    given: Image.Image


def _held_out_pairs(aspect: str) -> list[tuple[Scene, Scene]]:
    """Every two held-out scenes that differ in just what this aspect changes."""
    scenes = [
        Scene(object=thing, colour=colour, background=background, style=style)
        for thing, colour, background in held_out_combinations()
        for style in STYLES
    ]
    wanted = ASPECTS[aspect]
    found = [(a, b) for a in scenes for b in scenes if differing(a, b) == wanted]
    if aspect in ("light and weather", "background"):
        light = aspect == "light and weather"
        found = [(a, b) for a, b in found if (b.background in LIGHT) == light]
    return found


def edit_trials(aspect: str, count: int, seed: int) -> list[EditTrial]:
    """`count` changes of one aspect; one in four of "two at once" is said as a whole caption."""
    dice = Random(f"{seed} {aspect}")
    chosen = dice.sample(_held_out_pairs(aspect), count)
    drawn = []
    for i, (before, after) in enumerate(chosen):
        whole = aspect == "two at once" and i % 4 == 3
        phrasing = dice.randrange(2**30)
        drawn.append(
            EditTrial(
                aspect=aspect,
                before=before,
                after=after,
                instruction=(described if whole else instruction)(before, after, dice).text,
                caption_before=caption(before, Random(phrasing), EVERYTHING).text,
                caption_after=caption(after, Random(phrasing), EVERYTHING).text,
                seed=dice.randrange(2**31),
            )
        )
    return drawn


def generators(seeds: Sequence[int]) -> list[torch.Generator]:
    """One CPU generator per picture, as the worker has it."""
    return [torch.Generator("cpu").manual_seed(seed) for seed in seeds]


def in_batches(count: int) -> Iterator[slice]:
    """Slices of BATCH."""
    for start in range(0, count, BATCH):
        yield slice(start, start + BATCH)


def beginnings(
    starter: StableDiffusionPipeline, judge: Judge, trials: Sequence[EditTrial]
) -> list[GivenPicture]:
    """The starter's pictures to be changed; trials whose picture is read otherwise are left out."""
    kept: list[GivenPicture] = []
    for part in in_batches(len(trials)):
        some = trials[part]
        pictures = starter(
            [one.caption_before for one in some],
            height=SIZE,
            width=SIZE,
            num_inference_steps=STEPS,
            guidance_scale=CFG,
            generator=generators([one.seed for one in some]),
        ).images
        right = read_pictures(judge, pictures) == targets_of([one.before for one in some])
        kept += [
            GivenPicture(trial=one, given=picture)
            for one, picture, good in zip(some, pictures, right.all(dim=1).tolist(), strict=True)
            if good
        ]
    return kept


@dataclass(frozen=True, slots=True, kw_only=True)
class EditVerdict:
    """How often what was asked came true, and how often the rest stayed."""

    asked: list[bool]  # all that was to change is as asked
    kept: list[bool]  # all that was not to change is read as before
    wrong: list[tuple[str, ...]]  # attributes that are otherwise than they should be

    @property
    def shares(self) -> tuple[float, float]:
        """Of what was asked, and of what was to stay."""
        return sum(self.asked) / len(self.asked), sum(self.kept) / len(self.kept)


def judged_edits(judge: Judge, begun: Sequence[GivenPicture], made: Pictures) -> EditVerdict:
    """Reads the pictures that were made."""
    truth = targets_of([one.trial.after for one in begun])
    right = (read_pictures(judge, made) == truth).tolist()
    asked, kept, wrong = [], [], []
    for one, good in zip(begun, right, strict=True):
        changes = differing(one.trial.before, one.trial.after)
        holds = dict(zip(KINDS, good, strict=True))
        asked.append(all(holds[kind] for kind in changes))
        kept.append(all(holds[kind] for kind in KINDS if kind not in changes))
        wrong.append(tuple(kind for kind in KINDS if not holds[kind]))
    return EditVerdict(asked=asked, kept=kept, wrong=wrong)


def edit_sheet(rows: Sequence[tuple[GivenPicture, Image.Image, tuple[str, ...]]]) -> Image.Image:
    """Before and after side by side, four to a row, what was said below; faults in red."""
    wide, tall, across = 2 * SIZE + 8, SIZE + 30, 4
    count = -(-len(rows) // across)
    sheet = Image.new("RGB", (across * wide, count * tall), "white")
    pen = ImageDraw.Draw(sheet)
    for i, (one, made, wrong) in enumerate(rows):
        x, y = i % across * wide + 2, i // across * tall + 2
        sheet.paste(one.given, (x, y))
        sheet.paste(made, (x + SIZE + 2, y))
        pen.text((x, y + SIZE + 1), one.trial.instruction[:43], fill="black")
        pen.text((x, y + SIZE + 12), ", ".join(wrong), fill="red")
    return sheet

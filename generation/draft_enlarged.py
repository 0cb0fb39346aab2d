"""A draft that asks for more pixels alone: its recipe names no model, as nothing is drawn.

Pure, as `generation.draft` is.  Invariant: equal inputs, sizes and ways give equal recipes,
whatever else the draft says.
"""

from __future__ import annotations

from generation import draft_spans, enlarging
from generation.draft import Draft
from generation.recipe import NO_WEIGHTS, Canvas, Precision, Recipe, needed
from generation.spans import Motion
from generation.tasks import Task
from generation.texts import clean_text


def enlarged(draft: Draft) -> Recipe:
    """The recipe of a picture or a clip with more pixels, nothing drawn: no model is asked.

    Of the draft its input, its size, frames and sound, how it is enlarged and what it shows count.
    Raises Unacceptable.
    """
    width, height = needed(draft.canvas.width), needed(draft.canvas.height)
    motion = None
    if draft.task is Task.UPSCALE_VIDEO:
        frames, fps = needed(draft.motion.frames), needed(draft.motion.fps)
        motion = Motion(frames=frames, fps=float(fps), piece=None, overlap=None)
    enlarging.check_clip(width, height, motion.frames if motion is not None else 1)
    return Recipe(
        task=Task.UPSCALE if motion is None else Task.UPSCALE_VIDEO,
        family="",
        checkpoint=NO_WEIGHTS,
        components=(),
        vae=None,
        adapters=(),
        inputs=draft.inputs,
        words=None,
        canvas=Canvas(width=width, height=height),
        sampling=None,
        drawn=None,
        masking=None,
        placement=None,
        enlarging=draft.enlarging,
        sparing=None,
        variations=(),
        shares=(),
        motion=motion,
        experts=None,
        second=None,
        sound=draft_spans.heard_again(draft.sound) if motion is not None else None,
        form=None,
        dice=None,
        shows=clean_text("description", draft.shows) if draft.shows is not None else None,
        seed=0,  # nothing is thrown
        precision=Precision.FP32,
    )

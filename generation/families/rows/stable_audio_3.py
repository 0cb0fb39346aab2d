"""The families of Stable Audio 3."""

from __future__ import annotations

from dataclasses import replace

from generation.families.model_family import Family, Sounding
from generation.families.stable_audio_3 import STABLE_AUDIO_3
from generation.recipe import Precision

# Steps of the stock pipeline, cfg and steps of the bases' cards.  Its sampler renews all of the
# noise at each step, which is what `lcm` does of a flow.
_DISTILLED = Family(
    name="stable-audio-3",
    title="Stable Audio 3",
    architecture=STABLE_AUDIO_3,
    width=0,
    height=0,
    min_side=0,
    max_pixels=0,
    steps=8,
    cfg=1.0,
    # Its levels are high for long: at half of the way nine tenths are still noise.
    denoise=0.4,
    sampler="lcm",
    scheduler="even",
    clip_layers=1,
    syntax="plain",
    dialect="audio",
    negative=False,  # without cfg nobody asks what it says
    precision_cuda=Precision.FP16,
    precision_cpu=Precision.FP32,
    sounding=Sounding(seconds=30.0, max_seconds=380.0, rate=44_100, channels=2),
)
_SMALL = replace(
    _DISTILLED,
    name="stable-audio-3-small",
    title="Stable Audio 3 Small",
    sounding=Sounding(seconds=30.0, max_seconds=120.0, rate=44_100, channels=2),
)


def _base(usual: Family) -> Family:
    """What it was distilled from."""
    return replace(
        usual,
        name=f"{usual.name}-base",
        title=f"{usual.title} Base",
        steps=50,
        cfg=7.0,
        sampler="euler",
        negative=True,
    )


ROWS: tuple[Family, ...] = (_DISTILLED, _base(_DISTILLED), _SMALL, _base(_SMALL))

"""Enlarging: the network that makes a picture larger, and the architecture of drawing nothing.

An upscaler stands beside the parts of a checkpoint where a picture is drawn over afterwards, and
alone where it is not.  The invariant: no checkpoint is of this architecture, so no catalog, family
or card names it.
"""

from __future__ import annotations

from generation.families.architecture import (
    Architecture,
    Config,
    Network,
    Noise,
    Part,
    Shapes,
    Stage,
    Trained,
)
from generation.tasks import Task


def _as_they_are(own: Shapes, _: Config) -> Shapes:
    return own


def _untrained(_: Config, __: str) -> Trained:
    return UNTRAINED


UNTRAINED = Trained(prediction="", noise="")  # nothing is drawn, under no noise

# How its files are read is in `generation.catalog.upscalers`.
UPSCALER = Part(
    name="upscaler",
    title="upscaler",
    network=Network(
        module="generation.modules.rrdb",
        name="RRDBNet",
        weights="",
        tensors=lambda _: None,
        settings=None,
    ),
    stage=Stage.ENLARGE,
    config="",
    prefix="",
    layout=_as_they_are,
)

PIXELS = Architecture(
    name="pixels",
    family="",
    parts=(),
    recognise=lambda _: False,
    recognise_folder=lambda _: False,
    pipelines="",
    noise=Noise(levels="", prediction=None, schedulers=frozenset(), read=_untrained),
    tasks=frozenset({Task.UPSCALE, Task.UPSCALE_VIDEO}),
    grid=1,
    latent_channels=3,
)

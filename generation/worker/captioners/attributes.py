"""The captioner of the starter's world: heads over a small network, read by a grammar.

    scores of object, colour, background, style, count, size, place  ->  one English clause

It is not a language model: it can say these words and no others.  The invariant: where the picture
is none of that world (its object is something else, it lies beyond reach of all that was learned,
or some attribute is a guess), there are no words at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from generation.catalog.modelfolder import read_json
from generation.errors import BrokenWeights
from generation.families.architecture import Network
from generation.modules.attributes import SIDE
from generation.starter.sentences import told
from generation.worker.captioners.captioner import Captioned, CaptionerAtHand


class AttributeCaptioner:
    """Ours."""

    network = Network(
        module="generation.modules.attributes",
        name="AttributeNet",
        weights="model",
        tensors=lambda _: None,
        settings=None,
    )

    def build(self, config: Path) -> Any:
        """How many classes each head has.  Raises BrokenWeights."""
        return {"heads": {name: len(names) for name, names in heads_of(config).items()}}

    def describe(self, it: CaptionerAtHand, picture: Image.Image) -> Captioned:
        """A clause in the starter's own words."""
        square = ImageOps.fit(picture, (SIDE, SIDE), Image.Resampling.LANCZOS)
        pixels = torch.from_numpy(np.array(square)).permute(2, 0, 1)[None].float() / 127.5 - 1
        classes, sure, beyond = it.module.read(pixels.to(it.device, it.dtype))
        heads = heads_of(it.folder)
        seen = {name: heads[name][at] for name, at in classes.items()}
        return Captioned(words=told(seen, sure=sure, beyond=beyond), sure=sure)


def heads_of(folder: Path) -> Mapping[str, Sequence[str]]:
    """The names of the classes of each head.  Raises BrokenWeights."""
    heads = read_json(folder / "config.json", folder.name).get("heads")
    if not isinstance(heads, dict) or not all(
        isinstance(names, list) and names and all(isinstance(name, str) for name in names)
        for names in heads.values()
    ):
        raise BrokenWeights(folder.name, "its config does not name what its heads tell apart")
    return heads

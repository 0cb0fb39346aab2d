"""Pictures that say where things are: to a network that is made to look at one, and to ControlNets.

From the generator is drawn, before anything that the task draws: the posterior of the model's own
control picture, then what each ControlNet needs of its own, in the recipe's order.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from generation.draft import uncontrolled
from generation.errors import RenderFailed, UnusableWeights
from generation.families.controlnets import mode_number
from generation.media.photos import load
from generation.media.preprocessors import preprocessed
from generation.recipe import Adapter
from generation.tasks import CONTROL
from generation.worker.steering import Steered, Steering
from generation.worker.tasks.task import Bench, as_pixels


def control_of(bench: Bench) -> Tensor | None:
    """What is laid beside the noisy latents; None where the model looks at no such picture."""
    recipe = bench.recipe
    free = uncontrolled(recipe.inputs, recipe.adapters)
    number = next((recipe.inputs.index(one) for one in free if one.role == CONTROL), None)
    if number is None:
        return None
    pixels = as_pixels(np.asarray(_picture(bench, number)))
    # In the memory of its own that the stock pipelines give it: strides decide last bits.
    return bench.encoded(pixels.contiguous())


def steering_of(bench: Bench) -> tuple[Steering, ...]:
    """The ControlNets of the recipe, with what they see."""
    return tuple(_steering(bench, one) for one in bench.recipe.adapters if one.control is not None)


def _steering(bench: Bench, adapter: Adapter) -> Steering:
    control, engine, parts = adapter.control, bench.model.engine, bench.model.parts
    assert control is not None  # it was asked for
    if not isinstance(engine, Steered):
        raise UnusableWeights(adapter.weights.name, "nothing steers models of this family")
    network = parts[adapter.weights.sha256]
    shown = preprocessed(_picture(bench, control.input), control.preprocessor)
    pixels = torch.from_numpy(np.asarray(shown, dtype=np.float32) / 255.0)
    return Steering(
        network=network,
        # As the stock pipelines lay it out: strides decide last bits.
        picture=engine.sight(
            parts, network, pixels[None].permute(0, 3, 1, 2).contiguous(), bench.generator
        ),
        strength=adapter.strength,
        start=control.start or 0.0,
        end=1.0 if control.end is None else control.end,
        mode=mode_number(type(network).__name__, network.config, control.mode),
    )


def _picture(bench: Bench, number: int) -> Image.Image:
    recipe = bench.recipe
    if number >= len(bench.inputs):
        raise RenderFailed("a control picture was not sent")
    return load(
        bench.inputs[number],
        width=recipe.drawn_at.width,
        height=recipe.drawn_at.height,
        fit=recipe.inputs[number].fit,
    )

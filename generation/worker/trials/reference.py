"""The same picture by plain diffusers: the other side of `make bench`, and nothing else.

A program of its own, run by name: a line of JSON per picture on stdin, {"recipe": ..., "folder":
...}, and one per picture on stdout, {"seconds": ..., "rgb": base64}.
It knows nothing of our stages, samplers and shelves: the stock pipeline is called as its
documentation says, only that its scheduler is made to walk the recipe's sigmas, and that weights
lie in memory of their own, as the worker's do (torch computes otherwise on memory-mapped ones).
"""

from __future__ import annotations

import base64
import json
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import torch

from generation.recipe import Recipe, needed, parse
from generation.worker import exactness
from generation.worker.loading.loader import DTYPES
from generation.worker.sampling.samplers import Denoiser

SAMPLERS = ("euler", "dpmpp_2m")  # those that diffusers computes in the same order as we do


@cache
def pipeline(folder: Path, dtype: torch.dtype, device: str) -> Any:
    """The stock pipeline of a diffusers folder."""
    from diffusers import DiffusionPipeline

    pipe: Any = DiffusionPipeline.from_pretrained(folder, dtype=dtype, local_files_only=True)
    for part in pipe.components.values():
        if isinstance(part, torch.nn.Module):
            for tensor in (*part.parameters(), *part.buffers()):
                tensor.data = tensor.data.clone()
    pipe.set_progress_bar_config(disable=True)
    return pipe.to(device)


def scheduler(recipe: Recipe, config: Any) -> Any:
    """diffusers' scheduler of the recipe's sampler, walking the recipe's sigmas."""
    from diffusers import DPMSolverMultistepScheduler, EulerDiscreteScheduler

    sampling = needed(recipe.sampling)
    made: Any
    if sampling.sampler == "euler":
        made = EulerDiscreteScheduler.from_config(config, timestep_spacing="leading")
    else:
        made = DPMSolverMultistepScheduler.from_config(
            config, algorithm_type="dpmsolver++", solver_type="midpoint"
        )
    alphas = Denoiser(lambda y, _: y)
    times = torch.tensor([float(alphas.timestep(sigma)) for sigma in sampling.sigmas[:-1]])
    original = made.set_timesteps

    def set_timesteps(steps: int, device: Any = None, **_: object) -> None:
        original(steps, device=device)
        made.sigmas = torch.tensor(sampling.sigmas, dtype=torch.float32)
        made.timesteps = times.to(device)
        made._step_index = made._begin_index = None

    made.set_timesteps = set_timesteps
    return made


def draw(recipe: Recipe, folder: Path, device: str) -> tuple[bytes, float]:
    """The picture's RGB bytes, and the seconds of the call."""
    pipe = pipeline(folder, DTYPES[recipe.precision], device)
    pipe.scheduler = scheduler(recipe, pipe.scheduler.config)
    words, canvas = needed(recipe.words), needed(recipe.canvas)
    sampling = needed(recipe.sampling)
    began = time.perf_counter()
    image = pipe(
        words.prompt,
        negative_prompt=words.negative_prompt,
        width=canvas.width,
        height=canvas.height,
        num_inference_steps=sampling.steps,
        guidance_scale=sampling.cfg,
        generator=torch.Generator("cpu").manual_seed(recipe.seed),
    ).images[0]
    return image.tobytes(), time.perf_counter() - began


def main() -> None:
    """Answer lines until stdin ends."""
    answers = sys.stdout
    sys.stdout = sys.stderr  # whatever a library prints is no answer
    exactness.switch_on(threads=1)
    device = exactness.pick_device(sys.argv[1] if len(sys.argv) > 1 else "auto")
    for line in sys.stdin:
        order = json.loads(line)
        rgb, seconds = draw(parse(order["recipe"]), Path(order["folder"]), device.type)
        answer = {"seconds": seconds, "rgb": base64.b64encode(rgb).decode()}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

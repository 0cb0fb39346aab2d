"""The real worker with faults that no test could wait for: `python -m tests.given.faulty_worker`.

The prompt says what happens, in the middle of a picture.  All else is the worker itself.
"""

from __future__ import annotations

import os
import sys
import threading

from generation.worker.__main__ import main


def spoil() -> None:
    """Let the UNet's second step of a job fail as its prompt says."""
    import torch
    from torch import Tensor

    from generation.recipe import Recipe
    from generation.worker.engines.engine import Given
    from generation.worker.engines.stable_diffusion import StableDiffusion
    from generation.worker.parts import Parts
    from generation.worker.sampling.denoiser import Predict

    sound = StableDiffusion.predictor

    def faulty(engine: StableDiffusion, parts: Parts, recipe: Recipe, given: Given) -> Predict:
        predict = sound(engine, parts, recipe, given)
        calls = 0

        def fail(y: Tensor, t: Tensor) -> Tensor:
            nonlocal calls
            calls += 1
            if calls == 2:
                match recipe.prompt:
                    case "raise":
                        raise RuntimeError("the UNet does not like this")
                    case "out of memory":
                        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")
                    case "device assert":
                        raise torch.AcceleratorError("CUDA error: device-side assert triggered", 0)
                    case "print":
                        print("a library says hello on stdout")
                        os.write(1, b"\x00\x00\x00\x05 and on descriptor 1, from C")
                        os.system("echo and from a child process")
                        sys.stdout.flush()
                    case "nan":
                        return torch.full_like(predict(y, t), torch.nan)
                    case "hang":
                        threading.Event().wait()
            return predict(y, t)

        return fail

    StableDiffusion.predictor = faulty  # type: ignore[method-assign, assignment]


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"
    spoil()
    main()

"""One step of UniPC (Zhao et al. 2023, "A Unified Predictor-Corrector Framework").

Predictor and corrector are one formula: the corrector also knows the guess at the end of the step.
Written for x = x0 + sigma * noise, where alpha is 1 and lambda is -log(sigma).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def unipc_update(
    x: Tensor,
    past: Sequence[tuple[float, Tensor]],
    then: float,
    variant: str,
    corrected: Tensor | None = None,
) -> Tensor:
    """x at the level `then`, from x at the level of `past[0]`.

    `past` is (sigma, x0), the newest first, one to three of them: their number is the order.
    `corrected`, the guess at `then`, makes it the corrector.  `variant` is "bh1" or "bh2".
    """
    here, x0 = past[0]
    h = math.log(here / then)
    scale = -h if variant == "bh1" else math.expm1(-h)
    ratios = [math.log(here / sigma) / h for sigma, _ in past[1:]]
    changes = [(guess - x0) / ratio for ratio, (_, guess) in zip(ratios, past[1:], strict=True)]
    if corrected is not None:
        ratios, changes = [*ratios, 1.0], [*changes, corrected - x0]
    out = x * (then / here) - x0 * math.expm1(-h)
    for change, weight in zip(changes, _weights(ratios, h, scale, corrected is None), strict=True):
        out = out - change * (scale * weight)
    return out


def _weights(ratios: Sequence[float], h: float, scale: float, predicting: bool) -> list[float]:
    """Solve sum_m ratio_m^(k-1) weight_m = k! phi_(k+1)(-h) / scale, for k = 1, 2, ..."""
    if len(ratios) <= 1 and (predicting or ratios == [1.0]):
        # The paper's choice for one unknown, independent of h.
        return [0.5] * len(ratios)
    goals: list[float] = []
    phi = math.expm1(-h) / -h - 1
    for k in range(1, len(ratios) + 1):
        goals.append(phi * math.factorial(k) / scale)
        phi = phi / -h - 1 / math.factorial(k + 1)
    powers = torch.tensor([[r**k for r in ratios] for k in range(len(ratios))], dtype=torch.float64)
    return [float(w) for w in torch.linalg.solve(powers, torch.tensor(goals, dtype=torch.float64))]

"""Which nodes of ComfyUI load, shape and feed a family's models.

The shift of a flow is what ComfyUI gives such a model where no node says another.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from generation.families.model_family import Family


@dataclass(frozen=True, slots=True, kw_only=True)
class ComfyNodes:
    """How the nodes of a family's workflow are called."""

    clip_type: str
    clips: int  # of which the text encoders are that are files of their own
    latent: str
    shallowest: int  # the layer of the text encoder that is usual, from the last
    shift: float | None  # of the flow that is ComfyUI's usual one; None: it is no flow
    fine: bool = False  # whether its table has ten thousand levels, and the shift is of mu
    one_file: bool = True  # whether a file with all of it is usual


_SD = ComfyNodes(
    clip_type="stable_diffusion",
    clips=1,
    latent="EmptyLatentImage",
    shallowest=1,
    shift=None,
)
_SDXL = replace(_SD, clip_type="sdxl", clips=2, shallowest=2)
_SD3 = replace(_SDXL, clip_type="sd3", clips=3, latent="EmptySD3LatentImage", shift=3.0)
_SCHNELL = replace(_SD3, clip_type="flux", clips=2, shallowest=1, shift=1.0, one_file=False)
_DEV = replace(_SCHNELL, shift=math.exp(1.15), fine=True)
_BY_ARCHITECTURE: Mapping[str, ComfyNodes] = {
    "sd1": _SD,
    "sd2": _SD,
    "sdxl": _SDXL,
    "sd3": _SD3,
    "flux1": _DEV,
    "flux1-schnell": _SCHNELL,
}

# Of the same networks, and fed by nodes of their own.
_FED_OTHERWISE = ("flux1-fill", "flux1-control", "flux1-kontext")


def comfy_nodes(family: Family) -> ComfyNodes | None:
    """The nodes for models of that family; None where there is no workflow for it here."""
    if family.name in _FED_OTHERWISE:
        return None
    return _BY_ARCHITECTURE.get(family.architecture.name)

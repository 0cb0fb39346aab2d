"""What programs write into a file's metadata of the model that it is, in many spellings.

    modelspec.architecture    "flux-1-dev", "Flux.1-kontext", "stable-diffusion-xl-v1-base/lora"

Invariant: what is compared has small letters and digits alone, so that no spelling matters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from generation.families.architecture import Shapes

# What is most exact first.
_KEYS = (
    *("modelspec.architecture", "modelspec.title", "ss_base_model_version"),
    *("ss_sd_model_name", "general.architecture"),
)
_ODD = re.compile(r"[^a-z0-9]+")


def plain(text: str) -> str:
    """A name without what programs spell differently."""
    return _ODD.sub("", text.casefold())


def by_marks(
    families: Mapping[str, str],
) -> Callable[[Shapes, Mapping[str, str]], str | None]:
    """Tells a family by the first mark of these that the metadata has: {mark: family}.

    A mark is found anywhere in what a program wrote, so those that are parts of others come later.
    """
    told = {plain(mark): family for mark, family in families.items()}

    def finer(_: Shapes, metadata: Mapping[str, str]) -> str | None:
        for key in _KEYS:
            said = plain(metadata.get(key, ""))
            for mark, family in told.items():
                if mark in said:
                    return family
        return None

    return finer

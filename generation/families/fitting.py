"""Why parts that lie apart cannot draw together, from their configs.

Invariant: a file that is refused here has another width than is read; one whose width fits may
still be of another model, which no shape tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from generation.families.architecture import Config
from generation.families.text.language import of_text


def words_of(
    layers: int = 1,
    *,
    read_as: str = "joint_attention_dim",
    denoiser: str = "transformer",
    encoder: str = "text_encoder",
) -> Callable[[Mapping[str, Config]], str | None]:
    """Of a denoiser that reads so many layers of a language model beside each other.

    `read_as`: the setting that says how wide its words are.
    """

    def fits(configs: Mapping[str, Config]) -> str | None:
        read = configs.get(denoiser, {}).get(read_as)
        given = of_text(configs.get(encoder, {})).get("hidden_size")
        if not isinstance(read, int) or not isinstance(given, int) or read == layers * given:
            return None
        times = f"{layers} times " if layers > 1 else ""
        return f"its words are {given} wide, and {times}{read / layers:g} is read"

    return fits

"""Claims about prediction: from the heads of files of a real model's size, what drawing will take.

What is predicted is held against the storages that a step keeps alive.  Nothing here has numbers:
the files have only their heads, and tensors are on torch's meta device.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.quantised import BLOCKS, GGUF
from generation.families.architecture import Shape, Stage
from generation.families.family import ARCHITECTURES
from generation.recipe import Precision, Recipe
from generation.worker.loading.loader import FileHeads, together
from generation.worker.loading.single_file import SingleFile, opened, opened_component
from generation.worker.memory import needs
from generation.worker.model import Model
from generation.worker.packed import Layout, PackedLinear
from generation.worker.residence import MayGoOn, Residence
from tests.given.builders import a_digest, a_recipe
from tests.given.headfiles import gguf_head, safetensors_head, shapes_of
from tests.given.peaks import peak_bytes, tracked

META = torch.device("meta")
EIGHT = 8 * 2**30
FLUX = next(one for one in ARCHITECTURES if one.name == "flux1")


def flux_recipe(side: int = 1024) -> Recipe:
    return a_recipe(family="flux1-dev", width=side, height=side, cfg=1.0, precision=Precision.BF16)


def kind_of(quantised: str) -> Any:
    """As people's files have it: the blocks' weights are packed, the rest is in halves."""

    def kind(key: str, shape: Shape) -> str:
        return quantised if len(shape) == 2 and "_blocks." in key else "F16"

    return kind


@pytest.fixture(scope="module")
def flux(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """FLUX.1 dev with its transformer packed as is said, the rest in bf16: what their heads say."""
    folder = tmp_path_factory.mktemp("heads")

    @cache
    def model(quantised: str) -> Model:
        return heads(folder, quantised).model()

    return model


def heads(folder: Path, quantised: str) -> FileHeads:
    part = FLUX.denoiser
    whole = {key.removeprefix(part.prefix): shape for key, shape in shapes_of(part).items()}
    file = gguf_head(folder / f"{quantised}.gguf", whole, kind_of(quantised))
    others: list[tuple[SingleFile, Any]] = []
    for nth, part in enumerate(FLUX.parts):
        if part is not FLUX.denoiser:
            path = folder / f"{part.name}.safetensors"
            safetensors_head(path, part.network.tensors(config_of(CONFIGS / part.config)) or {})
            others.append((opened_component(path, FLUX, part.name), a_digest(str(nth))))
    denoiser = opened(file, FLUX, "flux")
    return together(FLUX, torch.bfloat16, (denoiser, a_digest("f")), others)


class Unread:
    """Numbers that nobody looks at."""

    def some(self, _which: Sequence[int]) -> Unread:
        return self

    def read(self, _into: Sequence[torch.Tensor], may_go_on: MayGoOn) -> None:
        assert may_go_on()


def step(network: Any, side: int = 1024) -> object:
    """What `Flux.predictor` asks of it for a picture of that size."""
    tokens = side * side // 256

    def empty(*shape: int) -> torch.Tensor:
        return torch.empty(shape, device=META, dtype=torch.bfloat16)

    return network(
        hidden_states=empty(1, tokens, 64),
        encoder_hidden_states=empty(1, 512, 4096),
        pooled_projections=empty(1, 768),
        guidance=torch.empty(1, device=META),
        timestep=torch.empty(1, device=META),
        img_ids=torch.empty(tokens, 3, device=META),
        txt_ids=torch.empty(512, 3, device=META),
        return_dict=False,
    )


def taken(model: Model, room: int) -> int:
    """All storages that are alive at once in a step: weights, and what is made of them."""
    module = model.denoiser.to(META)
    residence = Residence(module, Unread())

    def draw() -> None:
        residence.stream(META, room)
        step(module)

    return tracked(draw)


def test_flux_in_four_bits_runs_within_eight_gigabytes_as_a_whole(flux: Any) -> None:
    model = flux("Q4_0")
    predicted = needs.predict(flux_recipe(), model, META).stages[Stage.DENOISE]
    assert predicted.whole < EIGHT
    found = taken(model, predicted.parts["transformer"])
    print(f"Q4_0: predicted {predicted.whole / 1e9:.2f} GB, tracked {found / 1e9:.2f} GB")
    assert 0.85 * predicted.whole <= found <= predicted.whole


def test_flux_in_eight_bits_runs_within_eight_gigabytes_block_by_block(flux: Any) -> None:
    model = flux("Q8_0")
    predicted = needs.predict(flux_recipe(), model, META).stages[Stage.DENOISE]
    assert predicted.streamed < EIGHT < predicted.whole
    found = taken(model, EIGHT - predicted.drawing)
    print(f"Q8_0: {predicted.whole / 1e9:.2f} GB as a whole, tracked {found / 1e9:.2f} GB")
    assert 0.85 * EIGHT <= found <= EIGHT


def test_every_stage_of_flux_fits_into_eight_gigabytes(flux: Any) -> None:
    predicted = needs.predict(flux_recipe(), flux("Q4_0"), META)
    words = predicted.stages[Stage.ENCODE]
    assert words.parts["text_encoder_2"] == pytest.approx(2 * 4.762e9, rel=0.01)  # T5-XXL
    assert predicted.least < EIGHT < predicted.by_stage
    for stage, each in predicted.stages.items():
        print(f"{stage}: {each.whole / 1e9:.2f} GB, at least {each.streamed / 1e9:.2f} GB")


SHAPE = (512, 2048)


def packed_layer(kind: str, dtype: torch.dtype) -> PackedLinear:
    """A layer with bytes of that kind, and scales where it has any."""
    rows, columns = SHAPE
    like = nn.Linear(columns, rows, bias=False, dtype=dtype)
    width, sides = columns, {"scale": Layout(shape=(rows, 1), dtype=torch.float32)}
    kept = torch.int8 if kind == "int8" else torch.float8_e4m3fn
    if kind.startswith(GGUF):
        numbers, size = BLOCKS[kind.removeprefix(GGUF)]
        width, kept, sides = columns // numbers * size, torch.uint8, {}
    elif kind == "mxfp8":
        sides = {"scale": Layout(shape=(rows, columns // 32), dtype=torch.uint8)}
    elif kind == "nvfp4":
        width, kept = columns // 2, torch.uint8
        sides = {"scale": Layout(shape=(rows, columns // 16), dtype=torch.uint8)}
        sides["second"] = Layout(shape=(), dtype=torch.float32)
    layer = PackedLinear(like, kind, None, Layout(shape=(rows, width), dtype=kept), sides)
    for name, parameter in list(layer.named_parameters()):
        empty = torch.empty(parameter.shape, dtype=torch.uint8)
        layer.register_parameter(name, nn.Parameter(empty, requires_grad=False))
    return layer


KINDS = ("fp8", "int8", "mxfp8", "nvfp4", *(GGUF + kind for kind in BLOCKS))


@pytest.mark.parametrize("kind", KINDS)
def test_unpacking_a_weight_takes_what_was_said(kind: str) -> None:
    said = packed_layer(kind, torch.bfloat16).unpacking_bytes
    taken = max(unpacking_peak(kind, dtype) for dtype in (torch.bfloat16, torch.float32))
    assert 0.95 * said <= taken <= said


def unpacking_peak(kind: str, dtype: torch.dtype) -> int:
    return peak_bytes(lambda: packed_layer(kind, dtype), lambda layer: layer.unpacked(), dtype)

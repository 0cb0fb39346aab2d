"""Claims about Wan's files: what tells them, and how two experts that lie apart are one model."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from generation.catalog.companions import Component, Incomplete, chosen
from generation.catalog.components import read_component
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.quantised import Contents
from generation.catalog.recognition import Anatomy, of_file
from generation.families.architecture import Architecture, Shapes
from generation.families.family import FAMILIES
from generation.families.wan import WAN, WAN_5B, WAN_VACE
from generation.recipe import Weights
from tests.given.builders import a_digest

SECOND = WAN.part("transformer_2")
LOOKS = {"in_channels": 36, "image_dim": 1280, "added_kv_proj_dim": 5120}
BETWEEN = {"pos_embed_seq_len": 514}


def file_of(built: Architecture, config: Mapping[str, object], before: str = "") -> Shapes:
    """A transformer alone, by its makers' names."""
    part = built.denoiser
    said = {**config_of(CONFIGS / part.config), "num_layers": 4, **config}
    named = part.layout(part.network.tensors(said) or {}, said)
    return {before + key.removeprefix(part.prefix): shape for key, shape in named.items()}


def what_is(shapes: Shapes) -> Anatomy:
    return of_file(shapes, "x", dtypes=dict.fromkeys(shapes, "BF16"))


@pytest.mark.parametrize(
    ("built", "config", "family"),
    [
        (WAN, {}, "wan-2.1"),
        (WAN, LOOKS, "wan-2.1-i2v"),
        (WAN, LOOKS | BETWEEN, "wan-2.1-flf2v"),
        (WAN, {"in_channels": 36}, "wan-2.2-i2v"),
        (WAN_5B, {}, "wan-2.2-5b"),
        (WAN_VACE, {"vace_layers": (0, 2)}, "wan-vace"),
    ],
)
def test_a_transformer_alone_is_told_by_its_tensors(
    built: Architecture, config: dict[str, object], family: str
) -> None:
    found = what_is(file_of(built, config))
    assert (found.kind, found.family) == ("checkpoint", family)
    assert FAMILIES[family].architecture is built
    assert set(found.lacks) == {part.kind for part in built.parts[1:]}


def component(name: str) -> Component:
    return Component(
        weights=Weights(name=name, sha256=a_digest({"high": "a", "low": "b", "other": "c"}[name])),
        fills=what_is(file_of(WAN, {})).fills,
        besides=frozenset(),
        size_bytes=1,
        file=name,
    )


@pytest.mark.parametrize("wanted", [(), ("low",)])
def test_a_second_expert_is_the_file_that_a_card_names_and_no_other(
    wanted: tuple[str, ...],
) -> None:
    model = Incomplete(
        name="high", architecture=WAN, lacks=(SECOND.kind,), config={}, wanted=wanted
    )
    taken = chosen(model, [component("high"), component("low"), component("other")])
    assert [weights.name for weights in taken.components] == list(wanted)


@pytest.mark.parametrize("before", ["", "model.diffusion_model."])
def test_a_transformer_alone_is_read_as_the_second_expert(before: str) -> None:
    shapes = file_of(WAN, {"in_channels": 36}, before)
    contents = Contents(shapes=shapes, dtypes=dict.fromkeys(shapes, "BF16"), metadata={})
    reading = read_component(contents, "x", SECOND)
    assert reading.parts == (SECOND,)
    assert reading.configs["transformer_2"]["in_channels"] == 36
    assert len(reading.used) == len(shapes)

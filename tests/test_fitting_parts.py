"""Parts of the published sizes, by their shapes alone: each checkpoint takes those that fit it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from generation.catalog.companions import Component, Incomplete, chosen
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import Anatomy, of_file
from generation.errors import UnusableWeights
from generation.families.architecture import Architecture, Part
from generation.families.family import ARCHITECTURES, FAMILIES
from generation.families.text import language
from generation.recipe import Weights
from tests.given.builders import a_digest
from tests.given.thinmodels import architecture as build_of

Shapes = Mapping[str, tuple[int, ...]]

QWEN3_4B: dict[str, Any] = {"hidden_size": 2560, "intermediate_size": 9728}
QWEN3_8B: dict[str, Any] = {"hidden_size": 4096, "intermediate_size": 12288}


def qwen3(begin: str = "model.", **sizes: object) -> dict[str, tuple[int, ...]]:
    """Qwen3 as a file, by the names that programs give it."""
    config = {**config_of(CONFIGS / "text" / "qwen3"), **sizes}
    tensors = language.QWEN3.tensors(config)
    assert tensors is not None
    return {begin + key: shape for key, shape in tensors.items()}


def klein(words: int, width: int) -> Shapes:
    """A transformer of FLUX.2 klein that reads words of that width."""
    part = build_of("flux2-klein").denoiser
    config = config_of(CONFIGS / part.config)
    config |= {"joint_attention_dim": words, "num_attention_heads": width // 128}
    laid = part.layout(part.network.tensors(config) or {}, config)
    return {key.removeprefix(part.prefix): shape for key, shape in laid.items()}


def component(name: str, shapes: Shapes, size: int = 1) -> Component:
    found = of_file(shapes, name)
    return Component(
        weights=Weights(name=name, sha256=a_digest()),
        fills=found.fills,
        besides=found.besides,
        size_bytes=size,
        file=f"{name}.safetensors",
    )


def incomplete(found: Anatomy, *but: str) -> Incomplete:
    """A checkpoint that lacks an encoder, and nothing of the parts that are named."""
    built = FAMILIES[found.family].architecture
    kinds = {part.kind for part in built.parts if part.name in but}
    return Incomplete(
        name="klein",
        architecture=built,
        lacks=tuple(kind for kind in found.lacks if kind not in kinds),
        config=found.denoiser,
    )


@pytest.mark.parametrize(
    ("words", "width", "family", "takes"),
    [(7680, 3072, "flux2-klein", "small"), (12288, 4096, "flux2-klein-9b", "large")],
)
def test_each_size_of_a_transformer_takes_the_encoder_whose_words_it_reads(
    words: int, width: int, family: str, takes: str
) -> None:
    checkpoint = of_file(klein(words, width), "klein")
    assert checkpoint.family == family
    here = [
        component("large", qwen3(**QWEN3_8B), 3),
        component("small", qwen3(**QWEN3_4B), 2),
    ]
    assert [w.name for w in chosen(incomplete(checkpoint, "vae"), here).components] == [takes]


def test_an_encoder_that_does_not_fit_is_named_with_the_reason_and_what_would() -> None:
    checkpoint = of_file(klein(12288, 4096), "klein")
    with pytest.raises(UnusableWeights) as refused:
        chosen(incomplete(checkpoint, "vae"), [component("small", qwen3(**QWEN3_4B))])
    assert refused.value.reason == (
        "a checkpoint without its text encoder (Qwen3): qwen_3_8b.safetensors (small does not fit: "
        "its words are 2560 wide, and 3 times 4096 is read); each may be a file of its own in a "
        "model folder"
    )


@pytest.mark.parametrize("begin", ["", "model.", "model.language_model.", "language_model.model."])
@pytest.mark.parametrize(
    "more",
    [
        {},
        {"lm_head.weight": (151936, 2560)},
        {"tokenizer_json": (10,), "spiece_model": (7,)},
        {"scaled_fp8": (0,)},
    ],
    ids=["plain", "output", "tokenizer", "fp8"],
)
def test_an_encoder_is_known_under_every_prefix_with_what_may_lie_beside(
    begin: str, more: Shapes
) -> None:
    found = of_file({**qwen3(begin, **QWEN3_4B), **more}, "x")
    assert found.kind == "component"
    assert found.besides == frozenset()
    built = build_of("flux2-klein")
    (config,) = [found.fills[part.kind] for part in built.parts if part.kind in found.fills]
    assert config["hidden_size"] == 2560


def test_one_that_sees_pictures_is_taken_after_one_that_only_reads() -> None:
    """They may have the same shapes, and the larger one is another model."""
    checkpoint = of_file(klein(7680, 3072), "klein")
    seeing = qwen3("model.language_model.", **QWEN3_4B)
    seeing |= {f"model.visual.blocks.{n}.norm1.weight": (1024,) for n in range(100)}
    here = [component("seeing", seeing, 9), component("reading", qwen3(**QWEN3_4B), 2)]
    taken = chosen(incomplete(checkpoint, "vae"), here)
    assert [weights.name for weights in taken.components] == ["reading"]
    assert "not seeing: it holds nothing else" in taken.note


def apart() -> list[Part]:
    return [
        part
        for one in ARCHITECTURES
        for part in one.parts
        if part.apart
        and part is not one.denoiser
        and (CONFIGS / part.config / "config.json").is_file()
    ]


@pytest.mark.parametrize("part", apart(), ids=lambda part: f"{part.kind} {part.prefix}")
def test_each_published_part_alone_is_told_by_its_networks_names_and_by_its_layouts(
    part: Part,
) -> None:
    config = config_of(CONFIGS / part.config)
    own = part.network.tensors(config) or {}
    laid = {k.removeprefix(part.prefix): s for k, s in part.layout(own, config).items()}
    whole = part.layout(own, config)
    spelled = [own]
    if all(key.startswith(part.prefix) for key in whole):  # or a tensor lies beside the others
        spelled.append(laid)
    if not part.prefix.startswith("model.diffusion_model."):  # which lies beside a denoiser alone
        spelled.append(whole)
    for shapes in spelled:
        assert part.kind in of_file(shapes, "x").fills


def comes_in_pieces(one: Architecture) -> bool:
    """Whether all that its denoiser lacks may be files of their own."""
    return all(part.apart for part in one.parts if part is not one.denoiser)


OWNERS = [one for one in ARCHITECTURES if not one.borrows]


def spellings(one: Architecture) -> tuple[Shapes, Shapes]:
    """Its published denoiser alone: by its network's names, and by its layout's."""
    part = one.denoiser
    config = config_of(CONFIGS / part.config)
    own = part.network.tensors(config) or {}
    whole: dict[str, tuple[int, ...]] = {}
    for each in one.parts:  # another may lie inside, in a file of its makers'
        if each.prefix.startswith(part.prefix):
            said = config_of(CONFIGS / each.config)
            whole |= each.layout(each.network.tensors(said) or {}, said)
    laid = {key.removeprefix(part.prefix): shape for key, shape in whole.items()}
    return own, laid


@pytest.mark.parametrize(
    "one", [one for one in OWNERS if comes_in_pieces(one)], ids=lambda one: one.name
)
def test_each_published_denoiser_alone_is_told_in_both_spellings(one: Architecture) -> None:
    for shapes in spellings(one):
        found = of_file(shapes, "x", family=one.family)
        assert FAMILIES[found.family].architecture is one


@pytest.mark.parametrize(
    "one", [one for one in OWNERS if not comes_in_pieces(one)], ids=lambda one: one.name
)
def test_a_denoiser_alone_of_what_is_published_whole_is_refused_by_what_it_lacks(
    one: Architecture,
) -> None:
    lacks = [part.title for part in one.parts if not part.apart and part is not one.denoiser]
    for shapes in spellings(one):
        with pytest.raises(UnusableWeights) as refused:
            of_file(shapes, "x")
        assert refused.value.reason == f"a checkpoint without its {lacks[0]}"


@pytest.mark.parametrize("one", ARCHITECTURES, ids=lambda one: one.name)
def test_people_read_what_a_missing_part_is_usually_called_and_what_a_file_may_also_be(
    one: Architecture,
) -> None:
    config = config_of(CONFIGS / one.denoiser.config)
    for part in one.parts:
        if part.apart and part is not one.denoiser:
            assert part.usual_file(config).endswith(".safetensors"), part.title
    for family, others in one.alike.items():
        assert all(FAMILIES[name].architecture is one for name in (family, *others))
        assert family not in others

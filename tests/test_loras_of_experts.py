"""LoRAs of one of two denoisers: which layers they change, and how people say which."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from bot.pages.differences import change_of
from bot.studio.answered import Answered, NamedLora
from bot.studio.importing import its_loras
from bot.studio.named_adapters import applied
from bot.studio.offers import Offers
from bot.studio.revising import loras_of
from bot.studio.settling import Settled, settled
from generation.catalog.card import Card, as_carded
from generation.catalog.catalog import Catalog
from generation.catalog.matching import matched
from generation.catalog.recognition import of_file
from generation.draft import Checkpoint, Draft, DraftWords, complete
from generation.errors import OutOfRange
from generation.families.family import family
from generation.interchange import a1111
from generation.interchange.infotext import infotext
from generation.interchange.reading import imported_of
from generation.recipe import Adapter, Recipe, Weights, canonical, dump, parse
from generation.spans import Experts
from generation.worker.adapters import switching
from generation.worker.model import Model
from prompting.changing.asked import tags
from prompting.changing.intents import AskedSetting, Direction
from prompting.slots import Opaque, OpaqueKind
from tests.given import loaded
from tests.given.builders import a_digest
from tests.given.stock_films import a_film, asked, differing, drawn, pipeline

EXPERTS = Experts(boundary=0.9, cfg=3.0)
LAYERS = ("attn1.to_q", "attn2.to_v", "ffn.net.2")


def a_lora(name: str, expert: str | None, strength: float = 1.0) -> Adapter:
    weights = Weights(name=name, sha256=a_digest(name[0]))
    return Adapter(kind="lora", weights=weights, strength=strength, control=None, expert=expert)


def tensors(seed: int) -> dict[str, Tensor]:
    generator, found = torch.Generator().manual_seed(seed), dict[str, Tensor]()
    inside = dict(loaded.model("wan-2.2").parts["transformer"].named_modules())
    for layer in LAYERS:
        out, inner = inside[f"blocks.0.{layer}"].weight.shape
        down = torch.randn(2, inner, generator=generator) / inner**0.5
        found[f"transformer.blocks.0.{layer}.lora_A.weight"] = down
        up = torch.randn(out, 2, generator=generator)
        found[f"transformer.blocks.0.{layer}.lora_B.weight"] = up
    return found


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    made: dict[str, Path] = {}
    for seed, name in enumerate(("ahead", "behind")):
        made[a_digest(name[0])] = tmp_path / f"{name}.safetensors"
        save_file(tensors(seed), made[a_digest(name[0])])
    return made


@pytest.fixture
def model() -> Iterator[Model]:
    found = loaded.model("wan-2.2")
    yield found
    switching.unload(found)


def film(*adapters: Adapter) -> Recipe:
    return a_film("wan-2.2", experts=EXPERTS, adapters=adapters)


def draw(model: Model, files: dict[str, Path], *adapters: Adapter) -> Any:
    recipe = film(*adapters)
    switching.switch(model, recipe, lambda weights: files[weights.sha256])
    try:
        return drawn(recipe, model)
    finally:
        switching.switch_off(model)


def by_stock(model: Model, files: dict[str, Path], *, low: str | None, high: str | None) -> Any:
    """diffusers', with one LoRA in each transformer."""
    recipe = film()
    pipe = pipeline(model, "WanPipeline", recipe, boundary_ratio=EXPERTS.boundary)
    pipe.transformer = copy.deepcopy(pipe.transformer)
    pipe.transformer_2 = copy.deepcopy(pipe.transformer_2)
    for name, second in ((high, False), (low, True)):
        if name is not None:
            file = files[a_digest(name[0])]
            pipe.load_lora_weights(
                file.parent,
                weight_name=file.name,
                adapter_name=f"{name}_{second}".lower(),
                load_into_transformer_2=second,
            )
    return pipe(**asked(model, recipe), guidance_scale_2=EXPERTS.cfg).frames[0]


CASES: dict[str, tuple[str | None, str | None, list[tuple[str, str | None]]]] = {
    "a pair": ("ahead", "behind", [("ahead", "high"), ("behind", "low")]),
    "the other way round": ("behind", "ahead", [("behind", "high"), ("ahead", "low")]),
    "the first alone": ("ahead", None, [("ahead", "high")]),
    "the second alone": (None, "behind", [("behind", "low")]),
    "one in both": ("ahead", "ahead", [("ahead", None)]),
    "one in both, said twice": ("ahead", "ahead", [("ahead", "high"), ("ahead", "low")]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_lora_of_one_denoiser_draws_what_the_stock_pipeline_draws(
    case: str, model: Model, files: dict[str, Path]
) -> None:
    high, low, said = CASES[case]
    ours = draw(model, files, *(a_lora(name, expert) for name, expert in said))
    assert differing(ours, by_stock(model, files, high=high, low=low)) == 0
    plain = draw(model, files)
    assert (ours != plain).mean() > 0.01


def test_strengths_are_each_ones_own(model: Model, files: dict[str, Path]) -> None:
    both = draw(model, files, a_lora("ahead", "high", 0.5), a_lora("ahead", "low", 1.0))
    alike = draw(model, files, a_lora("ahead", None, 0.5))
    assert (both != alike).any()
    low = draw(model, files, a_lora("ahead", "high", 0.0), a_lora("ahead", "low", 1.0))
    assert (low == draw(model, files, a_lora("ahead", "low", 1.0))).all()


# -- in a recipe ---------------------------------------------------------------------------


def test_a_recipe_says_it_and_one_without_is_spelled_as_it_was() -> None:
    recipe = film(a_lora("ahead", "high"), a_lora("ahead", "low", 0.5))
    assert parse(dump(recipe)) == recipe
    assert '"expert"' not in canonical(film(a_lora("ahead", None)))
    ids = {film(a_lora("ahead", expert)).id for expert in ("high", "low", None)}
    assert len(ids) == 3


def test_of_a_model_with_one_denoiser_it_says_nothing() -> None:
    with pytest.raises(OutOfRange, match="one denoiser"):
        a_film("wan", adapters=(a_lora("ahead", "high"),))
    with pytest.raises(OutOfRange, match="high or low"):
        a_lora("ahead", "middle")


def test_what_two_films_differ_in_names_the_denoiser() -> None:
    before, after = film(a_lora("ahead", "high")), film(a_lora("ahead", "high", 0.5))
    assert "1:high → 0.5:high" in change_of(before, after)
    moved = change_of(before, film(a_lora("ahead", "low")))
    assert "1:low" in moved
    assert "1:high" in moved


# -- how it is said ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "card", "expert"),
    [
        ("wan2.2_t2v_4steps_high_noise", None, "high"),
        ("style-LowNoise", None, "low"),
        ("style", None, None),
        ("high_noise_and_low_noise", None, None),
        ("style", "low", "low"),
        ("x_high_noise", "low", "low"),
    ],
)
def test_a_pair_of_files_goes_where_their_names_say(
    name: str, card: str | None, expert: str | None
) -> None:
    shapes = {
        "diffusion_model.blocks.0.self_attn.q.lora_A.weight": (4, 5120),
        "diffusion_model.blocks.0.self_attn.q.lora_B.weight": (5120, 4),
    }
    assert as_carded(of_file(shapes, name), Card(expert=card), name).expert == expert


def test_a_name_says_nothing_of_other_families() -> None:
    shapes = {
        "lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight": (4, 3072),
        "lora_unet_double_blocks_0_img_attn_qkv.lora_up.weight": (9216, 4),
    }
    found = of_file(shapes, "high_noise")
    assert as_carded(replace(found), Card(), "high_noise").expert is None


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    for seed, name in enumerate(("ink_high_noise", "ink_low_noise", "wash")):
        save_file(tensors(seed), tmp_path / f"{name}.safetensors")
    found = Catalog([tmp_path], tmp_path / "digests.json")
    found.scan()
    return found


TAGS: dict[str, list[tuple[str, float, str | None]]] = {
    "<lora:wash:0.8:high>": [("wash", 0.8, "high")],
    "<lora:wash:low>": [("wash", 1.0, "low")],
    "<lora:wash>": [("wash", 1.0, None)],
    "<lora:wash:0.8:high> <lora:wash:0.3:low>": [("wash", 0.8, "high"), ("wash", 0.3, "low")],
    "<lora:ink_high_noise> <lora:ink_low_noise:0.5>": [
        ("ink_high_noise", 1.0, "high"),
        ("ink_low_noise", 0.5, "low"),
    ],
    "<lora:ink_high_noise:1:low>": [("ink_high_noise", 1.0, "low")],
    "<lora:ink_high_noise:0.8:both>": [("ink_high_noise", 0.8, None)],
    "<lora:wash:0.8: High >": [("wash", 0.8, "high")],
    "<lora:wash:0.8:high> <lora:wash:0.8:low>": [("wash", 0.8, None)],
}


def told(adapters: Sequence[Adapter]) -> list[tuple[str, float, str | None]]:
    return [(one.weights.name, one.strength, one.expert) for one in adapters]


@pytest.mark.parametrize("tags", TAGS)
def test_a_tag_says_it(tags: str, catalog: Catalog) -> None:
    model = Checkpoint(weights=Weights(name="wan", sha256=a_digest("f")), family=family("wan-2.2"))
    draft, notes = applied(Draft(words=DraftWords(prompt=f"a cat {tags}")), catalog, model)
    assert notes == ()
    recipe = complete(draft, model, seed=1, device="cpu")
    assert told(recipe.adapters) == TAGS[tags]
    # Its own words in A1111's way are read as what they were written of.
    hashes = {one.weights.sha256: one.weights.sha256[::-1] for one in recipe.adapters}
    for tensors in ({}, hashes):
        read = a1111.read({"parameters": infotext(recipe, tensors=tensors)})
        assert read is not None
        files = matched(read.files, catalog.entries())
        assert told([adapter for _, adapter in its_loras(files)]) == TAGS[tags]
    again = matched(imported_of(recipe).files, catalog.entries())
    assert told([adapter for _, adapter in its_loras(again)]) == TAGS[tags]
    # On a model with one denoiser each file is on once.
    one_alone = replace(model, family=family("wan-2.1"))
    alone = told(complete(draft, one_alone, seed=1, device="cpu").adapters)
    assert len(alone) == len({name for name, _, _ in TAGS[tags]})
    assert {expert for _, _, expert in alone} == {None}


def test_a_later_tag_of_the_same_place_counts_and_others_stay(catalog: Catalog) -> None:
    model = Checkpoint(weights=Weights(name="wan", sha256=a_digest("f")), family=family("wan-2.2"))
    before, _ = applied(
        Draft(words=DraftWords(prompt="a <lora:wash:1:high> <lora:wash:1:low>")), catalog, model
    )
    again = replace(before, words=DraftWords(prompt="a <lora:wash:0.5:low>"))
    assert told(applied(again, catalog, model)[0].adapters) == [
        ("wash", 1.0, "high"),
        ("wash", 0.5, "low"),
    ]
    whole = replace(before, words=DraftWords(prompt="a <lora:wash:0.5>"))
    assert told(applied(whole, catalog, model)[0].adapters) == [("wash", 0.5, None)]


def test_the_option_says_it(catalog: Catalog) -> None:
    offers = Offers.__new__(Offers)
    offers.catalog = catalog
    asked = ("wash:0.5: High", "wash:low", "ink_low_noise:0.2", "wash", "ink_low_noise:0.2:both")
    assert told([offers.lora(one) for one in asked]) == [
        ("wash", 0.5, "high"),
        ("wash", 1.0, "low"),
        ("ink_low_noise", 0.2, "low"),
        ("wash", 1.0, None),
        ("ink_low_noise", 0.2, None),
    ]


def test_only_a_lora_is_for_one_denoiser() -> None:
    weights = Weights(name="x", sha256=a_digest("c"))
    with pytest.raises(OutOfRange, match="LoRA"):
        Adapter(kind="embedding", weights=weights, strength=1.0, control=None, expert="low")


# -- in a reply ----------------------------------------------------------------------------


def answered_with(said: str, *loras: NamedLora, value: float | None = None, **more: Any) -> Any:
    answered = Answered(family="wan-2.2", prompt="a cat", width=96, height=64, loras=loras)
    asked = AskedSetting(name="lora", of=said, value=value, **more)
    return settled((asked,), answered).loras


BOTH_ON = (
    NamedLora(name="wash", strength=0.8, expert="high"),
    NamedLora(name="wash", strength=0.4, expert="low"),
    NamedLora(name="ink", strength=1.0),
)


def test_a_reply_means_a_file_on_every_denoiser_that_has_it() -> None:
    assert answered_with("wash", *BOTH_ON, direction=Direction.OFF) == BOTH_ON[2:]
    assert [one.strength for one in answered_with("wash", *BOTH_ON, value=0.3)] == [0.3, 0.3, 1.0]
    assert [one.strength for one in answered_with("wash:low", *BOTH_ON, value=0.3)] == [
        0.8,
        0.3,
        1.0,
    ]
    assert answered_with("wash:high", *BOTH_ON, direction=Direction.OFF) == BOTH_ON[1:]
    (*_, new) = answered_with("new:low", *BOTH_ON, value=0.5)
    assert new == NamedLora(name="new", strength=0.5, expert="low")


def test_a_tag_in_a_reply_keeps_its_denoiser() -> None:
    part = Opaque(kind=OpaqueKind.LORA, text="<lora:wash:0.8:high>", start=0)
    ((asked,),) = (one.settings for one in tags([part]))
    assert (asked.of, asked.value) == ("wash:high", 0.8)


def test_on_a_model_with_one_denoiser_a_reply_puts_it_on_that_one(catalog: Catalog) -> None:
    offers = Offers.__new__(Offers)
    offers.catalog = catalog
    settings = Settled(loras=(NamedLora(name="ink_high_noise", strength=0.5),))
    for recipe, expert in ((a_film("wan"), None), (film(), "high")):
        on = loras_of(SimpleNamespace(settings=settings), recipe, offers)  # type: ignore[arg-type]
        assert told(on) == [("ink_high_noise", 0.5, expert)]
        assert told(replace(recipe, adapters=on).adapters) == told(on)

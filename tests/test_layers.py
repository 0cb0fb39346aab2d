"""Who fills in what nobody said: the first layer that says anything, and which it was is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar, cast, get_args, get_type_hints

import pytest

from bot.cli.direct import console
from bot.studio.layers import (
    OF_NO_MODEL,
    Drafted,
    RequestDraft,
    Whence,
    fitting,
    of_model,
    of_parent,
    of_preferences,
)
from bot.studio.wishes import OWN_VAE, Wish
from generation import enlarging
from generation.draft import (
    SECTIONS,
    Draft,
    DraftCanvas,
    DraftSampling,
    DraftWords,
    complete,
    usual_sparing,
)
from generation.draft_spans import (
    DraftDice,
    DraftExperts,
    DraftForm,
    DraftMotion,
    DraftSecond,
    DraftSound,
)
from generation.families.family import FAMILIES
from generation.layers import filled
from generation.recipe import (
    Adapter,
    Canvas,
    Masking,
    Placement,
    Recipe,
    Sampling,
    Variation,
    Weights,
    Words,
)
from generation.tasks import Task
from storage.people import AssistMode, Preferences, SeedMode
from tests.given.builders import a_draft, a_model, a_recipe
from tests.given.drafting import a_drafting, a_parent, liking, weights

S = TypeVar("S")

INK = Adapter(kind="lora", weights=weights("ink"), strength=0.5, control=None)
MODELS = (
    {"name": "photo", "family": "sd15", "vae": "fine"},
    {"name": "wide", "family": "sdxl"},
    {"name": "fine", "family": "sd15", "kind": "vae"},
    {"name": "fine-xl", "family": "sdxl", "kind": "vae"},
)


@pytest.mark.parametrize("first", Whence)
def test_the_first_layer_that_says_anything_counts_and_is_named(first: Whence) -> None:
    order = list(Whence)
    # A preset, a channel and a server's settings are Drafts like any other.
    layers = [(whence, a_draft(steps=1 + order.index(whence))) for whence in order]
    said = [
        (whence, draft if whence in order[order.index(first) :] else Draft())
        for whence, draft in layers
    ]
    found = filled(Draft, said)
    assert found.value == a_draft(steps=1 + order.index(first))
    assert found.whence == {"sampling.steps": first}


def test_each_parameter_has_a_layer_of_its_own() -> None:
    every = RequestDraft(
        task=Task.TEXT_TO_IMAGE,
        words=_everything(DraftWords),
        canvas=_everything(DraftCanvas),
        sampling=_everything(DraftSampling),
        motion=_everything(DraftMotion),
        experts=_everything(DraftExperts),
        second=_everything(DraftSecond),
        sound=_everything(DraftSound),
        form=_everything(DraftForm),
        dice=_everything(DraftDice),
        adapters=(INK,),
        model="photo",
        vae="fine",
        count=2,
        best_of=3,
        style="ink",
        assist=AssistMode.ON,
        seed_mode=SeedMode.INCREMENT,
        masking=Masking(
            grow=0, blur=1.0, region=None, segmenter=None, threshold=None, inverse=None
        ),
        placement=Placement(left=0, top=0, width=8, height=8),
        enlarging=enlarging.plain(),
        sparing=usual_sparing(96, 96),
        variations=(Variation(seed=1, strength=0.5),),
        shows="a red flower at night",
        shares=(0.5, 0.5),
    )
    layers = [(name, one) for name, one in _one_by_one(every).items()]
    found = filled(RequestDraft, layers)
    assert found.value == every
    assert found.whence == {name: name for name, _ in layers}


def _everything(kind: type[S]) -> S:
    """A section of a draft that says something of each of its fields."""
    said: dict[str, Any] = {field.name: "a" for field in fields(cast(Any, kind))}
    return kind(**said)


def _one_by_one(draft: Draft) -> dict[str, Draft]:
    """For each thing that the draft says, a draft that says this and nothing else."""
    found: dict[str, Draft] = {}
    for part in fields(draft):
        value = getattr(draft, part.name)
        if part.name in SECTIONS:
            for field in fields(value):
                section = type(value)(**{field.name: getattr(value, field.name)})
                found[f"{part.name}.{field.name}"] = RequestDraft(**{part.name: section})
        elif value != ():
            found[part.name] = RequestDraft(**{part.name: value})
    return found


def test_an_empty_negative_prompt_and_a_zero_are_choices_and_no_gaps() -> None:
    said = a_draft(negative_prompt="", cfg=0.0)
    liked = a_draft(negative_prompt="blur", cfg=9.0)
    assert filled(Draft, [(1, said), (2, liked)]).value == said


def test_no_loras_is_a_gap_so_those_of_the_picture_before_stay() -> None:
    parent = of_parent(a_recipe(adapters=(INK,)), None)
    assert filled(Draft, [(1, Draft()), (2, parent)]).value.adapters == (INK,)


def test_a_picture_hands_on_neither_its_words_nor_its_start_nor_how_much_of_it_was_redrawn() -> (
    None
):
    before = complete(
        a_draft(prompt="a cat", steps=9, denoise=0.3, negative_prompt="blur"),
        a_model(),
        seed=1,
        device="cpu",
    )
    handed_on = of_parent(before, None)
    assert (handed_on.words.prompt, handed_on.sampling.denoise, handed_on.inputs) == (
        None,
        None,
        (),
    )
    assert (handed_on.sampling.steps, handed_on.words.negative_prompt) == (9, "blur")


@pytest.mark.parametrize("whence", Whence)
def test_a_size_and_a_vae_that_were_chosen_for_another_kind_of_model_are_not_said(
    whence: Whence,
) -> None:
    chosen = RequestDraft(canvas=DraftCanvas(width=2048, height=2048), vae="fine-xl", count=3)
    [(_, layer)] = fitting([(whence, chosen)], FAMILIES["sd15"], lambda vae: vae != "fine-xl")
    assert isinstance(layer, RequestDraft)
    if whence in OF_NO_MODEL:
        assert (layer.canvas, layer.vae, layer.count) == (DraftCanvas(), None, 3)
    else:
        assert layer == chosen  # and refused, where they were said for this picture


@pytest.mark.parametrize("whence", Whence)
def test_a_sampler_stays_whatever_the_model_is_for_all_of_them_draw_with_all(
    whence: Whence,
) -> None:
    layers = [(whence, a_draft(sampler="dpmpp_2m_sde", steps=9))]
    assert fitting(layers, FAMILIES["sd3"], lambda _: True) == layers


def test_a_plain_draft_is_a_layer_as_a_preset_and_as_a_channel_s_settings() -> None:
    preset, channel = a_draft(width=2048, height=2048, steps=7), a_draft(steps=8, cfg=3.0)
    layers = [
        (Whence.SAID, RequestDraft(words=DraftWords(prompt="a"))),
        (Whence.PRESET, preset),
        (Whence.PERSON, of_preferences(Preferences(cfg=5.0))),
        (Whence.CHANNEL, channel),
    ]
    model = a_model(family="sd15")
    fits = fitting(layers, model.family, lambda _: True)
    found = filled(RequestDraft, [*fits, *of_model(model)])
    assert found.value.sampling.steps == 7
    assert found.value.sampling.cfg == 5.0
    assert found.whence["sampling.cfg"] is Whence.PERSON
    assert found.whence["canvas.width"] is Whence.FAMILY


def test_what_is_usual_for_a_model_says_all_that_a_recipe_needs() -> None:
    model = replace(a_model(), usual=a_draft(steps=4, cfg=1.0, sampler="lcm"))
    found = filled(RequestDraft, of_model(model))
    said = {name for name, _ in found.whence.items()}
    needed = {
        f"{part}.{field.name}"
        for part, kind in (("words", Words), ("canvas", Canvas), ("sampling", Sampling))
        for field in fields(getattr(Draft(), part))
        if type(None) not in get_args(get_type_hints(kind)[field.name])
    }
    assert needed - said == {"words.prompt"}
    assert found.whence["sampling.steps"] is Whence.CARD
    assert found.whence["sampling.scheduler"] is Whence.FAMILY
    assert (found.value.vae, found.value.count) == (OWN_VAE, 1)


async def test_a_drafted_wish_knows_where_every_value_came_from() -> None:
    parent = a_recipe(
        family="sd15", checkpoint=weights("photo"), cfg=3.0, steps=9, width=512, height=512
    )
    drafted = await _drafted(
        Wish(
            origin=console(),
            draft=a_draft(prompt="night", steps=5),
            parent=a_parent(parent),
            size="3:2",
        ),
        Preferences(steps=50, cfg=9.0, denoise=0.4, count=2, vae="fine"),
    )
    assert drafted.whence == {
        "words.prompt": Whence.SAID,
        "words.negative_prompt": Whence.PARENT,
        "words.syntax": Whence.FAMILY,
        "words.clip_skip": Whence.PARENT,
        "canvas.width": Whence.SAID,
        "canvas.height": Whence.SAID,
        "sampling.steps": Whence.SAID,
        "sampling.cfg": Whence.PARENT,
        "sampling.sampler": Whence.PARENT,
        "sampling.scheduler": Whence.PARENT,
        "sampling.denoise": Whence.PERSON,
        "model": Whence.PARENT,
        "vae": Whence.PARENT,
        "count": Whence.PERSON,
        "assist": Whence.HOUSE,
    }
    assert len(drafted.recipes) == 2
    assert drafted.recipes[0].vae is None


async def test_whoever_says_nothing_gets_what_the_owner_the_card_and_the_family_say() -> None:
    drafted = await _drafted(Wish(origin=console(), draft=a_draft(prompt="a")), Preferences())
    whence = dict(drafted.whence)
    assert whence.pop("words.prompt") is Whence.SAID
    assert {whence.pop("model"), whence.pop("assist")} == {Whence.HOUSE}
    assert whence.pop("vae") is Whence.CARD
    assert set(whence.values()) == {Whence.FAMILY}
    [recipe] = drafted.recipes
    assert (recipe.checkpoint.name, recipe.vae) == ("photo", weights("fine"))


@pytest.mark.parametrize(
    ("wish", "mine", "whence", "vae"),
    [
        ({"vae": "own"}, {"vae": "fine"}, Whence.SAID, None),
        ({}, {"vae": "fine"}, Whence.PERSON, weights("fine")),
        ({}, {"vae": "fine-xl"}, Whence.CARD, weights("fine")),
        ({"model": "wide"}, {"vae": "fine"}, Whence.FAMILY, None),
    ],
)
async def test_a_vae_comes_from_the_first_who_names_one_that_fits(
    wish: Mapping[str, Any], mine: Mapping[str, Any], whence: Whence, vae: Weights | None
) -> None:
    asked = Wish(origin=console(), draft=a_draft(prompt="a"), **wish)
    drafted = await _drafted(asked, Preferences(**mine))
    assert (drafted.whence["vae"], drafted.recipes[0].vae) == (whence, vae)


def test_a_scheduler_that_is_asked_for_as_the_usual_one_is_the_model_s_whoever_likes_another() -> (
    None
):
    model = replace(a_model(), usual=a_draft(scheduler="beta"))
    said, liked = a_draft(prompt="a", scheduler="automatic"), a_draft(scheduler="exponential")
    draft = filled(Draft, [(1, said), (2, liked)]).value
    recipe: Recipe = complete(draft, model, seed=1, device="cpu")
    assert recipe.sampling is not None
    assert recipe.sampling.scheduler == "beta"


async def _drafted(wish: Wish, mine: Preferences) -> Drafted:
    return await a_drafting(MODELS, default="photo").draft(wish, liking(mine), device="cpu")

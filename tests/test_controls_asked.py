"""Claims about asking for a control picture: in a command, in a terminal, and in what follows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.studio.controlling import AskedControl, controlled, spelled_control
from bot.studio.wishes import Wish
from generation.draft import Draft, DraftWords, complete
from generation.errors import NoControlNet, NoSuchName, OutOfRange, WrongFamily
from generation.limits import Present, for_somebody
from generation.recipe import Control, Input, Recipe, dump, parse
from generation.tasks import MAX_CONTROLS, Task
from tests.given.builders import a_digest, a_model
from tests.given.drafting import a_drafting, an_entry
from tests.given.stored import asked as asked_of

NET = an_entry("edges", "sd15", "controlnet")
START = Input(role="init", sha256=a_digest("b"), fit="cover")
SEEN = Input(role="init", sha256=a_digest("c"), fit="cover")  # as any picture comes


def a_wish(*inputs: Input) -> Wish:
    return Wish(
        origin=asked_of().origin,
        draft=Draft(words=DraftWords(prompt="a red flower"), inputs=inputs),
    )


def drawn(wish: Wish, family: str = "sd15", **known: str) -> Recipe:
    families = {NET.weights.sha256: known.get("net", "sd15")}
    return complete(wish.draft, a_model(family=family), seed=1, device="cpu", families=families)


def test_a_picture_becomes_a_control_picture_with_its_network_in_the_recipe() -> None:
    asked = AskedControl(net="edges", how="canny", strength=0.8, start=0.1, end=0.6)
    recipe = drawn(controlled(a_wish(), SEEN, NET, asked))
    assert recipe.task is Task.TEXT_TO_IMAGE
    assert [one.role for one in recipe.inputs] == ["control"]
    (adapter,) = recipe.adapters
    assert (adapter.kind, adapter.weights, adapter.strength) == ("controlnet", NET.weights, 0.8)
    assert adapter.control == Control(input=0, start=0.1, end=0.6, preprocessor="canny", mode=None)
    assert parse(dump(recipe)) == recipe
    assert recipe.controlnets == (NET.weights,)
    assert recipe.id != drawn(a_wish()).id


def test_a_picture_to_start_from_stays_the_first_and_several_are_counted_on() -> None:
    wish = a_wish(START)
    for _ in range(MAX_CONTROLS):
        wish = controlled(wish, SEEN, NET, AskedControl())
    recipe = drawn(wish)
    assert recipe.task is Task.IMAGE_TO_IMAGE
    assert [a.control.input for a in recipe.adapters if a.control] == [1, 2, 3, 4]
    with pytest.raises(OutOfRange, match="control pictures"):
        controlled(wish, SEEN, NET, AskedControl())


def test_one_for_models_of_another_family_is_refused() -> None:
    wish = controlled(a_wish(), SEEN, NET, AskedControl())
    drawn(wish, "starter")  # which is built alike
    with pytest.raises(WrongFamily):
        drawn(wish, "sdxl")


def test_what_goes_on_from_another_picture_goes_on_without_the_network() -> None:
    before = drawn(controlled(a_wish(), SEEN, NET, AskedControl()))
    after = replace(a_wish(START).draft, adapters=before.adapters)
    recipe = complete(after, a_model(family="sd15"), seed=1, device="cpu")
    assert recipe.adapters == ()
    assert recipe.task is Task.IMAGE_TO_IMAGE


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("edges", {"net": "edges"}),
        ("edges:0.5", {"net": "edges", "strength": 0.5}),
        ("edges:0.5:0.1", {"net": "edges", "strength": 0.5, "start": 0.1}),
        ("edges:0.5:0:0.6", {"net": "edges", "strength": 0.5, "start": 0.0, "end": 0.6}),
        (":0.7", {"strength": 0.7}),
        ("", {}),
    ],
)
def test_a_terminal_says_strength_start_and_end_behind_the_name(
    text: str, said: dict[str, Any]
) -> None:
    assert spelled_control(text) == AskedControl(**said)


@pytest.mark.parametrize("text", ["edges:strong", "edges:1:2:3:4", "edges:1::0.5"])
def test_what_is_no_number_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(OutOfRange, match="NAME:STRENGTH:START:END"):
        spelled_control(text)


def test_one_that_knows_several_kinds_of_pictures_is_told_which_this_is() -> None:
    union = an_entry("union", "sdxl", "controlnet", modes=("pose", "depth", "canny"))
    for how, mode, made in (("canny", "canny", "canny"), ("ready:depth", "depth", None)):
        (adapter,) = controlled(a_wish(), SEEN, union, AskedControl(how=how)).draft.adapters
        assert adapter.control is not None
        assert (adapter.control.mode, adapter.control.preprocessor) == (mode, made)
    for how in ("ready", "blur", "ready:tile"):
        with pytest.raises(OutOfRange, match="ready:pose, ready:depth, ready:canny"):
            controlled(a_wish(), SEEN, union, AskedControl(how=how))


def test_who_names_no_network_gets_the_first_for_the_model_or_hears_that_there_is_none() -> None:
    models = [
        {"name": "photo", "family": "sd15"},
        {"name": "large", "family": "sdxl"},
        {"name": "edges", "family": "sd15", "kind": "controlnet"},
    ]
    drafting = a_drafting(models, default="photo")
    found = drafting.controlled(a_wish(), SEEN, (600, 400), AskedControl(how="canny"))
    (adapter,) = found.draft.adapters
    assert adapter.weights.name == "edges"
    width, height = found.draft.canvas.width, found.draft.canvas.height
    assert (width or 0) > (height or 0)
    with pytest.raises(NoControlNet, match="Stable Diffusion XL"):
        drafting.controlled(replace(a_wish(), model="large"), SEEN, (600, 400), AskedControl())


def test_what_only_a_network_could_make_is_asked_for_ready_made() -> None:
    with pytest.raises(NoSuchName) as refused:
        controlled(a_wish(), SEEN, NET, AskedControl(how="depth"))
    assert refused.value.nearest == ("ready",)


@pytest.mark.parametrize(
    "control",
    [
        Control(input=1, start=None, end=None, preprocessor=None, mode=None),
        None,
    ],
)
def test_a_recipe_whose_network_looks_at_nothing_is_none(control: Control | None) -> None:
    recipe = drawn(controlled(a_wish(), SEEN, NET, AskedControl()))
    (adapter,) = recipe.adapters
    with pytest.raises(OutOfRange, match="control"):
        replace(recipe, adapters=(replace(adapter, control=control),))


@pytest.mark.parametrize(("start", "end"), [(0.5, 0.5), (0.9, 0.1), (-0.1, None), (None, 1.5)])
def test_it_begins_before_it_ends(start: float | None, end: float | None) -> None:
    with pytest.raises(OutOfRange):
        Control(input=0, start=start, end=end, preprocessor=None, mode=None)


def test_a_strangers_recipe_with_one_is_drawn_where_it_lies_here_and_made_as_we_do() -> None:
    recipe = drawn(controlled(a_wish(), SEEN, NET, AskedControl(how="canny")))
    model = Present(kind="checkpoint", weights=recipe.checkpoint, family="sd15")
    net = Present(kind="controlnet", weights=NET.weights, family="sd15")
    here = {recipe.checkpoint.sha256: model, NET.weights.sha256: net}
    assert for_somebody(recipe, here) == recipe
    (adapter,) = recipe.adapters
    assert adapter.control is not None
    odd = replace(adapter, control=replace(adapter.control, preprocessor="rm"))
    with pytest.raises(NoSuchName):
        for_somebody(replace(recipe, adapters=(odd,)), here)

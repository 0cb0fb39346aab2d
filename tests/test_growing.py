"""A recipe grows: a field or a section that comes later changes no older text and no older id."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from generation import enlarging
from generation.draft import Draft, said
from generation.errors import OutOfRange
from generation.recipe import (
    Adapter,
    Enlarging,
    Masking,
    Placement,
    Variation,
    Weights,
    canonical,
    dump,
    needed,
    parse,
)
from generation.spelling import plain, read
from generation.tasks import Task
from tests.given.builders import a_digest, a_recipe, a_recipe_of, an_enlarged, an_enlarging
from tests.given.later import LaterEnvironment, LaterRecipe
from tests.given.released import RELEASES, TEXTS


def later(text: str) -> LaterRecipe:
    data = json.loads(text)
    del data["format"]
    return read(LaterRecipe, data, kept=True)


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: text[:20])
def test_a_recipe_of_today_keeps_its_text_and_id_in_a_version_that_has_more(text: str) -> None:
    recipe = later(text)
    assert recipe.hologram is None
    assert recipe.tiles == ()
    assert needed(recipe.sampling).churn is None
    assert dump(recipe) == text
    assert recipe.id == parse(text).id


@pytest.mark.parametrize(
    "more",
    [
        {"churn": 3.5},
        {"hologram": {"frames": 9}},
        {"hologram": {"frames": 9, "fps": 24.0}},
        {"tiles": [512, 512]},
        {
            "adapters": [
                {
                    "kind": "lora",
                    "weights": {"name": "c", "sha256": "c" * 64},
                    "strength": 1.0,
                    "decay": 0.5,
                }
            ]
        },
    ],
    ids=lambda more: next(iter(more)),
)
def test_what_a_later_version_adds_is_kept_decides_the_id_and_is_refused_today(
    more: dict[str, Any],
) -> None:
    plain = dump(a_recipe())
    recipe = later(json.dumps({**json.loads(plain), **more}))
    text = dump(recipe)
    assert later(text) == recipe
    assert json.loads(text).items() >= more.items()
    assert recipe.id != parse(plain).id
    with pytest.raises(OutOfRange) as refused:
        parse(text)
    assert refused.value.what.endswith("fields")


def test_sections_that_a_task_has_not_are_absent_and_read_as_none() -> None:
    recipe = parse(dump(an_enlarged()))
    assert recipe == an_enlarged()
    assert (recipe.words, recipe.sampling) == (None, None)
    kept = {"task", "family", "checkpoint", "width", "height", "seed", "precision", "inputs"}
    assert json.loads(canonical(recipe)).keys() == kept | {"enlarging"}
    assert json.loads(canonical(recipe))["enlarging"] == {"method": "lanczos", "corrections": 4}
    assert (recipe.prompt, recipe.texts, recipe.described) == (
        "",
        ("a red flower",),
        "a red flower",
    )
    assert recipe.weights == ()
    assert said(recipe).words == Draft().words


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("section", ["words", "canvas", "sampling"])
def test_a_task_that_needs_a_section_is_refused_without_it_and_no_other_has_it(
    task: Task, section: str
) -> None:
    recipe = a_recipe_of(task)
    other: Any = None if getattr(recipe, section) is not None else getattr(a_recipe(), section)
    with pytest.raises(OutOfRange) as refused:
        replace(recipe, **{section: other})
    assert refused.value.what == section


def test_parts_that_are_files_of_their_own_are_in_the_identity_by_their_digest_and_order() -> None:
    one, two = (Weights(name=c, sha256=a_digest(c)) for c in "bc")
    recipe = a_recipe(components=(one, two))
    assert json.loads(canonical(recipe))["components"] == [one.sha256, two.sha256]
    assert parse(dump(recipe)) == recipe
    assert recipe.id == a_recipe(components=(Weights(name="x", sha256=one.sha256), two)).id
    assert len({recipe.id, a_recipe(components=(two, one)).id, a_recipe().id}) == 3


def test_a_draft_has_the_sections_of_a_recipe_and_every_field_of_it_is_a_gap_at_first() -> None:
    draft, recipe = Draft(), a_recipe()
    for name in ("words", "canvas", "sampling"):
        section = getattr(draft, name)
        known = {inner.name for inner in fields(getattr(recipe, name))}
        assert {inner.name for inner in fields(section)} <= known
        assert all(getattr(section, inner.name) is None for inner in fields(section))
    assert said(recipe).sampling.cfg == needed(recipe.sampling).cfg


@pytest.mark.parametrize("task", [task for task in Task if "sampling" in task.needs.sections])
def test_of_a_recipe_denoise_is_said_where_something_is_drawn_over(task: Task) -> None:
    recipe = a_recipe_of(task)
    drawn = needed(recipe.sampling).denoise
    assert said(recipe).sampling.denoise == (drawn if task.needs.redraws else None)


def test_an_environment_of_today_keeps_its_text_and_id_in_a_version_that_has_more() -> None:
    for release in RELEASES:
        text = json.dumps(plain(release.environment), sort_keys=True)
        environment = read(LaterEnvironment, json.loads(text), kept=True)
        assert environment.quantiser is None
        assert json.dumps(plain(environment), sort_keys=True) == text
        assert environment.id == release.environment.id
        assert replace(environment, quantiser="gguf").id != environment.id


def test_the_files_that_a_recipe_is_drawn_with_are_all_it_names() -> None:
    one, two, three, four = (Weights(name=c, sha256=a_digest(c)) for c in "bcde")
    lora = Adapter(kind="lora", weights=four, strength=1.0, control=None)
    recipe = a_recipe(components=(one, two), vae=three, adapters=(lora,))
    assert recipe.weights == (recipe.checkpoint, one, two, three, four)
    assert a_recipe().weights == (a_recipe().checkpoint,)


def test_what_a_change_brings_is_an_object_of_its_own_and_only_a_task_that_has_it_takes_it() -> (
    None
):
    brought: dict[str, Any] = {
        "masking": Masking(
            grow=2, blur=4.0, region=None, segmenter=None, threshold=None, inverse=None
        ),
        "placement": Placement(left=-8, top=0, width=128, height=128),
        "enlarging": enlarging.plain(),
        "shares": (0.5, 0.5),
    }
    for name, section in brought.items():
        assert name not in json.loads(canonical(a_recipe()))
        with pytest.raises(OutOfRange) as refused:
            replace(a_recipe(), **{name: section})
        assert refused.value.what == name


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (
            Masking,
            {
                "grow": -1,
                "blur": 0.0,
                "region": None,
                "segmenter": None,
                "threshold": None,
                "inverse": None,
            },
        ),
        (
            Masking,
            {
                "grow": 0,
                "blur": 0.0,
                "region": "hat",
                "segmenter": None,
                "threshold": None,
                "inverse": None,
            },
        ),
        (Placement, {"left": 0, "top": 0, "width": 0, "height": 8}),
        (Enlarging, an_enlarging(method="bicubic")),
        (Enlarging, an_enlarging(upscaler=Weights(name="x", sha256=a_digest()))),
        (Enlarging, an_enlarging(method="model")),
        (Enlarging, an_enlarging(corrections=0)),
        (Enlarging, an_enlarging(tile=64)),
        (Enlarging, an_enlarging(redrawn_tile=64, redrawn_overlap=33)),
        (Variation, {"seed": 1, "strength": 1.5}),
    ],
)
def test_what_a_change_brings_is_refused_where_it_cannot_be(
    kind: Any, wrong: dict[str, Any]
) -> None:
    with pytest.raises(OutOfRange):
        kind(**wrong)

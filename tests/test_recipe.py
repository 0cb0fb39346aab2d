"""The recipe: its identity, its spelling, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.errors import OutOfRange
from generation.recipe import Adapter, Input, Recipe, Weights, canonical, dump, needed, parse
from generation.tasks import Task
from tests.given.builders import a_digest, a_recipe


def test_canonical_form_is_pinned() -> None:
    """If this fails, the id of every picture ever drawn has changed: bump FORMAT instead."""
    recipe = a_recipe(sigmas=(14.6, 7.0, 3.0, 1.0, 0.0))
    assert canonical(recipe) == (
        '{"cfg":4.0,"checkpoint":"' + "a" * 64 + '","clip_skip":1,"denoise":1.0,'
        '"family":"starter","height":128,"negative_prompt":"","precision":"fp32",'
        '"prompt":"a red flower","sampler":"euler","scheduler":"normal","seed":1,'
        '"sigmas":[14.6,7.0,3.0,1.0,0.0],"steps":4,"syntax":"a1111",'
        '"task":"text-to-image","width":128}'
    )
    assert recipe.id == PINNED_ID


PINNED_ID = "r1-59e38fd29403a37f0574753629b81ab7d7a51b320cbe963eb48c9e041c50bcd8"


def test_canonical_form_of_everything_is_pinned() -> None:
    """The same promise for the fields that do not always apply."""
    recipe = a_recipe(
        task=Task.IMAGE_TO_IMAGE,
        vae=Weights(name="v", sha256=a_digest("b")),
        adapters=(
            Adapter(
                kind="lora",
                weights=Weights(name="l", sha256=a_digest("c")),
                strength=0.5,
                control=None,
            ),
        ),
        inputs=(Input(role="init", sha256=a_digest("d"), fit="cover"),),
        denoise=0.5,
        sigmas=(3.0, 2.0, 1.0, 0.5, 0.0),
    )
    text = canonical(recipe)
    assert '"vae":"' + "b" * 64 in text
    assert '"adapters":[{"kind":"lora","strength":0.5,"weights":"' + "c" * 64 + '"}]' in text
    assert '"inputs":[{"fit":"cover","role":"init","sha256":"' + "d" * 64 + '"}]' in text
    assert parse(dump(recipe)) == recipe


def test_renaming_a_file_changes_no_id() -> None:
    recipe = a_recipe()
    renamed = replace(recipe, checkpoint=Weights(name="other", sha256=a_digest()))
    assert renamed.id == recipe.id


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "a blue flower"},
        {"seed": 2},
        {"cfg": 4.5},
        {"negative_prompt": "x"},
        {"clip_skip": 2},
        {"checkpoint": Weights(name="starter", sha256=a_digest("b"))},
        {"vae": Weights(name="v", sha256=a_digest("b"))},
        {"sigmas": (14.5, 7.0, 3.0, 1.0, 0.0)},
    ],
)
def test_whatever_decides_pixels_changes_the_id(change: dict[str, object]) -> None:
    recipe = a_recipe(sigmas=(14.6, 7.0, 3.0, 1.0, 0.0))
    assert a_recipe(**{"sigmas": needed(recipe.sampling).sigmas, **change}).id != recipe.id


def test_the_order_of_adapters_is_part_of_the_identity() -> None:
    one, two = (
        Adapter(
            kind="lora", weights=Weights(name=c, sha256=a_digest(c)), strength=1.0, control=None
        )
        for c in "ab"
    )
    assert a_recipe(adapters=(one, two)).id != a_recipe(adapters=(two, one)).id


def test_a_recipe_has_no_defaults() -> None:
    """A default would be a promise about the past."""
    from dataclasses import MISSING

    assert all(f.default is MISSING and f.default_factory is MISSING for f in fields(Recipe))


def test_ids_do_not_depend_on_the_process_or_its_hash_seed() -> None:
    code = "from tests.given.builders import a_recipe; print(a_recipe().id)"
    ids = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1234")
    }
    assert ids == {a_recipe().id + "\n"}


@given(
    prompt=st.text(st.characters(codec="utf-8"), max_size=50),
    seed=st.integers(0, 2**32 - 1),
    cfg=st.floats(0, 100),
)
def test_what_is_dumped_is_parsed_to_the_same(prompt: str, seed: int, cfg: float) -> None:
    recipe = a_recipe(prompt=prompt, seed=seed, cfg=cfg)
    assert parse(dump(recipe)) == recipe
    assert parse(dump(recipe)).id == recipe.id


@pytest.mark.parametrize(
    "change",
    [
        {"cfg": 7},
        {"cfg": float("nan")},
        {"cfg": float("inf")},
        {"denoise": -0.1},
        {"steps": 0},
        {"steps": True},
        {"seed": -1},
        {"seed": 2**32},
        {"width": 0},
        {"sigmas": (1.0, 0.0)},
        {"sigmas": (1.0, 2.0, 0.5, 0.2, 0.0)},
        {"sigmas": (float("nan"),) * 5},
        {"task": Task.IMAGE_TO_IMAGE},
        {"inputs": (Input(role="init", sha256=a_digest(), fit="cover"),)},
    ],
)
def test_what_cannot_be_cooked_is_no_recipe(change: dict[str, object]) -> None:
    with pytest.raises(OutOfRange):
        a_recipe(**{"sigmas": (4.0, 3.0, 2.0, 1.0, 0.0), **change})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"format":"r1"}',
        '{"format":"r2"}',
        dump(a_recipe()).replace('"seed":1', '"seed":"1"'),
        dump(a_recipe()).replace('"seed":1', '"seed":1,"later_field":1'),
        dump(a_recipe()).replace('"prompt":"a red flower"', '"prompt":7'),
        dump(a_recipe()).replace("a" * 64, "../../etc/passwd"),
        "[" * 100_000,
        json.dumps({"format": "r1", "sigmas": None}),
    ],
)
def test_a_strangers_text_is_refused_not_believed(text: str) -> None:
    with pytest.raises(OutOfRange):
        parse(text)

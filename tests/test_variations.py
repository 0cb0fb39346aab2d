"""A variation begins on the arc between two seeds: at its start the same picture, then others."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch

from bot.pages.recipe_page import recipe_page
from generation.difference import difference
from generation.draft import complete, said
from generation.errors import OutOfRange
from generation.families.family import FAMILIES
from generation.interchange.infotext import infotext
from generation.recipe import MAX_VARIATIONS, Recipe, Variation, dump, parse
from generation.worker.render import render
from generation.worker.sampling.variations import on_arc, varied
from tests.given import loaded
from tests.given.apps import a_wish
from tests.given.builders import a_draft, a_model, a_recipe, changed
from tests.given.pasting import unpasted
from tests.given.stored import a_stored_picture
from tests.given.worker_process import a_photo, redrawing

SAMPLERS = ("euler", "euler_ancestral", "dpmpp_2m_sde", "lms")


def noise(seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((1, 4, 64, 64), generator=generator)


def by(seed: int, strength: float) -> Variation:
    return Variation(seed=seed, strength=strength)


def test_the_ends_of_the_arc_are_the_two_noises_bit_for_bit() -> None:
    one, other = noise(1), noise(2)
    assert on_arc(one, other, 0.0) is one
    assert on_arc(one, other, 1.0) is other
    assert torch.equal(on_arc(one, one.clone(), 0.5), one)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.75, 0.9])
def test_there_is_as_much_noise_everywhere_on_the_arc(share: float) -> None:
    one, other = noise(1), noise(2)
    assert float(on_arc(one, other, share).std()) == pytest.approx(1.0, abs=0.05)
    assert float(torch.lerp(one, other, 0.5).std()) < 0.75, "as there is not on the straight line"


def test_equal_steps_of_strength_are_equal_steps_on_the_arc() -> None:
    one, other = noise(1), noise(2)
    points = [on_arc(one, other, n / 4).flatten().double() for n in range(5)]
    cosines = [
        float(torch.nn.functional.cosine_similarity(a, b, dim=0)) for a, b in pairwise(points)
    ]
    assert cosines == pytest.approx([cosines[0]] * 4, abs=0.01)


def test_a_variation_of_a_variation_begins_where_that_one_is() -> None:
    first = varied(noise(1), [by(2, 0.3)])
    twice = varied(noise(1), [by(2, 0.3), by(3, 0.1)])
    assert torch.equal(twice, on_arc(first, noise(3), 0.1))
    assert torch.dist(twice, first) < torch.dist(twice, noise(1))


def drawn(recipe: Recipe, *inputs: bytes) -> bytes:
    return render(recipe, inputs, loaded.sd15(), on_step=lambda *_: None).content


def small(**changes: Any) -> Recipe:
    return changed(loaded.recipe_of("sd1"), steps=3, sigmas=(9.0, 3.0, 1.0, 0.0), **changes)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_at_no_strength_it_is_the_same_picture_under_every_sampler(sampler: str) -> None:
    recipe = small(sampler=sampler)
    assert drawn(changed(recipe, variations=(by(2, 0.0),))) == drawn(recipe)
    photo = a_photo()
    redrawn = redrawing(recipe, photo)
    assert drawn(changed(redrawn, variations=(by(2, 0.0),)), photo) == drawn(redrawn, photo)


def test_at_full_strength_the_start_is_the_other_seeds_and_the_steps_noise_stays() -> None:
    other = (by(2, 1.0),)
    plain = small(sampler="dpmpp_2m")
    assert drawn(changed(plain, variations=other)) == drawn(changed(plain, seed=2))
    noisy = small(sampler="euler_ancestral")
    assert drawn(changed(noisy, variations=other)) != drawn(changed(noisy, seed=2))


def test_strengths_and_seeds_are_pictures_of_their_own() -> None:
    recipe = small()
    others = [(), (by(2, 0.1),), (by(2, 0.4),), (by(3, 0.4),), (by(2, 0.1), by(3, 0.1))]
    assert len({drawn(changed(recipe, variations=each)) for each in others}) == len(others)


def test_a_variation_is_all_that_differs_and_is_kept_in_text_and_draft() -> None:
    before = a_recipe()
    after = changed(before, variations=(by(2, 0.25),))
    (only,) = difference(before, after)
    assert (only.name, only.before, only.after) == ("variations", (), (by(2, 0.25),))
    assert parse(dump(after)) == after
    assert after.id != before.id
    assert said(after).variations == after.variations
    draft = a_draft("a", variations=after.variations)
    assert complete(draft, a_model(), seed=1, device="cpu").variations == after.variations


def test_what_cannot_be_is_refused() -> None:
    for seed, strength in ((-1, 0.5), (2**32, 0.5), (1, 1.5), (1, -0.1), (1, 1)):
        with pytest.raises(OutOfRange):
            by(seed, strength)
    with pytest.raises(OutOfRange, match="variations"):
        a_recipe(variations=(by(1, 0.1),) * (MAX_VARIATIONS + 1))


def test_a1111_is_told_of_one_variation_and_more_are_read_back_too() -> None:
    one, two = by(7, 0.25), by(8, 0.5)
    text = infotext(a_recipe(variations=(one,)))
    assert "Variation seed: 7, Variation seed strength: 0.25" in text
    for upon in ((one,), (one, two)):
        wish = a_wish(infotext(a_recipe(variations=upon)))
        found, [said] = unpasted(wish, FAMILIES["starter"], "starter")
        assert found.draft.variations == upon
        assert "variation" in said
    assert "ariation" not in infotext(a_recipe())


@pytest.mark.parametrize("said", ["x", "1.5", "nan", "-1", "0.1:0.2"])
def test_a_variation_that_is_none_is_left_out_and_said(said: str) -> None:
    text = infotext(a_recipe(variations=(by(7, 0.25),))).replace("0.25", said)
    found, [note] = unpasted(a_wish(text), FAMILIES["starter"], "starter")
    assert found.draft.variations == ()
    assert "variation" in note


def test_the_page_of_a_picture_tells_its_variations() -> None:
    shown, _ = recipe_page(a_stored_picture(a_recipe(variations=(by(7, 0.25), by(8, 0.5)))))
    assert "7 by 0.25, 8 by 0.5" in shown

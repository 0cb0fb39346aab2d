"""Claims about what pictures are thought to cost."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.model_key import model_key
from generation.queue.costs import MAX_LINES, SHORTEST, CostModel
from generation.recipe import Recipe, Sha256, Weights, needed
from tests.given.builders import changed
from tests.given.stored import RECIPE, with_steps

OTHER = Weights(name="another", sha256=Sha256("d" * 64))


def seconds_of(recipe: Recipe) -> float:
    """A machine: 0.8 s for what is done once, 0.25 s a step."""
    return 0.8 + 0.25 * needed(recipe.sampling).steps


def taught(*steps: int, times: int = 20) -> CostModel:
    model = CostModel()
    for _ in range(times):
        for count in steps:
            recipe = with_steps(count)
            model.learn(recipe, seconds_of(recipe))
    return model


def test_a_fresh_model_guesses_more_for_more_work() -> None:
    model = CostModel()
    small, large = with_steps(10), changed(with_steps(10), width=256, height=256)
    assert 0.0 < model.predict(small) < model.predict(with_steps(20)) < model.predict(large)


def test_one_picture_is_enough_to_forget_the_guess() -> None:
    model = CostModel()
    model.learn(with_steps(20), 40.0)
    assert model.predict(with_steps(20)) == pytest.approx(40.0)


def test_with_one_number_of_steps_the_time_is_taken_as_proportional() -> None:
    assert taught(20).predict(with_steps(40)) == pytest.approx(2 * seconds_of(with_steps(20)))


def test_with_two_the_fixed_part_is_told_from_the_steps() -> None:
    model = taught(10, 30)
    for steps in (5, 20, 60):
        recipe = with_steps(steps)
        assert model.predict(recipe) == pytest.approx(seconds_of(recipe), rel=0.12)


def test_a_new_size_is_judged_by_the_pixels_of_the_known_one() -> None:
    model = taught(20)
    large = changed(with_steps(20), width=256, height=256)
    assert model.predict(large) == pytest.approx(4 * model.predict(with_steps(20)), rel=0.01)


def test_guidance_and_twofold_samplers_cost_two_calls_a_step() -> None:
    model = taught(20)
    known = model.predict(with_steps(20))
    assert model.predict(changed(with_steps(20), cfg=1.0)) == pytest.approx(known / 2, rel=0.01)
    assert model.predict(changed(with_steps(20), sampler="heun")) == pytest.approx(
        known * 2, rel=0.01
    )


def test_an_unknown_checkpoint_is_judged_by_its_family_and_then_by_anything() -> None:
    model = taught(20)
    known = model.predict(with_steps(20))
    assert model.predict(replace(with_steps(20), checkpoint=OTHER)) == pytest.approx(known)
    stranger = replace(with_steps(20), checkpoint=OTHER, family="sdxl")
    assert model.predict(stranger) == pytest.approx(known)


def test_checkpoints_do_not_spoil_each_other_s_line() -> None:
    model = taught(20)
    before = model.predict(with_steps(20))
    for _ in range(50):
        model.learn(replace(with_steps(20), checkpoint=OTHER), 500.0)
    assert model.predict(with_steps(20)) == before


def test_a_laptop_that_slept_is_no_news_about_its_speed() -> None:
    model = taught(20)
    model.learn(with_steps(20), 36_000.0)
    assert model.predict(with_steps(20)) < 1.5 * seconds_of(with_steps(20))


def test_a_machine_that_became_slower_is_believed_in_the_end() -> None:
    model = taught(20)
    for _ in range(60):
        model.learn(with_steps(20), 100.0)
    assert model.predict(with_steps(20)) == pytest.approx(100.0, rel=0.1)


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.nan, math.inf])
def test_what_cannot_be_true_is_passed_over(seconds: float) -> None:
    model = CostModel()
    model.learn(RECIPE, seconds)
    assert model.dump() == CostModel().dump()


@given(
    st.lists(st.tuples(st.integers(1, 150), st.floats(1e-6, 1e6)), max_size=30),
    st.integers(1, 150),
)
def test_a_prediction_is_positive_and_finite_whatever_was_learnt(
    pictures: list[tuple[int, float]], steps: int
) -> None:
    model = CostModel()
    for count, seconds in pictures:
        model.learn(with_steps(count), seconds)
    assert SHORTEST <= model.predict(with_steps(steps)) < math.inf
    assert CostModel.load(model.dump()).predict(with_steps(steps)) == model.predict(
        with_steps(steps)
    )
    assert model.predict(with_steps(steps + 1)) >= model.predict(with_steps(steps)) * (1 - 1e-9)


@pytest.mark.parametrize(
    "text", [None, "", "nonsense", "[]", "7", '{"a": 1}', '{"a": [1, 2]}', '{"a": [0, 0, 0, 0, 0]}']
)
def test_a_memory_that_cannot_be_read_is_forgotten(text: str | None) -> None:
    assert CostModel.load(text).predict(RECIPE) == CostModel().predict(RECIPE)


def test_the_memory_has_an_end_and_keeps_what_was_used_last() -> None:
    model = CostModel()
    for number in range(MAX_LINES):
        weights = Weights(name="one of many", sha256=Sha256(f"{number:064x}"))
        model.learn(replace(RECIPE, checkpoint=weights), float(number + 1))
    assert len(model._lines) == MAX_LINES
    newest = replace(RECIPE, checkpoint=weights)
    assert model.predict(newest) == pytest.approx(float(MAX_LINES))


def test_how_long_weights_take_is_learnt_and_remembered() -> None:
    costs, model = CostModel(), model_key(RECIPE)
    guess = costs.predict_loading(model, 10**9, in_memory=False)
    for _ in range(20):
        costs.learn_loading(model, 2 * guess, in_memory=False)
    assert costs.predict_loading(model, 10**9, in_memory=False) == 2 * guess
    again = CostModel.load(costs.dump())
    assert again.predict_loading(model, 10**9, in_memory=False) == 2 * guess
    assert again.predict_loading(model, 10**9, in_memory=True) < guess


def test_a_reading_that_cannot_be_true_teaches_nothing() -> None:
    costs, model = CostModel(), model_key(RECIPE)
    for seconds in (0.0, -1.0, float("nan"), float("inf")):
        costs.learn_loading(model, seconds, in_memory=True)
    assert costs.dump() == CostModel().dump()

"""What the built-in 3D model learns from: solids by formula, a table of triangles, wishes."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
import torch
from diffusers.pipelines.shap_e.renderer import MeshDecoder

from generation.starter.form_words import FORM_WORDS, SIZE_WORDS
from generation.starter.words import COLOUR_WORDS
from generation.training.form.judge import filled, named_colour, overlap, solid_cells
from generation.training.form.solids import FORMS, SIZES, cells, distance
from generation.training.form.triangles import tables, triangles_of
from generation.training.form.wishes import (
    KINDS,
    bodies,
    held_out_bodies,
    phrase,
    shade,
    training_body,
)


def _decoder() -> MeshDecoder:
    decoder = MeshDecoder()
    cases, masks = tables()
    decoder.cases.copy_(cases)
    decoder.masks.copy_(masks)
    return decoder


def _surface(field: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The triangles of a field, positive inside, with an outside all around it."""
    whole = torch.full([side + 2 for side in field.shape], -1.0)
    whole[1:-1, 1:-1, 1:-1] = field
    found = _decoder()(whole, torch.full((3,), -1.0), torch.full((3,), 2.0))
    return found.verts.double().numpy(), found.faces.numpy()


def test_the_table_has_the_usual_triangles_and_none_of_nothing() -> None:
    cases, masks = tables()
    assert int(masks.sum()) == 820
    assert triangles_of(0) == triangles_of(255) == []
    assert int(cases.max()) == 11
    assert [len(triangles_of(1 << corner)) for corner in range(8)] == [1] * 8


def test_a_surface_of_any_field_is_closed() -> None:
    """Of noise, in which every case comes up: each side is run through as often as back."""
    noise = torch.randn(24, 24, 24, generator=torch.Generator().manual_seed(3))
    vertices, faces = _surface(noise)
    ends = faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    forth = np.sort(ends[:, 0] * len(vertices) + ends[:, 1])
    back = np.sort(ends[:, 1] * len(vertices) + ends[:, 0])
    assert len(faces) > 10_000
    assert np.array_equal(forth, back)


def test_triangles_look_outwards() -> None:
    ball = torch.from_numpy(-distance("ball", cells(24), 0.88)).float().reshape(24, 24, 24)
    vertices, faces = _surface(ball)
    a, b, c = (vertices[faces[:, at]] for at in range(3))
    volume = float((a * np.cross(b, c)).sum() / 6)
    # The stock renderer lays a border around the grid and does not count it: a little smaller.
    assert volume == pytest.approx(4 / 3 * np.pi * (0.9 * 0.88 * 23 / 25) ** 3, rel=0.02)


@pytest.mark.parametrize("form", FORMS)
def test_a_solid_fits_and_its_formula_is_a_distance(form: str) -> None:
    """Inside the box; no step of 0.01 changes the distance by more, nor by much less near it."""
    dice = np.random.default_rng(5)
    points = dice.uniform(-1.2, 1.2, (4_000, 3))
    away = distance(form, points, 1.0)
    assert (away[np.abs(points).max(axis=1) > 1.05] > 0).all()
    assert 0.02 < (away < 0).mean() < 0.4
    step = dice.normal(size=points.shape)
    step *= 0.01 / np.linalg.norm(step, axis=1, keepdims=True)
    assert np.abs(distance(form, points + step, 1.0) - away).max() <= 0.0101


def test_the_size_and_the_height_of_a_solid_scale_it() -> None:
    point = np.array([[0.3, 0.1, 0.2]])
    assert distance("cube", point * 0.63, 0.63) == pytest.approx(0.63 * distance("cube", point, 1))
    high = np.array([[0.0, 0.0, 0.76]])
    assert distance("cube", high, 1.0) > 0 > distance("cube", high, 1.0, stretch=1.1)


def test_the_judge_fills_a_mesh_as_the_formula_does() -> None:
    for form in ("cube", "ring", "cup"):
        field = torch.from_numpy(-distance(form, cells(56), 0.88)).float().reshape(56, 56, 56)
        vertices, faces = _surface(field)
        assert overlap(filled(vertices * 57 / 55, faces), solid_cells(form, 0.88)) > 0.95


def test_the_judge_names_colours() -> None:
    for name in KINDS["colour"]:
        linear = np.array([[(c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)
                            for c in shade(name)]])  # fmt: skip
        assert named_colour(np.repeat(linear, 5, axis=0)) == name


def test_held_out_combinations_are_never_trained_on() -> None:
    kept, taught = bodies(held_out=True), bodies(held_out=False)
    assert len(kept) + len(taught) == len(FORMS) * len(SIZES) * 9
    assert 20 <= len(kept) <= 50
    dice = Random(1)
    assert not {training_body(dice) for _ in range(3_000)} & set(kept)
    assert set(held_out_bodies(100, dice)) == set(kept)
    assert {body.form for body in taught} == set(FORMS)


def test_a_wish_names_what_it_says_and_no_other() -> None:
    """Whatever else stands in it, the words of its form, colour and size do, in this order."""
    dice = Random(2)
    for _ in range(500):
        body = training_body(dice)
        said = phrase(body, dice)
        text = said.text.lower()
        words = {"form": FORM_WORDS, "colour": COLOUR_WORDS, "size": SIZE_WORDS}
        for kind in said.says:
            assert any(word in text for word in words[kind][getattr(body, kind)]), said
        for other in FORMS:
            if other != body.form and "form" in said.says:
                own = FORM_WORDS[body.form]
                assert not any(
                    f" {word} " in f" {text} " and not any(word in mine for mine in own)
                    for word in FORM_WORDS[other]
                ), said

"""Claims about films in two passes: what their recipes say, and how each pass is drawn."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from generation.catalog.catalog import Catalog
from generation.catalog.partconfigs import CONFIGS, config_of
from generation.catalog.recognition import of_file
from generation.draft import complete, said
from generation.errors import GenerationError, NoEnlarger, OutOfRange
from generation.families.architecture import Shapes, Stage
from generation.families.family import FAMILIES
from generation.families.ltx2 import ENLARGER, LTX_2, LTX_23
from generation.fleet.wire import Stepped
from generation.limits import Present, for_somebody
from generation.queue.costs import CostModel
from generation.recipe import (
    Adapter,
    Input,
    Recipe,
    Sha256,
    Weights,
    canonical,
    dump,
    needed,
    parse,
)
from generation.spans import Motion, SecondPass
from generation.tasks import Task
from generation.two_passes import passes
from generation.worker.adapters import switching
from generation.worker.memory import needs
from generation.worker.render import render
from tests.given import tinymodels
from tests.given.builders import a_digest, a_draft, a_model, changed
from tests.given.heard_films import a_heard_film
from tests.given.pausing import Table, a_table_of
from tests.given.tiny import ltx2
from tests.given.two_passes import (
    HEIGHT,
    LEVELS,
    WIDTH,
    cache_of,
    entry_of,
    in_two_passes,
    model_of,
    write_enlarger,
    write_lora,
)
from tests.given.worker_process import a_photo

A_LORA = Weights(name="quick", sha256=a_digest("e"))


def asked(model: Any = None, **words: Any) -> Recipe:
    draft = changed(a_draft("a cat", canvas=a_draft("x").canvas), **{"passes": 2} | words)
    return complete(draft, model or entry_of("ltx-2").model, seed=1, device="cpu")


# -- a recipe ------------------------------------------------------------------------------


def test_a_recipe_says_it_and_one_without_is_spelled_as_it_was() -> None:
    recipe = in_two_passes("ltx-2")
    assert parse(dump(recipe)) == recipe
    assert '"second"' not in canonical(a_heard_film("ltx-2"))
    assert '"held"' not in canonical(recipe)
    other = replace(recipe, second=SecondPass(sampler="euler", sigmas=(0.85, 0.0), cfg=1.0))
    assert len({recipe.id, other.id, replace(recipe, second=None).id}) == 3


def test_each_pass_is_a_recipe_of_its_own() -> None:
    motion = Motion(frames=9, fps=8.0, piece=None, overlap=None, held=0.7)
    quick = Adapter(kind="lora", weights=A_LORA, strength=1.0, control=None, expert="low")
    both = replace(quick, weights=Weights(name="ink", sha256=a_digest("f")), expert=None)
    recipe = replace(in_two_passes("ltx-2", motion=motion), adapters=(quick, both))
    first, second = passes(recipe)
    assert (first.drawn_at.width, first.drawn_at.height) == (WIDTH // 2, HEIGHT // 2)
    assert second.canvas == recipe.canvas
    assert first.sampling == recipe.sampling
    assert (needed(second.sampling).sigmas, needed(second.sampling).steps) == (LEVELS, 3)
    assert needed(second.sampling).cfg == 1.0
    assert (needed(first.motion).held, needed(second.motion).held) == (0.7, None)
    assert [one.weights.name for one in first.adapters] == ["ink"]
    assert [one.weights.name for one in second.adapters] == ["quick", "ink"]
    assert first.second is second.second is None
    assert passes(first) == (first,)


@pytest.mark.parametrize(
    ("sigmas", "why"),
    [((0.5,), "descending"), ((0.5, 0.9, 0.0), "descending"), ((2.0, 0.0), "0 to 1")],
)
def test_levels_that_are_none_are_refused(sigmas: tuple[float, ...], why: str) -> None:
    with pytest.raises(OutOfRange, match=why):
        SecondPass(sampler="euler", sigmas=sigmas, cfg=1.0)


# -- a draft -------------------------------------------------------------------------------


def test_what_is_asked_for_in_two_passes_is_closed_with_what_is_usual() -> None:
    recipe = asked(width=768, height=512)
    assert needed(recipe.second) == SecondPass(sampler="euler", sigmas=LEVELS, cfg=1.0)
    assert recipe.components == (entry_of("ltx-2").model.enlarger,)
    assert complete(said(recipe), entry_of("ltx-2").model, seed=1, device="cpu") == recipe
    once = asked(passes=1, width=768, height=512)
    assert (once.second, once.components) == (None, ())
    assert asked(passes=None, width=768, height=512) == once


def test_the_first_pass_walks_the_levels_of_its_own_size() -> None:
    twice, small = asked(width=1536, height=1024), asked(passes=1, width=768, height=512)
    assert needed(twice.sampling).sigmas == needed(small.sampling).sigmas
    assert needed(asked(passes=1, width=1536, height=1024).sampling) != needed(small.sampling)


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        ({"width": 800, "height": 512}, "a multiple of 64 on each side"),
        ({"passes": 3}, "1 to 2"),
        ({"held": 0.7}, ""),
    ],
)
def test_what_cannot_be_drawn_so_is_refused_or_left(words: dict[str, Any], allowed: str) -> None:
    if not allowed:  # nothing is held of a film that begins with no picture
        assert needed(asked(**words).motion).held is None
        return
    with pytest.raises(OutOfRange, match=allowed):
        asked(**words)


def test_a_model_without_its_enlarger_says_which_file_is_meant() -> None:
    bare = replace(entry_of("ltx-2.3").model, enlarger=None)
    with pytest.raises(NoEnlarger, match=r"ltx-2\.3-spatial-upscaler-x2\.safetensors"):
        asked(bare)
    assert bare.able.second is None
    assert asked(bare, passes=1).second is None


@pytest.mark.parametrize("family", ["wan-2.1", "ltx-video", "starter-video"])
def test_other_families_draw_in_one_pass(family: str) -> None:
    with pytest.raises(OutOfRange, match="1 for"):
        asked(a_model(family=family))
    draft = changed(
        a_draft("a cat"), held=0.5, inputs=(Input(role="first", sha256=a_digest("b"), fit="cover"),)
    )
    if Task.IMAGE_TO_VIDEO in FAMILIES[family].tasks:
        with pytest.raises(OutOfRange, match="1 for"):
            complete(draft, a_model(family=family), seed=1, device="cpu")


def test_between_two_pictures_both_are_held_whole() -> None:
    inputs = tuple(
        Input(role=role, sha256=a_digest(letter), fit="cover")
        for role, letter in (("first", "b"), ("last", "c"))
    )
    with pytest.raises(OutOfRange, match="between two pictures"):
        asked(held=0.5, inputs=inputs)
    assert needed(asked(held=0.5, inputs=inputs[:1]).motion).held == 0.5
    assert needed(asked(held=1.0, inputs=inputs[:1]).motion).held is None


def test_a_stranger_s_recipe_is_drawn_as_far_as_it_could_be_asked_for() -> None:
    recipe = in_two_passes("ltx-2", width=768, height=512)
    allowed = {
        entry.weights.sha256: Present(kind=entry.kind, weights=entry.weights, family=entry.family)
        for entry in cache_of("ltx-2").catalog.entries()
    }
    assert for_somebody(recipe, allowed) == recipe
    for wrong, why in (
        (changed(recipe, width=800), "multiple of 64"),
        (replace(recipe, second=SecondPass(sampler="x", sigmas=LEVELS, cfg=1.0)), "sampler"),
        (replace(recipe, second=SecondPass(sampler="euler", sigmas=(0.5, 0.2), cfg=1.0)), "to 0"),
    ):
        with pytest.raises(GenerationError, match=why):
            for_somebody(wrong, allowed)
    with pytest.raises(NoEnlarger):
        for_somebody(replace(recipe, components=()), allowed)
    with pytest.raises(OutOfRange, match="none without a picture"):
        for_somebody(changed(recipe, held=0.5), allowed)
    with pytest.raises(OutOfRange, match="0 to less than 1"):
        changed(recipe, held=-0.0)
    once = replace(a_heard_film("ltx-2", width=768, height=512), family="wan-2.1")
    with pytest.raises(GenerationError):
        for_somebody(replace(once, second=recipe.second), allowed)


def test_it_costs_what_both_passes_do() -> None:
    model, recipe = CostModel(), in_two_passes("ltx-2")
    first, second = passes(recipe)
    apart = model.predict(first) + model.predict(second)
    assert model.predict(recipe) == pytest.approx(apart, rel=0.05)
    assert model.predict(recipe) > model.predict(first)


# -- its file ------------------------------------------------------------------------------


def published(name: str, **more: object) -> Shapes:
    """The names and shapes of a file that is published."""
    [part] = (LTX_2 if name == "ltx-2" else LTX_23).at(Stage.ENLARGE)
    config = {**config_of(CONFIGS / part.config), "use_rational_resampler": name == "ltx-2", **more}
    shapes = dict(part.network.tensors(config) or {})
    return shapes


@pytest.mark.parametrize("name", ["ltx-2", "ltx-2.3"])
def test_a_published_file_is_a_component(name: str) -> None:
    shapes = published(name)
    assert len(shapes) == (73 if name == "ltx-2" else 72)
    found = of_file(shapes, "x", dtypes=dict.fromkeys(shapes, "BF16"))
    assert found.kind == "component"
    assert set(found.fills) == {LTX_2.part(ENLARGER).kind}
    bare = {key: shape for key, shape in shapes.items() if not key.endswith("kernel")}
    assert of_file(bare, "x", dtypes=dict.fromkeys(bare, "BF16")).kind == "component"


def test_what_enlarges_otherwise_is_refused() -> None:
    shapes = published("ltx-2")
    for key, shape in (
        ("upsampler.conv.weight", (9 * 1024, 1024, 3, 3)),  # by one and a half
        ("final_conv.weight", (64, 1024, 3, 3, 3)),
    ):
        wrong = {**shapes, key: shape, key.replace("weight", "bias"): shape[:1]}
        with pytest.raises(GenerationError):
            of_file(wrong, "x", dtypes=dict.fromkeys(wrong, "BF16"))
    in_time = {k: s for k, s in published("ltx-2.3").items() if not k.startswith("upsampler.")}
    in_time |= {"upsampler.0.weight": (2048, 1024, 3, 3, 3), "upsampler.0.bias": (2048,)}
    with pytest.raises(GenerationError):
        of_file(in_time, "x", dtypes=dict.fromkeys(in_time, "BF16"))


def scanned(tmp_path: Path, name: str, *files: Path) -> Any:
    catalog = Catalog([tinymodels.of(name), *{file.parent for file in files}], tmp_path / "d.json")
    catalog.scan()
    [entry] = catalog.models()
    return entry


def test_the_one_for_the_model_is_told_by_its_name_or_its_card(tmp_path: Path) -> None:
    mine = write_enlarger(tmp_path / "mine", "ltx-2")
    theirs = write_enlarger(tmp_path / "theirs", "ltx-2.3")
    for name, its in (("ltx-2", mine), ("ltx-2.3", theirs)):
        entry = scanned(tmp_path, name, mine, theirs)
        assert entry.model.enlarger.name == its.stem
        assert "latent upsampler" in entry.note
    assert scanned(tmp_path, "ltx-2", theirs).model.enlarger is None
    other = theirs.parent / "some.safetensors"
    shutil.move(theirs, other)
    assert scanned(tmp_path, "ltx-2.3", other).model.enlarger is None
    card = other.parent / f"{other.name}.atelier.toml"
    card.write_text('family = "ltx-2.3"\n')
    assert scanned(tmp_path, "ltx-2.3", other).model.enlarger.name == "some"
    assert scanned(tmp_path, "ltx-2", other).model.enlarger is None


def test_one_for_wider_latents_is_none_of_it(tmp_path: Path) -> None:
    wide = write_enlarger(tmp_path / "wide", "ltx-2", in_channels=ltx2.LATENT * 2)
    assert scanned(tmp_path, "ltx-2", wide).model.enlarger is None


def test_a_model_folder_s_own_is_no_part_that_nobody_counted(tmp_path: Path) -> None:
    """Its digest holds what its index names."""
    folder = shutil.copytree(tinymodels.of("ltx-2"), tmp_path / "m")
    ltx2.enlarger().save_pretrained(folder / ENLARGER)
    catalog = Catalog([folder], tmp_path / "digests.json")
    catalog.scan()
    [entry] = catalog.models()
    assert entry.weights.sha256 == entry_of("ltx-2").weights.sha256
    with cache_of("ltx-2").take(a_heard_film("ltx-2"), on_load=lambda _: None) as model:
        assert not model.at(Stage.ENLARGE)


# -- at work -------------------------------------------------------------------------------


def test_the_steps_of_both_are_counted_and_each_part_is_there_in_its_turn() -> None:
    recipe, model = in_two_passes("ltx-2"), model_of("ltx-2")
    stages, steps, sizes = list[Stage](), list[tuple[int, int]](), list[Any]()

    def on_step(done: int, total: int, x0: Any) -> None:
        steps.append((done, total))
        sizes.append(tuple(x0.shape[-2:]))

    render(recipe, (), model, on_step=on_step, at=stages.append)
    assert steps == [(done, 6) for done in range(1, 7)]
    assert sizes == [(1, 2)] * 3 + [(2, 4)] * 3
    between = [Stage.DECODE, Stage.ENLARGE]  # whose VAEs have the scales of the latents
    assert stages == [Stage.ENCODE, Stage.DENOISE, *between, Stage.DENOISE, Stage.DECODE]
    assert [part.key.part for part in model.at(Stage.ENLARGE)] == [ENLARGER]
    assert Stage.ENLARGE in needs.stages(recipe)
    assert Stage.ENLARGE not in needs.stages(a_heard_film("ltx-2"))
    told = needs.predict(recipe, model, torch.device("cpu")).stages
    assert told[Stage.ENLARGE].drawing > 0
    assert told[Stage.DENOISE].drawing >= max(
        needs.activations(one, model, Stage.DENOISE) for one in passes(recipe)
    )


def test_a_model_that_lacks_it_after_all_is_one_kind_sentence() -> None:
    recipe = replace(in_two_passes("ltx-2"), components=())
    with (
        cache_of("ltx-2").take(recipe, on_load=lambda _: None) as model,
        pytest.raises(NoEnlarger, match="ltx-2-spatial"),
    ):
        render(recipe, (), model, on_step=lambda *_: None)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    write_enlarger(tmp_path / "m", "ltx-2")
    write_lora(tmp_path / "m")
    catalog = Catalog([tinymodels.of("ltx-2"), tmp_path / "m"], tmp_path / "d.json")
    catalog.scan()
    return a_table_of(catalog, None)


def lora(table: Table, expert: str | None) -> Adapter:
    weights = table.cache.catalog.find("quick", "lora").weights
    return Adapter(kind="lora", weights=weights, strength=1.0, control=None, expert=expert)


def test_paused_at_every_step_it_is_the_same_with_each_pass_s_loras(table: Table) -> None:
    one = replace(in_two_passes("ltx-2"), adapters=(lora(table, "low"),))
    other = replace(a_heard_film("ltx-2"), adapters=(lora(table, None),), seed=9)
    undisturbed, beside = table.draw(one), table.draw(other)
    seen = list[object]()
    paused = table.draw_with_pauses(one, meanwhile=lambda _: seen.append(table.draw(other)))
    assert paused == undisturbed
    assert seen == [beside] * 6
    assert len({table.draw(replace(one, adapters=ones)) for ones in _turns(table)}) == 4


def _turns(table: Table) -> list[tuple[Adapter, ...]]:
    return [(), *((lora(table, expert),) for expert in ("high", "low", None))]


def guesses(table: Table, *adapters: Adapter) -> list[Any]:
    """What the film is guessed to be behind each step."""
    model, found = model_of("ltx-2"), list[Any]()
    render(
        replace(in_two_passes("ltx-2"), adapters=adapters),
        (),
        model,
        on_step=lambda _done, _total, x0: found.append(needed(x0).clone()),
        passing=lambda one: switching.switch(model, one, table.cache.catalog.locate),
    )
    switching.unload(model)
    return found


@pytest.mark.parametrize("name", ["ltx-2", "ltx-2.3"])
@pytest.mark.parametrize("room", ["a stage", "the least"])
def test_where_the_parts_of_a_stage_have_to_give_way_it_is_the_same(
    name: str, room: str, tmp_path: Path
) -> None:
    write_enlarger(tmp_path / "m", name)
    catalog = Catalog([tinymodels.of(name), tmp_path / "m"], tmp_path / "d.json")
    catalog.scan()
    recipe = in_two_passes(name)
    told = needs.predict(recipe, model_of(name), torch.device("cpu"))
    limit = (told.by_stage if room == "a stage" else told.least) + 2000
    with_room, without = a_table_of(catalog, None), a_table_of(catalog, limit)
    undisturbed = with_room.draw(recipe)
    assert without.draw(recipe) == undisturbed
    other = replace(a_heard_film(name), seed=9)
    paused = without.draw_with_pauses(recipe, meanwhile=lambda _: without.draw(other))
    assert paused == undisturbed


def test_what_lacks_its_enlarger_is_told_before_a_step(table: Table) -> None:
    recipe = replace(in_two_passes("ltx-2"), components=())
    table.heard.clear()
    with pytest.raises(GenerationError, match="ltx-2-spatial"):
        table.draw(recipe)
    assert not any(isinstance(report, Stepped) for report in table.heard)


def test_of_two_versions_the_later_one_is_taken(tmp_path: Path) -> None:
    first = write_enlarger(tmp_path / "mine", "ltx-2.3")
    later = first.with_name(first.name.replace("1.0", "1.1"))
    save_file({k: v.contiguous() for k, v in ltx2.enlarger(seed=3).state_dict().items()}, later)
    entry = scanned(tmp_path, "ltx-2.3", first)
    assert entry.model.enlarger.name == later.stem
    assert f"not {first.stem}: the last by its name" in entry.note


def test_a_file_says_what_it_is_where_nobody_takes_it(tmp_path: Path) -> None:
    file = write_enlarger(tmp_path / "m", "ltx-2.3")
    catalog = Catalog([file.parent], tmp_path / "d.json")
    catalog.scan()
    [entry] = catalog.entries()
    assert "a latent upsampler" in entry.note
    assert "ltx-2.3-spatial-upscaler-x2.safetensors" in entry.note


def test_a_lora_of_the_second_pass_goes_without_one() -> None:
    ones = tuple(
        Adapter(
            kind="lora",
            weights=Weights(name=letter, sha256=a_digest(letter)),
            strength=1.0,
            control=None,
            expert=expert,
        )
        for letter, expert in (("a", "low"), ("b", "high"), ("c", None))
    )
    on = {passes: asked(passes=passes, adapters=ones).adapters for passes in (1, 2)}
    assert [(one.weights.name, one.expert) for one in on[1]] == [("b", None), ("c", None)]
    assert on[2] == ones


def test_a_lora_of_one_pass_is_off_in_the_other(table: Table) -> None:
    """What the first pass leaves is what it leaves without; what the second makes of it is not."""
    pairs = list(zip(guesses(table), guesses(table, lora(table, "low")), strict=True))
    assert all(torch.equal(*pair) for pair in pairs[:3])
    assert not any(torch.equal(*pair) for pair in pairs[3:])


def test_a_film_that_begins_with_some_of_a_picture_is_drawn_on_from_it_all(table: Table) -> None:
    first = Input(role="first", sha256=Sha256(a_digest("b")), fit="cover")
    motion = Motion(frames=9, fps=8.0, piece=None, overlap=None, held=0.5)
    loose = replace(
        in_two_passes("ltx-2", motion=motion), inputs=(first,), task=Task.IMAGE_TO_VIDEO
    )
    whole = changed(loose, held=None)
    ours, theirs = (table.draw(one, a_photo()) for one in (loose, whole))
    assert ours != theirs
    assert table.draw(loose, a_photo()) == ours

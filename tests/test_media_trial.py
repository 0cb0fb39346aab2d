"""The trial of what is made again asks for whatever can be made here, and is not easily content."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from generation.catalog.catalog import Catalog
from generation.fleet.wire import Finished
from generation.job import JobId
from generation.media.table import MEDIA, medium_of
from generation.tasks import IMAGE
from generation.trials.media import ways
from generation.trials.media.__main__ import BUILT_IN, main, table
from generation.trials.media.recipes import AskedWork, missing, models_of, thrown
from generation.trials.media.ways import FirstMade, KeptWorks, compared
from tests.given import tinymodels
from tests.given.other_media import content_of


@cache
def catalog() -> Catalog:
    found = Catalog([BUILT_IN], tinymodels.home() / "built-in.json")
    found.scan()
    return found


def asked_for(count: int, seed: int = 1) -> list[AskedWork]:
    return thrown(models_of(catalog()), count, seed, "cpu")


def finished(asked: AskedWork, brush: bytes = b"") -> Finished:
    """What a worker would say of it that doodles."""
    medium, content = medium_of(asked.recipe), content_of(asked.recipe, brush)
    return Finished(
        job=JobId(1),
        file=medium.write(content, asked.recipe, {}),
        pixels_sha256=medium.digest(content),
        latents_sha256="0" * 64,
        seconds=1.0,
    )


def kept(asked: AskedWork, folder: Path) -> tuple[KeptWorks, FirstMade]:
    home = KeptWorks(folder)
    return home, home.keep(1, asked, finished(asked))


def test_the_dice_ask_for_all_that_the_built_in_models_make_and_each_time_for_the_same() -> None:
    models = models_of(catalog())
    found = asked_for(60)
    assert [one.recipe.id for one in found] == [one.recipe.id for one in asked_for(60)]
    assert len({one.recipe.id for one in found}) == 60
    counted = Counter(one.medium for one in found)
    assert set(counted) == set(models) <= set(MEDIA)
    assert max(counted.values()) - min(counted.values()) <= 1
    assert any(one.inputs for one in found)
    assert asked_for(1, seed=2)[0].recipe.id != found[0].recipe.id


def test_what_is_not_here_is_named_and_all_else_is_asked_for(tmp_path: Path) -> None:
    empty = Catalog([tmp_path], tmp_path / "digests.json")
    empty.scan()
    everything = {family.medium for family in missing(empty)}
    assert everything == set(MEDIA)
    here = {medium for medium, entries in models_of(catalog()).items() if entries}
    assert here | {family.medium for family in missing(catalog())} == set(MEDIA)


def test_another_content_and_other_latents_are_each_told_of(tmp_path: Path) -> None:
    asked = asked_for(1)[0]
    _, original = kept(asked, tmp_path)
    same = finished(asked)
    assert compared(original, ways.PAUSED, same).differs == ()
    moved = replace(same, latents_sha256="1" * 64)
    assert compared(original, ways.PAUSED, moved).differs == ("latents",)
    other = compared(original, ways.PAUSED, finished(asked, b"other"))
    assert other.differs == ("content",)
    assert "| 1 of 1 differ |" in table([other])


@pytest.mark.parametrize("number", range(len(MEDIA)))
def test_a_file_that_says_or_holds_something_else_is_told_of(tmp_path: Path, number: int) -> None:
    mine, other = asked_for(len(MEDIA) + 1)[number], asked_for(len(MEDIA), seed=5)[number]
    folder, original = kept(mine, tmp_path)
    folder.keep(2, other, finished(other))
    assert folder.asked_in(original) == (mine, ())
    original.path.write_bytes(finished(mine, b"other").file)
    assert folder.asked_in(original)[1] == ("file: another content",)
    original.path.write_bytes(finished(other).file)
    asked, wrong = folder.asked_in(original)
    assert asked == other
    assert "file: another recipe" in wrong
    original.path.write_bytes(b"")
    assert folder.asked_in(original)[1] == ("file: no recipe",)


@pytest.mark.slow
def test_some_works_of_every_medium_are_made_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--count", "8"]) == 0
    said = capsys.readouterr().out
    assert f"| {IMAGE} | " in said
    assert "0 of 32 works" in said

"""Seeds as other programs write them: -1 is a fresh one, 64 bits are folded, both are shown."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.cli.arguments import parser
from bot.cli.console import draw
from bot.pages.apologies import apology_for
from bot.studio.wishes import LARGEST_SEED, RANDOM_SEED, Counting, seed_named, seeds
from generation.errors import OutOfRange
from storage.people import SeedMode
from tests.given.apps import a_studio, some_settings
from tests.given.fakes import FakeWorker
from tests.given.results import is_result, recipe_of


def test_minus_one_is_a_fresh_seed_whatever_the_seed_mode_is() -> None:
    counting = Counting(mode=SeedMode.FIXED, last=5)
    assert seeds(RANDOM_SEED, 2, counting, lambda: 99) == (99, 100)
    for said in ("-1", " -1 ", "random", "Random"):
        assert seed_named(said) == RANDOM_SEED


def test_a_seed_of_64_bits_draws_the_noise_of_its_low_half() -> None:
    assert seeds(12345678901234, 1, Counting(), lambda: 0) == (12345678901234 % 2**32,)
    assert seeds(LARGEST_SEED, 2, Counting(), lambda: 0) == (2**32 - 1, 0)


def test_torch_draws_the_same_noise_for_the_fold() -> None:
    torch = pytest.importorskip("torch")
    whole, folded = torch.Generator("cpu"), torch.Generator("cpu")
    for seed in (12345678901234, 2**32 + 5, 2**63 - 1):
        whole.manual_seed(seed)
        folded.manual_seed(seed % 2**32)
        assert torch.equal(torch.randn(64, generator=whole), torch.randn(64, generator=folded))


@pytest.mark.parametrize(
    "said", ["", "abc", "-2", "1.5", "1_000", "٣", "²", "0x10", str(2**64), "9" * 400, "1e5", "nan"]
)
def test_what_is_no_seed_is_refused_in_a_sentence(said: str) -> None:
    with pytest.raises(OutOfRange) as refused:
        seed_named(said)
    assert "18446744073709551615" in apology_for(refused.value)


async def test_both_are_shown_and_the_recipe_holds_the_fold(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a", seed="12345678901234", count=2)
        first = await ann.sees(is_result)
        assert "Seed 12345678901234 → 1942892530" in first.content
        assert (await recipe_of(first)).seed == 1942892530
        await ann.command("settings", seed_mode="increment")
        await ann.sees("seed mode")
        await ann.command("imagine", prompt="b")
        second = await recipe_of(await ann.sees(is_result, after=first))
        assert second.seed in (1942892531, 1942892532), "counting goes on from the fold"
        await ann.command("imagine", prompt="c", seed="lots")
        await ann.sees("The seed must be a whole number")


def test_the_command_line_takes_minus_one(tmp_path: Path) -> None:
    worker = FakeWorker()
    for said in (["--seed", "-1"], ["--seed=-1"], ["--seed", "12345678901234"]):
        asked = parser().parse_args(["draw", "a", *said, "--out", str(tmp_path / "a.png")])
        assert asyncio.run(draw(some_settings(tmp_path), asked, [worker])) == 0
    assert worker.orders[-1].recipe.seed == 1942892530

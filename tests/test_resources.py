"""Claims about the machine's resources: how full each is, and which one limits."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot.cli import machine
from bot.cli.findings import Health
from bot.pages.status_page import status_page
from bot.studio.resources import Resource, limiting, resources


def driver(answer: str) -> tuple[str, ...]:
    """A program that answers as NVIDIA's does."""
    return (sys.executable, "-c", f"print({answer!r})")


NO_CARD = (sys.executable, "-c", "raise SystemExit(9)")


def full(**used: float) -> tuple[Resource, ...]:
    return tuple(Resource(name=name, used=share) for name, share in used.items())


def test_processor_memory_and_disk_are_looked_at_on_every_machine(tmp_path: Path) -> None:
    found = resources(tmp_path / "not" / "there" / "yet", NO_CARD)
    assert [each.name for each in found] == ["processor", "memory", "disk"]
    assert all(0 <= each.used <= 1 for each in found)
    assert "GiB" in found[1].amount


def test_each_card_has_its_own_use_and_memory(tmp_path: Path) -> None:
    two = "Fast Card, 97, 20480, 24576\nSmall Card, 0, 512, 8192"
    named = {each.name: each for each in resources(tmp_path, driver(two))}
    assert named["Fast Card"].used == pytest.approx(0.97)
    assert named["Fast Card's memory"].used == pytest.approx(20 / 24)
    assert named["Fast Card's memory"].amount == "of 24.0 GiB"
    assert named["Small Card's memory"].used == pytest.approx(1 / 16)
    assert limiting((named["Small Card"], named["Fast Card"])) is named["Fast Card"]


@pytest.mark.parametrize("answer", ["[N/A], [N/A], [N/A], [N/A]", "a card", ""])
def test_a_driver_that_says_nothing_of_use_is_no_failure(tmp_path: Path, answer: str) -> None:
    assert {"processor", "disk"} <= {each.name for each in resources(tmp_path, driver(answer))}


def test_the_first_above_four_fifths_limits() -> None:
    assert limiting(full(processor=0.5, memory=0.8, disk=0.1)) is None
    found = limiting(full(processor=0.5, memory=0.81, disk=0.99))
    assert found is not None
    assert found.name == "memory"


def test_people_read_which_one_limits_and_how_full_each_is() -> None:
    page = status_page(full(processor=0.25, memory=0.91))
    assert "**processor** 25%" in page
    assert "**memory** 91%" in page
    assert "**memory** limits" in page
    assert "Nothing limits" in status_page(full(processor=0.25))


def test_the_doctor_names_it_with_a_deed() -> None:
    fine = machine.how_full(full(processor=0.2, memory=0.3))
    assert fine.state is Health.GOOD
    assert "memory 30%" in fine.found
    tight = machine.how_full(full(processor=0.2, memory=0.93))
    assert tight.state is Health.NOTE
    assert "memory limits" in tight.found
    assert tight.advice

"""Comparing pictures: three honest verdicts."""

from __future__ import annotations

from generation.picture import Verdict, compare
from tests.given.builders import a_fingerprint, an_environment


def test_equal_pixels_are_identical_wherever_they_were_drawn() -> None:
    assert compare(a_fingerprint(), a_fingerprint()).verdict is Verdict.IDENTICAL
    elsewhere = compare(a_fingerprint(), a_fingerprint(torch="9"))
    assert elsewhere.verdict is Verdict.IDENTICAL
    assert elsewhere.differences == ("torch: 2.13.0 then, 9 here",)


def test_other_pixels_on_another_machine_are_elsewhere_and_it_says_how() -> None:
    comparison = compare(a_fingerprint("a"), a_fingerprint("b", hardware="other", threads=8))
    assert comparison.verdict is Verdict.ELSEWHERE
    assert comparison.differences == (
        "hardware: a processor then, other here",
        "threads: 1 then, 8 here",
    )


def test_other_pixels_on_the_same_machine_are_a_bug() -> None:
    assert compare(a_fingerprint("a"), a_fingerprint("b")).verdict is Verdict.DIVERGED


def test_an_environment_is_known_by_its_facts() -> None:
    assert an_environment().id == an_environment().id
    assert an_environment(threads=2).id != an_environment().id

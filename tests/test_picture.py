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


def test_of_libraries_those_count_that_both_environments_name() -> None:
    """A picture of before the program named `av` is not drawn elsewhere for that."""
    more = {"libraries": "pillow 13.0.0, av 18.1.0"}
    assert compare(a_fingerprint("a"), a_fingerprint("b", **more)).verdict is Verdict.DIVERGED
    other = {"libraries": "pillow 14.0.0, av 18.1.0"}
    comparison = compare(a_fingerprint("a"), a_fingerprint("b", **other))
    assert comparison.verdict is Verdict.ELSEWHERE
    assert comparison.differences == ("pillow: 13.0.0 then, 14.0.0 here",)
    older = compare(a_fingerprint("a", **more), a_fingerprint("b", libraries="av 17.0.0"))
    assert older.differences == ("av: 18.1.0 then, 17.0.0 here",)


def test_an_environment_is_known_by_its_facts() -> None:
    assert an_environment().id == an_environment().id
    assert an_environment(threads=2).id != an_environment().id

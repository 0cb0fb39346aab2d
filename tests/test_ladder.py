"""Which way comes after which refusal, and that the ladder always ends."""

from __future__ import annotations

import itertools

import pytest

from bot.studio.ladder import SHRINKS, Refusal, Step, Way, refusal, steps

ALL = frozenset(Way)


def climbed(*refusals: Refusal, ways: frozenset[Way] = ALL, reference: bool = False) -> list[Step]:
    """The steps that are made when each is refused so; the last refusal goes on for ever."""
    ladder = steps(ways, reference=reference)
    made, said = [next(ladder)], itertools.chain(refusals, itertools.repeat(refusals[-1]))
    try:
        while True:
            made.append(ladder.send(next(said)))
    except StopIteration:
        return made


def test_a_reply_that_is_refused_is_posted_without_its_reference_next() -> None:
    first, second, *_ = climbed(Refusal.REFERENCE, reference=True)
    assert first == Step(way=Way.CHANNEL, reference=True)
    assert second == Step(way=Way.CHANNEL)


def test_what_is_too_large_becomes_smaller_where_it_belongs_before_it_goes_elsewhere() -> None:
    made = climbed(Refusal.SIZE, reference=True)
    sizes = [step.shrunk for step in made if step.way is Way.CHANNEL]
    assert sizes == list(range(SHRINKS + 1))
    assert all(step.reference for step in made[: SHRINKS + 1])


def test_a_closed_channel_leads_to_the_progress_message_the_answer_and_the_owner() -> None:
    made = [step.way for step in climbed(Refusal.CLOSED)]
    assert made == [Way.CHANNEL, Way.PROGRESS, Way.ANSWER, Way.DIRECT]


def test_in_a_channel_that_is_gone_nothing_is_edited() -> None:
    made = [step.way for step in climbed(Refusal.GONE, reference=True)]
    assert made == [Way.CHANNEL, Way.DIRECT]


def test_a_file_that_only_the_progress_message_finds_too_large_shrinks_there() -> None:
    made = climbed(Refusal.CLOSED, Refusal.SIZE, Refusal.CLOSED)
    assert [(step.way, step.shrunk) for step in made[1:3]] == [(Way.PROGRESS, 0), (Way.PROGRESS, 1)]


@pytest.mark.parametrize("refused", Refusal)
@pytest.mark.parametrize("reference", [True, False])
def test_no_step_is_made_twice_and_every_ladder_ends(refused: Refusal, reference: bool) -> None:
    made = climbed(refused, reference=reference)
    assert len(made) == len(set(made)) <= 3 * (SHRINKS + 2)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (403, 50013, Refusal.CLOSED),
        (403, 50001, Refusal.CLOSED),
        (403, 50007, Refusal.CLOSED),
        (403, 160002, Refusal.REFERENCE),
        (400, 160002, Refusal.REFERENCE),
        (413, 40005, Refusal.SIZE),
        (413, 0, Refusal.SIZE),
        (400, 40005, Refusal.SIZE),
        (400, 50035, Refusal.FORM),
        (404, 10003, Refusal.GONE),
        (404, 10008, Refusal.CLOSED),
        (401, 50027, Refusal.CLOSED),
        (403, 99999, Refusal.CLOSED),
        (400, 99999, Refusal.FORM),
        (400, 160005, Refusal.CLOSED),
        (400, 50083, Refusal.CLOSED),
    ],
)
def test_what_discord_is_sure_of_is_a_refusal(status: int, code: int, expected: Refusal) -> None:
    assert refusal(status, code) is expected


@pytest.mark.parametrize(("status", "code"), [(500, 0), (502, 0), (503, 0), (429, 0), (400, 20028)])
def test_what_may_have_happened_or_will_is_none(status: int, code: int) -> None:
    assert refusal(status, code) is None


def test_an_answer_to_a_message_that_is_gone_is_refused_for_its_reference() -> None:
    text = "In message_reference: Unknown message"
    assert refusal(400, 50035, text, referred=True) is Refusal.REFERENCE
    assert refusal(404, 10008, referred=True) is Refusal.REFERENCE
    assert refusal(400, 50035, text, referred=False) is Refusal.FORM

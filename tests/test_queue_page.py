"""The page of /queue: private, short enough, and saying why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dispatch.audience import Phase, Progress
from bot.pages.queue_page import NOBODY, Reader, part, promise, queue_page, span
from bot.pages.replies import MAX_CONTENT
from storage.tickets import RequestId

ME, BEN, CLEO = 1, 2, 3
HERE = 77
READER = Reader(id=ME, guild=HERE)


def standing(number: int = 1, owner: int = ME, **changes: Any) -> Progress:
    fields: dict[str, Any] = {
        "request": RequestId(number),
        "owner": owner,
        "phase": Phase.WAITING,
        "done": 0,
        "total": 1,
        "ahead": 0,
        "starts_in": 0.0,
        "ready_in": 38.0,
        "loading": "",
        "step": 0,
        "steps": 0,
        "preview": b"",
        "words": f"words of {owner}",
        "guild": HERE,
        "share": 0.25,
        "ready_p90": 110.0,
        "paused": False,
    }
    return Progress(**(fields | changes))


def drawing(number: int, owner: int, **changes: Any) -> Progress:
    return standing(number, owner, **({"phase": Phase.DRAWING, "step": 5, "steps": 20} | changes))


def body(*standings: Progress, reader: Reader = READER) -> str:
    return queue_page(standings, reader)


def a_crowd(count: int, words: str = "a boat") -> Sequence[Progress]:
    """One that is drawn, one paused, and the rest waiting; every ninth is the reader's."""
    others = (
        standing(n, ME if n % 9 == 0 else 100 + n % 40, ahead=n, words=words, ready_in=20.0 * n)
        for n in range(3, count + 1)
    )
    first = (drawing(1, BEN, words=words), drawing(2, CLEO, words=words, paused=True))
    return (*first[:count], *others)


def test_an_empty_queue_says_so() -> None:
    assert body() == NOBODY


def test_ones_own_request_shows_its_words_its_promise_and_its_share() -> None:
    text = body(standing(words="a red flower", ahead=3))
    assert "a red flower" in text
    assert "3 pictures before it" in text
    assert "about 40 s, almost surely within 2 min" in text
    assert "25\u00a0% of a GPU" in text


def test_strangers_words_are_shown_to_nobody_else() -> None:
    text = body(drawing(1, BEN, words="a secret"), standing(2, CLEO, words="another", ahead=1))
    assert "secret" not in text
    assert "another" not in text
    assert f"<@{BEN}>" in text


@pytest.mark.parametrize("reader", [Reader(id=ME, guild=78), Reader(id=ME, guild=None)])
def test_people_of_another_server_have_no_name(reader: Reader) -> None:
    assert "<@" not in body(drawing(1, BEN), standing(2, CLEO, guild=None, ahead=1), reader=reader)


def test_ones_own_come_first() -> None:
    text = body(drawing(1, BEN), standing(2, CLEO, ahead=1), standing(3, ME, ahead=2, words="mine"))
    assert text.index("mine") < text.index(f"<@{BEN}>") < text.index(f"<@{CLEO}>")


def test_what_is_drawn_shows_its_step() -> None:
    assert "step 5 of 20" in body(drawing(1, ME))
    assert "step 5 of 20, picture 3" in body(drawing(1, ME, total=8, done=2))
    assert "reading the model big" in body(drawing(1, BEN, phase=Phase.LOADING, loading="big"))


def test_ones_own_paused_picture_says_why() -> None:
    text = body(drawing(1, ME, step=12, steps=300, paused=True))
    assert "paused at step 12 of 300 so that others need not wait" in text


def test_a_row_of_somebody_else_fits_on_a_line_of_a_phone() -> None:
    row = body(drawing(1, BEN, step=31, steps=150, total=8)).splitlines()[2]
    assert row == f"<@{BEN}> ×8 · 🖌️ 31/150 · 40 s · 25\u00a0%"
    row = body(drawing(1, BEN, paused=True)).splitlines()[2]
    assert row == f"<@{BEN}> · ⏸️ paused · 40 s · 25\u00a0%"
    row = body(standing(2, BEN, total=8, ahead=1)).splitlines()[2]
    assert row == f"` 1` <@{BEN}> ×8 · 40 s · 25\u00a0%"


@pytest.mark.parametrize(
    ("before", "reason"),
    [
        ([standing(1, BEN)], "asked earlier"),
        (
            [standing(9, BEN)],
            "One person comes before you: they have had less of the GPU than you lately",
        ),
        ([standing(1, BEN), standing(9, CLEO)], "2 people come before you: they asked earlier, or"),
    ],
)
def test_why_others_come_first_is_said_in_a_sentence(before: list[Progress], reason: str) -> None:
    last = standing(5, ME, ahead=len(before))
    assert reason in body(*before, last)


def test_nobody_before_needs_no_reason() -> None:
    text = body(drawing(1, BEN), standing(2, ME))
    assert "next in line" in text
    assert "before you" not in text


@pytest.mark.parametrize("count", [1, 2, 5, 500])
def test_any_number_of_requests_fits(count: int) -> None:
    page = queue_page(a_crowd(count), READER)
    assert 0 < len(page) <= MAX_CONTENT
    if count == 500:
        assert "498 waiting, 2 begun" in page
        assert "more requests of 40 people" in page


@given(st.text(max_size=300), st.integers(1, 60))
def test_no_words_make_the_page_too_long_or_ping(words: str, count: int) -> None:
    page = queue_page(a_crowd(count, words), READER)
    assert len(page) <= MAX_CONTENT
    assert "@everyone" not in page
    assert "at present" in page.splitlines()[-1]


def test_what_is_left_out_is_counted() -> None:
    text = body(*(standing(n, 100 + n, ahead=n) for n in range(30)))
    assert "…and 18 more requests of 18 people." in text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "1 s"), (9.2, "10 s"), (38, "40 s"), (90, "90 s"), (91, "2 min"), (5401, "2 h")],
)
def test_times_are_rounded_up_as_people_say_them(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_a_promise_that_never_failed_is_said_once() -> None:
    assert promise(standing(ready_in=38.0, ready_p90=0.0)) == "about 40 s"
    assert promise(standing(ready_in=38.0, ready_p90=39.0)) == "about 40 s"


def test_shares_are_parts_of_one_device() -> None:
    assert part(0.25) == "25\u00a0%"
    assert part(0.0) == "<1\u00a0%"
    assert part(1.5) == "150\u00a0%"


def test_on_a_processor_nothing_is_said_of_a_gpu() -> None:
    reader = Reader(id=ME, guild=HERE, device="processor")
    text = queue_page([standing(9, BEN), standing(5, ME, ahead=1)], reader)
    assert "GPU" not in text
    assert "of a processor at present" in text
    assert "had less of the processor than you" in text

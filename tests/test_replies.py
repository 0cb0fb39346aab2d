"""What people read: complete, short enough, and unable to ping or break out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.dispatch.audience import Phase, Progress
from bot.pages import replies, settings_page
from bot.pages.apologies import UNKNOWN, apology_for, apology_for_reason
from bot.pages.quoting import quoted
from bot.studio.rights import NotAllowed
from generation import errors as g
from generation.picture import Comparison, Verdict
from generation.queue.fair_queue import QueueFull
from generation.reasons import reason_of
from prompting import errors as p
from storage import errors as s
from storage.people import Level, Preferences
from storage.tickets import RequestId
from tests.given.builders import a_recipe, an_enlarged

STANDING = Progress(
    request=RequestId(1),
    owner=5,
    phase=Phase.DRAWING,
    done=1,
    total=4,
    ahead=0,
    starts_in=0.0,
    ready_in=12.4,
    loading="",
    step=5,
    steps=20,
    preview=b"",
    words="a red flower",
)


def test_a_number_beyond_all_counting_ends_in_a_sentence() -> None:
    error = p.TooMany("pictures", 7**20_000, 32)
    assert "more than 1,000,000 pictures" in apology_for(error)
    assert len(str(error)) < 80


def test_progress_shows_the_step_the_count_and_a_time() -> None:
    text = replies.progress(STANDING, now=1000.0)
    assert "5/20" in text
    assert "picture 2 of 4" in text
    assert "<t:1013:R>" in text


def test_waiting_shows_the_place() -> None:
    text = replies.progress(replace(STANDING, phase=Phase.WAITING, ahead=3), now=0.0)
    assert "3 pictures before you" in text


def test_a_paused_picture_says_why() -> None:
    text = replies.progress(replace(STANDING, paused=True), now=0.0)
    assert "Paused at step 5 of 20 so that others need not wait" in text


@given(st.text(max_size=400))
def test_quoted_words_stay_on_one_line_and_ping_nobody(words: str) -> None:
    line = quoted(words)
    assert "\n" not in line
    assert "@everyone" not in line
    assert "@here" not in line
    assert "<@" not in line.replace("\\<@", "")


@given(st.text(max_size=7000))
def test_no_progress_is_longer_than_a_message(words: str) -> None:
    assert len(replies.progress(replace(STANDING, words=words), 0.0)) <= replies.MAX_CONTENT


def test_the_settings_line_names_what_matters() -> None:
    line = replies.settings_line(a_recipe(steps=7))
    for word in ("starter", "128×128", "7 steps", "cfg 4", "euler normal"):
        assert word in line


def test_what_is_only_enlarged_has_no_seed_to_tell() -> None:
    assert "seed" not in replies.settings_line(an_enlarged())
    assert "seed" in replies.settings_line(a_recipe())


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_has_its_sentence(verdict: Verdict) -> None:
    comparison = Comparison(verdict=verdict, differences=("torch: 1 then, 2 here",))
    assert verdict.value in replies.verdict(comparison, "#12")


def test_settings_of_a_place_show_only_what_was_set() -> None:
    page = settings_page.place_page(Preferences(steps=12), Level.CHANNEL)
    assert "**steps** 12" in page
    assert "sampler" not in page


def every_error() -> list[Exception]:
    from pathlib import Path

    return [
        g.OutOfRange("steps", float("nan"), "1 to 150"),
        g.NoSuchName("sampler", "eul`er", ("euler",)),
        g.NotUsable("lora", "ink", "a LoRA for FLUX.1, not supported yet"),
        g.WrongFamily("lora", "ink", "Stable Diffusion XL", "mine", "Stable Diffusion 1.x"),
        g.BadPicture("it is cut short"),
        g.PickleRefused("model.ckpt"),
        g.BrokenWeights("m", "truncated"),
        g.MissingWeights("m", "a" * 64),
        g.WeightsChanged("m", "a" * 64, "b" * 64),
        g.OutOfMemory(2**34, 2**33),
        g.OutOfMemory(),
        g.Cancelled(),
        g.RenderFailed("boom"),
        g.WorkerDied("it was killed by SIGKILL"),
        g.Quarantined("it was killed", 3),
        QueueFull(17, 16, "jobs"),
        NotAllowed("cancel another person's request"),
        s.DiskFull(Path("x"), "no space"),
        s.DatabaseLocked(Path("x"), "locked"),
        s.DatabaseCorrupt(Path("x"), "malformed"),
        s.DatabaseTooNew(Path("x"), 9, 1),
        s.InUse(Path("x"), "in use"),
        s.Missing("picture", 3),
        s.DamagedFile("file", "x"),
        s.StorageError("x"),
    ]


@pytest.mark.parametrize("error", every_error(), ids=lambda e: type(e).__name__)
def test_every_error_has_a_kind_sentence_of_its_own(error: Exception) -> None:
    text = apology_for(error)
    assert text != UNKNOWN
    assert text.endswith((".", "?"))
    assert "Traceback" not in text
    assert len(text) < 500


def test_a_changed_weight_file_is_named_with_both_digests() -> None:
    text = apology_for(g.WeightsChanged("m", "a" * 64, "b" * 64))
    assert "a" * 64 in text
    assert "b" * 64 in text


def test_an_unknown_error_tells_nothing_of_itself() -> None:
    assert apology_for(RuntimeError("token=secret")) == UNKNOWN


def test_recorded_reasons_are_told_without_their_class() -> None:
    assert "memory" in apology_for_reason(reason_of(g.OutOfMemory(1, 0)))
    assert apology_for_reason(reason_of(g.RenderFailed("boom"))) == "boom"
    assert "log" in apology_for_reason(reason_of(KeyError("x")))
    assert apology_for_reason(None) == "Cancelled."

"""Wishes that are hard to keep: relations, counts, names, slang, questions, orders."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from prompting.assist import Assistant
from prompting.reading.lexicon import built_in
from prompting.trials.evaluate import Spoken, _against, _spoken
from prompting.trials.inventions import inventions
from prompting.trials.measures import Case, cases, kept, violated
from prompting.writers.cache import Memory
from prompting.writers.ladder import WriterConfig, open_writer

LEXICON = built_in()
HARD = cases(Path(__file__).parent / "data" / "wishes_hard.jsonl")
OPEN = ("sd15", "sdxl", "flux1", "qwen-image")
KEPT = 0.97  # of the wishes in a language that the dialect reads, or that the lexicon translates


@pytest.fixture
async def assistant() -> AsyncIterator[Assistant]:
    opened = await open_writer(WriterConfig())
    assert opened.writer is not None
    yield Assistant(opened.writer, cache=Memory(0))
    await opened.writer.close()


async def said(assistant: Assistant, wanted: Sequence[Case], dialect: str) -> list[Spoken]:
    return [
        _spoken(case, dialect, await assistant.assist(case.wish, dialect=dialect, seed=1), 1)
        for case in wanted
    ]


def share(spoken: Sequence[Spoken]) -> float:
    return sum(kept(one.case, one.prompt) for one in spoken) / len(spoken)


def from_nowhere(spoken: Sequence[Spoken]) -> list[tuple[str, list[str]]]:
    found = [
        (s.prompt, inventions(s.case.wish, s.prompt, s.dialect, s.ours, LEXICON)) for s in spoken
    ]
    return [(prompt, words) for prompt, words in found if words]


def test_the_measure_sees_what_came_from_nowhere() -> None:
    def found(wish: str, prompt: str, *ours: str) -> list[str]:
        return inventions(wish, prompt, "sd15", ours, LEXICON)

    assert found("a red cat", "red cat, Babu Yousif, masterpiece, best quality") == [
        "babu",
        "yousif",
    ]
    assert found("a red cat", "red cat on a sofa") == ["sofa"]
    assert found("a red cat", "red cats, soft light, best quality", "soft light") == []
    assert found("桌子下面的猫", "cat under table") == []
    assert found("桌子下面的猫", "cat under table, 狗") == ["狗"]


async def test_a_sample_keeps_its_words_and_gets_none(assistant: Assistant) -> None:
    for at, dialect in enumerate(OPEN):
        read = [
            c for c in HARD[at::48] if c.lang == "en" or (c.lang, dialect) == ("zh", "qwen-image")
        ]
        spoken = await said(assistant, read, dialect)
        assert [s.prompt for s in spoken if not kept(s.case, s.prompt)] == []
        assert from_nowhere(spoken) == []
        assert not any(violated(s.case, s.prompt, LEXICON) for s in spoken)


@pytest.mark.slow
@pytest.mark.parametrize("dialect", [*OPEN, "starter", "illustrious"])
async def test_all_keep_their_words_and_get_none(assistant: Assistant, dialect: str) -> None:
    spoken = await said(assistant, HARD, dialect)
    assert from_nowhere(spoken) == []
    for language in ("en", "zh"):
        assert share([s for s in spoken if s.case.lang == language]) >= KEPT
    assert all(part in s.prompt for s in spoken for part in s.case.keep)
    assert not any(violated(s.case, s.prompt, LEXICON) for s in spoken)
    if dialect in OPEN:
        assert not [s.prompt for s in spoken if s.case.lang in ("en", "zh") and _against(s)]

"""Values as people type them: lists, ranges, names, strengths and wordings, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.studio.axes import AxisReader
from generation.errors import GenerationError, NoSuchName, OutOfRange
from prompting.errors import PromptingError, TooMany, UnknownName
from tests.given.apps import an_idle_app, some_settings
from tests.given.builders import a_lora, a_model_folder
from tests.given.fakes import FakeWorker


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[AxisReader]:
    models = some_settings(tmp_path).models[0]
    a_model_folder(models, "other")
    for name in ("ink", "sketch"):
        a_lora(models, name)
    async with an_idle_app(tmp_path, FakeWorker()) as app:
        thrown: Iterator[int] = iter(range(100, 200))
        offers = app.studio.offers
        yield AxisReader(offers=offers, family=offers.family_of(None), seed=lambda: next(thrown))


def labels(reader: AxisReader, name: str, typed: str) -> list[str]:
    return [value.label for value in reader.read(name, typed).values]


# The option, what is typed, and the values that it means with strokes between them.
MEANT = (
    ("steps", "4, 8, 16", "4/8/16"),
    ("steps", "4-8", "4/5/6/7/8"),
    ("steps", "2..10 step 2", "2/4/6/8/10"),
    ("steps", "1-10 (+3)", "1/4/7/10"),
    ("steps", "1-10 [5]", "1/3/6/8/10"),
    ("steps", "8 to 4 by 2, 30", "8/6/4/30"),
    ("steps", "4，8、8；16", "4/8/16"),
    ("steps", "4到12步长4", "4/8/12"),
    ("steps", "20", "20"),
    ("cfg", "3, 5.5, 8", "3/5.5/8"),
    ("cfg", "1-3", "1/2/3"),
    ("cfg", "1-2 [5]", "1/1.25/1.5/1.75/2"),
    ("denoise", "0.3-0.6", "0.3/0.4/0.5/0.6"),
    ("denoise", "0.2..1 step 0.2", "0.2/0.4/0.6/0.8/1"),
    ("seed", "7, 9-11", "7/9/10/11"),
    ("seed", "random, 5, -1", "100/5/101"),
    ("seed", "3 random", "102/103/104"),
    ("sampler", "euler, DPM++ 2M Karras", "euler/dpmpp_2m karras"),
    ("scheduler", "karras | automatic", "karras/automatic"),
    ("size", "square, 3:2 | 128x192", "square/3:2/128x192"),
    ("style", "none, pixel art", "none/Pixel art"),
    ("assist", "off, ON", "off/on"),
    ("model", "全部", "other/starter/tiny"),
    ("style", "无，pixel art", "none/Pixel art"),
    ("seed", "2 随机", "105/106"),
    ("model", "all", "other/starter/tiny"),
    (
        "lora",
        "none | ink | ink:0.5, 1, sketch:0.2",
        "none/ink 1/ink 0.5, sketch 0.2/ink 1, sketch 0.2",
    ),
    ("lora", "ink:0..1 step 0.5", "ink 0/ink 0.5/ink 1"),
    ("prompt", "a cat | a dog", "a cat/a dog"),
    ("prompt", "a {red, blue} cat | {x|y} dog", "a red cat/a blue cat/{x|y} dog"),
    ("prompt", r"a \| b", r"a \| b"),
)


async def test_what_is_typed_means_these_values(reader: AxisReader) -> None:
    found = {(name, typed): labels(reader, name, typed) for name, typed, _ in MEANT}
    assert found == {(name, typed): meant.split("/") for name, typed, meant in MEANT}


# The option, what is typed, the refusal, and how the text begins that it refuses.
REFUSED: tuple[tuple[str, str, type[Exception], str], ...] = (
    ("steps", "4, many", OutOfRange, "many"),
    ("steps", "4, 500", OutOfRange, "500"),
    ("steps", "4.5", OutOfRange, "4.5"),
    ("steps", "1-100", OutOfRange, "1-100"),
    ("steps", "1..9 step 0", OutOfRange, "1..9 step 0"),
    ("steps", "", OutOfRange, ""),
    ("denoise", "0, 0.5", OutOfRange, "0"),
    ("seed", "1, x", OutOfRange, "x"),
    ("seed", "26 random", OutOfRange, "26 random"),
    ("seed", str(2**64), OutOfRange, str(2**64)),
    ("sampler", "euler, eulr", NoSuchName, "eulr"),
    ("sampler", "all", OutOfRange, "all"),
    ("model", "tiny, nothing", NoSuchName, "nothing"),
    ("style", "pixel art, pixl atr", UnknownName, "pixl atr"),
    ("size", "square, huge", OutOfRange, "huge"),
    ("lora", "ink:0.5 | pencil", NoSuchName, "pencil"),
    ("assist", "perhaps", OutOfRange, "perhaps"),
    ("prompt", "{a, b} {c, d} {e, f} {g, h} {i, j}", TooMany, ""),
)


async def test_what_is_wrong_is_refused_by_its_own_text(reader: AxisReader) -> None:
    for name, typed, error, says in REFUSED:
        with pytest.raises((GenerationError, PromptingError)) as refused:
            reader.read(name, typed)
        assert type(refused.value) is error, typed
        facts = [str(getattr(refused.value, fact, "")) for fact in ("found", "name")]
        assert any(fact.startswith(says) for fact in facts), (typed, facts)

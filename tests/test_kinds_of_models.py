"""Chat models of every kind of memory, through the real writer: the same words cold and warm."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from prompting.slots import Slots
from prompting.writers.ggufile import read_header
from prompting.writers.grammar import Grammar
from prompting.writers.llama import LlamaWriter
from prompting.writers.questions import question
from prompting.writers.writer import Ask
from tests.given.tinykinds import CONTEXT, KINDS, VOCABULARY
from tests.given.writer_children import children

pytestmark = [
    pytest.mark.usefixtures("no_child_left"),
    pytest.mark.skipif(
        importlib.util.find_spec("llama_cpp") is None,
        reason="llama-cpp-python is not installed: pip install .[llama]",
    ),
]

THINKS = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>"
    "{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)


def ask(text: str, *, dialect: str = "tags", seed: int = 1) -> Ask:
    return Ask(text=text, dialect=dialect, seed=seed, temperature=0.8, deadline=60.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kinds")


@pytest.fixture(params=list(KINDS))
async def writer(request: pytest.FixtureRequest, folder: Path) -> AsyncIterator[LlamaWriter]:
    path = folder / f"{request.param}.gguf"
    if not path.exists():
        KINDS[request.param](path)
    writer = LlamaWriter(path, context=CONTEXT, warm=())
    yield writer
    await writer.close()
    assert not children()


async def test_the_same_ask_is_the_same_text_whatever_was_asked_before(writer: LlamaWriter) -> None:
    asked = ask("a red cat in the snow")
    cold = await writer.write(asked)
    warm = await writer.write(asked)
    others = [
        (await writer.write(other)).raw
        for other in (
            ask("two blue birds on a tree", seed=2),
            ask("a red cat in the snow", dialect="edit"),
            ask("a red cat in the snow", seed=3),
        )
    ]
    after = await writer.write(asked)
    await writer.close()
    afresh = await writer.write(asked)
    assert cold.raw == warm.raw == after.raw == afresh.raw
    assert len({cold.raw, *others}) > 2
    for raw in (cold.raw, *others):
        assert Slots.from_json(raw).subject
        assert Grammar(question("tags").grammar).matches(raw)


async def test_a_model_that_thinks_answers_in_the_form_of_its_question(folder: Path) -> None:
    path = KINDS["plain"](folder / "thinks.gguf", chat=THINKS)
    writer = LlamaWriter(path, context=CONTEXT, warm=())
    for dialect in ("tags", "flux1"):
        raw = (await writer.write(ask("a red cat", dialect=dialect))).raw
        assert ("scene" in json.loads(raw)) == (dialect == "flux1")
    await writer.close()


async def test_what_is_likely_to_be_asked_is_read_before_anybody_asks(folder: Path) -> None:
    path = KINDS["hybrid"](folder / "warm.gguf")
    cold, warm = (
        LlamaWriter(path, context=CONTEXT, warm=kinds)
        for kinds in ((), (("tags", "en"), ("edit", "en"), ("reply", "en")))
    )
    asked = [ask("a red cat", dialect=dialect) for dialect in ("reply", "tags", "edit")]
    said = [[(await writer.write(each)).raw for each in asked] for writer in (cold, warm)]
    assert said[0] == said[1]
    for writer in (cold, warm):
        await writer.close()


def test_the_large_vocabulary_is_as_large_as_any(folder: Path) -> None:
    path = KINDS["large"](folder / "vocabulary.gguf")
    assert len(read_header(path).texts("tokenizer.ggml.tokens")) == VOCABULARY

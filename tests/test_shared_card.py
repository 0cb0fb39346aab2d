"""The language model and the pictures' card: hidden from it, beside them, or while it idles."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from bot.app import word_settings
from bot.dispatch.shared_card import MOST_SAVED, SHARE, CardWriter, SharedCard
from bot.studio.assistant import PromptAssist, WordSettings
from bot.studio.words_on_card import BESIDE_BYTES, Place, bytes_on_card
from generation.families.family import FAMILIES
from generation.fleet.local_seats import local_workers
from generation.queue.costs import ANSWER, CostModel
from generation.worker.memory import memory
from prompting.errors import WriterDied, WriterUnavailable
from prompting.writers.ggufile import read_header
from prompting.writers.ladder import Opened, WriterConfig
from prompting.writers.llama import LlamaWriter
from prompting.writers.writer import Answer, Ask
from storage.people import AssistMode
from tests.given import tinyassistant
from tests.given.apps import a_wish, an_app, drawn, some_settings
from tests.given.fakes import FakeWorker
from tests.given.scripted_writer import ScriptedWriter
from tests.given.waiting import eventually
from tests.given.words import DETAILS, a_writer, detailed

CHILD = Path(__file__).parent / "given" / "faulty_child.py"
ASK = Ask(text="a cat", dialect="tags", seed=1, temperature=0.5, deadline=20.0)


class OnCard(ScriptedWriter):
    """A model that lies on a card from its first answer on; `happened` tells what it does."""

    def __init__(self, happened: list[str], *, thinks: asyncio.Event | None = None) -> None:
        super().__init__([detailed], name="big")
        self.pid: int | None = None
        self.loading = False
        self.began = 0
        self._happened, self._thinks = happened, thinks

    def begin(self) -> None:
        self.began += 1

    async def write(self, ask: Ask) -> Answer:
        self.pid = 7
        self._happened.append("asked")
        if self._thinks is not None:
            await self._thinks.wait()
        return await super().write(ask)

    async def close(self) -> None:
        self.pid = None
        self._happened.append("let go")


class CardWorker(FakeWorker):
    """A worker of a card, which tells when it is given a picture."""

    device = "cuda"

    def __init__(self, happened: list[str]) -> None:
        super().__init__()
        self._happened = happened

    async def give_way(self, size: int) -> None:
        self._happened.append(f"{size} bytes left free")

    def render(self, order):  # type: ignore[no-untyped-def]  # as its parent's
        self._happened.append("picture")
        return super().render(order)


def words(card: SharedCard, chosen: ScriptedWriter | None = None) -> PromptAssist:
    """An assistant of a model on that card, beside a built-in one."""

    async def opened(config: WriterConfig) -> Opened:
        return Opened(writer=chosen if config.chosen else a_writer(), notes=())

    settings = WordSettings(assist=AssistMode.OFF, writer=WriterConfig(model="big.gguf"))
    return PromptAssist(settings, open_=opened, card=card)


async def refusal(writer: CardWriter) -> str:
    """Why the writer may not have the card; empty where it may."""
    try:
        await writer.write(ASK)
    except WriterUnavailable as error:
        return error.reason
    return ""


# --- only while nothing is drawn --------------------------------------------------------------


async def test_a_model_that_may_only_idle_is_let_go_before_the_picture_is_handed_over(
    tmp_path: Path,
) -> None:
    happened: list[str] = []
    card = SharedCard(only_idle=True)
    writer = card.guarded(OnCard(happened))
    async with an_app(
        tmp_path, CardWorker(happened), prompt_assist=words(card), assist_device="idle"
    ) as app:
        assert await refusal(writer) == ""
        await drawn(app, a_wish())
        assert happened == ["asked", "let go", "picture"]
        assert await refusal(writer) == "", "it may come back when nothing is drawn"
        await drawn(app, a_wish())
    assert happened == ["asked", "let go", "picture"] * 2


async def test_weights_that_nobody_draws_with_make_room_before_it_is_loaded(tmp_path: Path) -> None:
    happened: list[str] = []
    card = SharedCard(only_idle=True, size=300)
    writer = card.guarded(OnCard(happened))
    async with an_app(
        tmp_path, CardWorker(happened), prompt_assist=words(card), assist_device="idle"
    ):
        for _ in range(2):
            assert await refusal(writer) == ""
    assert happened == ["300 bytes left free", "asked", "asked"], "it is loaded once"


async def test_while_a_picture_is_drawn_it_is_not_asked_and_says_so_at_once(tmp_path: Path) -> None:
    happened: list[str] = []
    card, worker = SharedCard(only_idle=True), CardWorker(happened)
    writer = card.guarded(OnCard(happened))
    worker.gate.clear()
    async with an_app(tmp_path, worker, prompt_assist=words(card), assist_device="idle") as app:
        await app.studio.requests.submit(a_wish())
        await eventually(lambda: happened == ["picture"])
        assert await refusal(writer) == "the graphics card is drawing"
        worker.gate.set()
    assert happened == ["picture"]


async def test_a_picture_does_not_wait_for_an_answer_and_the_spare_writes_it(
    tmp_path: Path,
) -> None:
    happened: list[str] = []
    never = asyncio.Event()
    card, worker = SharedCard(only_idle=True), CardWorker(happened)
    found = words(card, OnCard(happened, thinks=never))
    async with an_app(tmp_path, worker, prompt_assist=found, assist_device="idle") as app:
        await found.started()
        asking = asyncio.create_task(
            found.assist("a cat", FAMILIES["sd15"], seed=1, style=None, negative="", tokenizer=None)
        )
        await eventually(lambda: happened == ["asked"])
        await drawn(app, a_wish())
        async with asyncio.timeout(30):
            written = await asking
    assert happened[:3] == ["asked", "let go", "picture"]
    assert written.writer == a_writer().name
    assert any(detail in written.prompt for detail in DETAILS)
    assert "the graphics card was needed for a picture" in written.note


async def test_a_model_that_takes_longer_to_load_than_there_is_time_is_not_waited_for(
    tmp_path: Path,
) -> None:
    inner = OnCard([])
    card = SharedCard(only_idle=True)
    writer = card.guarded(inner)
    async with an_app(tmp_path, CardWorker([]), prompt_assist=words(card), assist_device="idle"):
        card.had(inner, 60.0, loading=True)
        assert await refusal(writer) == "it is being loaded, which takes 60 s"
    assert inner.began == 1
    assert not inner.asked


# --- beside the pictures ----------------------------------------------------------------------


class Clock:
    """A clock that only the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_while_pictures_are_drawn_answers_have_a_part_of_the_card_and_no_more(
    tmp_path: Path,
) -> None:
    clock, inner, other = Clock(), OnCard([]), OnCard([])
    other.digest = "of another model"
    card, worker = SharedCard(only_idle=False, clock=clock), CardWorker([])
    writer = card.guarded(inner)
    worker.gate.clear()
    async with an_app(tmp_path, worker, prompt_assist=words(card), assist_device="idle") as app:
        await app.studio.requests.submit(a_wish())
        await eventually(lambda: bool(worker.orders))
        card.had(other, MOST_SAVED - ANSWER)
        assert await refusal(writer) == "", "what it has saved is its own"
        card.had(other, MOST_SAVED)
        assert "its part of it is used up" in await refusal(writer)
        clock.now += (MOST_SAVED + card.expected(inner, loading=False)) / SHARE
        assert await refusal(writer) == ""
        worker.gate.set()
    assert inner.pid is not None, "it stays where it is"


async def test_while_nothing_is_drawn_answers_cost_nothing(tmp_path: Path) -> None:
    inner = OnCard([])
    card = SharedCard(only_idle=False, clock=Clock())
    writer = card.guarded(inner)
    async with an_app(tmp_path, CardWorker([]), prompt_assist=words(card), assist_device="idle"):
        for _ in range(3):
            card.had(inner, MOST_SAVED)
            assert await refusal(writer) == ""


async def test_an_error_of_the_model_is_its_own(tmp_path: Path) -> None:
    class Broken(OnCard):
        async def write(self, ask: Ask) -> Answer:
            raise WriterDied(f"out of memory at {ask.text}")

    card = SharedCard(only_idle=False)
    writer = card.guarded(Broken([]))
    async with an_app(tmp_path, CardWorker([]), prompt_assist=words(card), assist_device="idle"):
        with pytest.raises(WriterDied, match="out of memory"):
            await writer.write(ASK)


def test_what_answers_cost_is_learnt_per_model_and_kept() -> None:
    costs = CostModel()
    assert costs.predict_words("a", loading=False) == ANSWER
    costs.learn_words("a", 3.0, loading=False)
    costs.learn_words("a", 9.0, loading=True)
    again = CostModel.load(costs.dump())
    assert again.predict_words("a", loading=False) == 3.0
    assert again.predict_words("a", loading=True) == 9.0
    assert again.predict_words("b", loading=False) == ANSWER


# --- memory, and what the child sees ----------------------------------------------------------


def test_the_worker_of_that_card_leaves_what_the_model_takes(tmp_path: Path) -> None:
    file = tinyassistant.write(tmp_path / "tiny.gguf")
    settings = some_settings(tmp_path, assist_model=str(file), assist_device="gpu:1")
    config = word_settings(settings).writer
    size = bytes_on_card(config)
    header = read_header(file)
    assert size == header.size_bytes + header.cache_bytes(config.context) + BESIDE_BYTES
    leave = Place.of("gpu:1").leave(config)
    workers = local_workers(
        [tmp_path], tmp_path / "d", device="cuda", gpus=(0, 1), usable=lambda: 2, leave=leave
    )
    told = [worker.arguments for worker in workers]
    assert "--leave" not in told[0]
    assert told[1][-2:] == ("--leave", str(size))


@pytest.mark.parametrize("device", ["cpu", "idle"])
def test_where_the_model_is_not_beside_the_pictures_they_have_all_of_the_card(
    tmp_path: Path, device: str
) -> None:
    file = tinyassistant.write(tmp_path / "tiny.gguf")
    settings = some_settings(tmp_path, assist_model=str(file), assist_device=device)
    assert Place.of(device).leave(word_settings(settings).writer).size == 0


def test_of_several_limits_of_memory_the_stricter_holds() -> None:
    assert memory.stricter(None, None) is None
    assert memory.stricter(5, None) == 5
    assert memory.stricter(5, 3) == 3
    assert memory.stricter(None, -1) == 0


@pytest.mark.parametrize(
    ("device", "layers", "sees"),
    [
        ("cpu", "0", {"CUDA_VISIBLE_DEVICES": "", "HIP_VISIBLE_DEVICES": "-1"}),
        ("gpu", "-1", {"CUDA_VISIBLE_DEVICES": "0", "HIP_VISIBLE_DEVICES": "0"}),
        ("gpu:1", "-1", {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}),
    ],
)
async def test_the_child_sees_no_card_but_the_one_that_it_may_have(
    tmp_path: Path, device: str, layers: str, sees: dict[str, str]
) -> None:
    file = tinyassistant.write(tmp_path / "tiny.gguf")
    settings = some_settings(tmp_path, assist_model=str(file), assist_device=device)
    config = word_settings(settings).writer
    writer = LlamaWriter(
        file,
        device=config.device,
        gpu_layers=config.gpu_layers,
        card=config.card,
        context=config.context,
        program=(sys.executable, str(CHILD), "tells where it is"),
    )
    await writer.start()
    await writer.close()
    told = json.loads(await asyncio.to_thread(Path(f"{file}.json").read_text))
    assert sees.items() <= told["environment"].items()
    assert told["given"][told["given"].index("--gpu-layers") + 1] == layers


async def test_a_model_for_an_idle_card_is_checked_at_the_start_and_loaded_when_it_is_asked(
    tmp_path: Path,
) -> None:
    file = tinyassistant.write(tmp_path / "tiny.gguf")
    settings = some_settings(tmp_path, assist_model=str(file), assist_device="idle")
    assert word_settings(settings).writer.lazily
    writer = LlamaWriter(file, engine="numpy", lazily=True)
    await writer.start()
    assert len(writer.digest) == 64
    before = writer.pid
    await writer.write(ASK)
    assert (before, writer.pid) != (None, None)
    assert before is None
    await writer.close()
    with pytest.raises(WriterUnavailable, match="no file"):
        await LlamaWriter(tmp_path / "none.gguf", lazily=True).start()

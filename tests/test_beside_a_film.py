"""Claims about who comes while a film of five minutes is drawn: they wait for one block of it.

Time is counted here, not measured: a block of the film's network and a piece of its decoding take
as long as these tests say, so no machine is too slow for them.
"""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from generation.catalog.catalog import Catalog
from generation.families.architecture import Stage
from generation.fleet.wire import Drawn, Midway, Pause, Render, Resume, Stepped
from generation.job import JobId
from generation.recipe import Recipe
from generation.tasks import Task
from generation.worker import pulse
from generation.worker.jobs import PATIENCE
from generation.worker.memory import needs
from tests.given.builders import A_MOTION, a_recipe
from tests.given.pausing import PATIENCE as HANGS
from tests.given.pausing import House, Outcome, Table, a_table_of, house
from tests.given.tiny import parts, wan

__all__ = ["house"]  # a fixture
LAYERS, BLOCK, PIECE = 10, 0.4, 1.5  # seconds of the device
STEPS = 72
PIECES = 3  # of nine frames: one, four and four
FILM = JobId(10**7)
BLOCKS = STEPS * LAYERS
# In the middle of the first step, at the begin of the second, in the middle and at the end of
# others, in the very last block, and while the film is decoded.
COME = (4, LAYERS + 1, 7 * LAYERS + 9, 20 * LAYERS, BLOCKS, BLOCKS + 2)


@dataclass
class Device:
    """What time it is, by what was done."""

    now: float = 0.0
    done: int = 0  # blocks and pieces that were begun
    when: dict[int, Callable[[], None]] = field(default_factory=dict)  # what happens in that one

    def begin(self, seconds: float) -> None:
        self.done += 1
        self.now += seconds
        if (happens := self.when.pop(self.done, None)) is not None:
            happens()


@dataclass(frozen=True)
class Visit:
    """Somebody who wanted a picture: the block in which they came, and the film's last before."""

    came: int
    last: int


@dataclass
class Studio:
    """A film's model beside that of the pictures."""

    catalog: Catalog
    film: Recipe
    picture: Recipe

    def table(self, limit: int | None = None) -> tuple[Table, Device]:
        """With a device that counts the film's blocks and pieces."""
        device = Device()
        table = a_table_of(
            self.catalog,
            limit,
            host_memory=2**30,
            patience=PATIENCE,
            clock=lambda: device.now,
        )
        with table.cache.take(self.film, on_load=lambda _: None) as model:
            for block in pulse._outermost(model.denoiser):
                if pulse._let_others_in in block._forward_hooks.values():
                    block.register_forward_pre_hook(_takes(device, BLOCK))
            vae: Any = model.parts.modules["vae"]
            vae.decoder.register_forward_pre_hook(_takes(device, PIECE))
        return table, device


def _takes(device: Device, seconds: float) -> Callable[[Any, Any], None]:
    return lambda _module, _inputs: device.begin(seconds)


@pytest.fixture(scope="module")
def studio(house: House, tmp_path_factory: pytest.TempPathFactory) -> Studio:
    folder = tmp_path_factory.mktemp("beside") / "film"
    wan.build(folder, seed=1)
    parts.saved(folder / "transformer", partial(wan.transformer, num_layers=LAYERS), 1)
    catalog = Catalog([folder, house.folder], folder.parent / "digests.json")
    catalog.scan()
    (entry,) = (one for one in catalog.models() if one.family == "wan-2.1")
    made = a_recipe(
        checkpoint=entry.weights,
        family=entry.family,
        width=64,
        height=64,
        cfg=1.0,
        steps=STEPS,
        task=Task.TEXT_TO_VIDEO,
        motion=A_MOTION,
    )
    return Studio(catalog, made, house.recipe("mine", steps=2))


def filmed(
    studio: Studio, table: Table, device: Device, came: Iterable[int]
) -> tuple[Outcome, list[Visit]]:
    """The film, with somebody who comes while each of these blocks is worked on."""
    visitors = queue.SimpleQueue[tuple[int, JobId]]()

    def comes() -> None:
        table.jobs.take(Pause(job=FILM))
        visitors.put((device.done, table.order(studio.picture)))

    came = tuple(came)
    device.when = dict.fromkeys(came, comes)
    table.jobs.take(Render(job=FILM, recipe=studio.film, inputs=(), preview_every=0))
    visits = []
    for _ in came:
        block, picture = visitors.get(timeout=HANGS)
        table.outcome(picture)
        visits.append(Visit(block, device.done))
        table.jobs.take(Resume(job=FILM))
    return table.outcome(FILM), visits


@dataclass(frozen=True)
class Calm:
    """The film where nobody came: what was made, what was said, and the device afterwards."""

    outcome: Outcome
    table: Table
    device: Device


@pytest.fixture(scope="module")
def calm(studio: Studio) -> Calm:
    table, device = studio.table()
    return Calm(table.draw(studio.film), table, device)


def test_a_film_of_five_minutes_is_left_behind_the_block_in_which_somebody_comes(
    studio: Studio, calm: Calm
) -> None:
    assert calm.device.now == pytest.approx(BLOCKS * BLOCK + PIECES * PIECE)
    assert calm.device.now > 290.0
    table, device = studio.table()
    outcome, visits = filmed(studio, table, device, COME)
    assert visits == [Visit(came, came) for came in COME]
    assert outcome == calm.outcome
    assert device.done == calm.device.done  # nothing of it was done twice
    (drawn,) = (r for r in table.heard if isinstance(r, Drawn) and r.job == FILM)
    assert drawn.seconds == pytest.approx(calm.device.now)


def test_so_it_is_where_both_models_have_no_room_together(studio: Studio, calm: Calm) -> None:
    film, picture = studio.film, studio.picture
    with calm.table.cache.take(film, on_load=lambda _: None) as model:
        least = model.bytes + needs.most_activations(film, model)
        limit = least + needs.activations(film, model, Stage.DENOISE)
        whole = model.bytes
    with calm.table.cache.take(picture, on_load=lambda _: None) as model:
        limit = max(limit, model.bytes + needs.most_activations(picture, model))
        assert limit < whole + model.bytes
    table, device = studio.table(limit)
    come = [block for block in COME if block < BLOCKS]
    outcome, visits = filmed(studio, table, device, come)
    assert visits == [Visit(came, came) for came in come]
    assert outcome == calm.outcome


def test_others_are_told_where_they_could_come_all_through_the_film(calm: Calm) -> None:
    told = [r.seconds for r in calm.table.heard if isinstance(r, Midway | Stepped)]
    end = BLOCKS * BLOCK + PIECES * PIECE
    assert told[-1] == pytest.approx(end)  # behind the last piece
    gaps = [after - before for before, after in pairwise((0.0, *told))]
    assert max(gaps) <= max(PATIENCE + BLOCK, PIECE) + 1e-6
    behind = [r.seconds for r in calm.table.heard if isinstance(r, Midway)][-PIECES:]
    assert behind == pytest.approx([end - nth * PIECE for nth in (2, 1, 0)])

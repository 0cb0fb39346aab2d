"""What was asked for and cannot be done is said beside the picture, and stays said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.cli.arguments import parser
from bot.cli.console import draw
from bot.studio import notes
from storage.database import Database
from storage.tickets import Tickets
from tests.given.apps import a_studio, a_wish, an_app, drawn, some_settings
from tests.given.builders import a_recipe
from tests.given.fakes import FakeWorker
from tests.given.results import is_result
from tests.given.stored import asked

USELESS = "Denoise 0.4 does nothing without a picture to start from."


async def test_denoise_without_a_picture_is_said_below_the_result(tmp_path: Path) -> None:
    async with a_studio(tmp_path) as studio:
        ann = studio.world.ann
        await ann.command("imagine", prompt="a red flower", denoise=0.4)
        first = await ann.sees(is_result)
        assert f"-# {USELESS}" in first.content
        await ann.press(first, "🎲")
        second = await ann.sees(is_result, after=first)
        assert USELESS in second.content, "it is true of the other seeds, too"


def test_the_command_line_says_it_beside_the_picture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.png"
    said = parser().parse_args(["draw", "a red flower", "--denoise", "0.4", "--out", str(out)])
    assert asyncio.run(draw(some_settings(tmp_path), said, [FakeWorker()])) == 0
    printed = capsys.readouterr()
    assert USELESS in printed.err
    assert USELESS not in printed.out, "what is piped is the picture's name and facts"


async def test_a_wish_that_is_done_as_asked_has_no_note(tmp_path: Path) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await drawn(app, a_wish())
        assert outcome.request.notes == ()


async def test_notes_are_stored_with_the_request_whatever_stands_in_them(tmp_path: Path) -> None:
    said = ("“a\ud83d” is one", 'and "another", 猫')
    database = await Database.open(tmp_path / "atelier.sqlite3")
    try:
        request, _ = await Tickets(database).add(replace(asked(), notes=said), [a_recipe()], [1.0])
        again = await Tickets(database).request(request.id)
    finally:
        await database.close()
    assert again.notes == ("“a?” is one", 'and "another", 猫')


def test_notes_are_said_once_on_one_line_and_are_few() -> None:
    assert notes.bounded(["a\nb", "a b", ""]) == ("a b",)
    many = notes.bounded(f"note {n}" for n in range(20))
    assert len(many) == notes.MOST
    assert many[-1] == "And 16 more remarks of this kind."
    assert len(notes.bounded(["x" * 9000])[0]) == notes.LONGEST


@pytest.mark.parametrize(
    ("draft", "wish", "said"),
    [
        ({"negative_prompt": "dog", "cfg": 1.0}, {}, "the negative prompt has no effect"),
        ({"width": 64}, {"size": "128x128"}, "I drew 128x128"),
        ({"steps": 7, "scheduler": "ddim_uniform"}, {}, "so I drew 8"),
        ({"sampler": "DPM++ 2M Karras", "scheduler": "simple"}, {}, "counts: simple"),
        ({"denoise": 0.4}, {}, USELESS),
        ({}, {"seed": 2**32 + 7}, "→ 7"),
    ],
)
async def test_what_has_no_effect_is_said(
    tmp_path: Path, draft: dict[str, Any], wish: dict[str, Any], said: str
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await drawn(app, a_wish(draft=draft, **wish))
        assert any(said in note for note in outcome.request.notes), outcome.request.notes

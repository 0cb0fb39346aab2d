"""The command line reads files of other programs, and draws them."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.cli.arguments import parser
from bot.cli.completion import completion
from bot.cli.console import Mistaken, draw
from bot.cli.importing import NOTHING_READ, import_
from generation.interchange.imported import NotRead
from generation.recipe import needed
from tests.given.apps import some_settings
from tests.given.fakes import FakeWorker
from tests.given.theirs import a_picture_of_theirs

TEXT = (
    "a red cat <lora:ink:0.8>\nNegative prompt: dog\nSteps: 7, Sampler: DPM++ 2M Karras, "
    "CFG scale: 3, Seed: 5, Size: 64x64, Model: dream_v8, Model hash: 0123456789, Hires upscale: 2"
)


def told(tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str], *options: str) -> str:
    asked = parser().parse_args(["import", str(file), *options])
    assert import_(some_settings(tmp_path), asked) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("name", ["theirs.png", "theirs.txt"])
def test_programs_are_told_all_that_was_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    file = tmp_path / name
    file.write_bytes(a_picture_of_theirs(TEXT) if name.endswith("png") else TEXT.encode())
    said: dict[str, Any] = json.loads(told(tmp_path, file, capsys, "--json"))
    assert (said["program"], said["task"], said["seed"]) == ("a1111", "text-to-image", 5)
    assert said["draft"]["words"]["prompt"] == "a red cat"
    assert said["draft"]["sampling"]["scheduler"] == "karras"
    files = {one["kind"]: one for one in said["files"]}
    assert files["lora"]["strength"] == 0.8
    assert files["checkpoint"]["here"] is None
    assert files["checkpoint"]["get"]["add"] == "sha256:0123456789"
    assert {one["what"]: one["why"] for one in said["lost"]}["hires fix"] == "a step of its own"
    assert said["instead"] == "tiny"


def test_programs_are_told_why_nothing_was_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nothing.png"
    file.write_bytes(b"no picture")
    asked = parser().parse_args(["import", str(file), "--json"])
    assert import_(some_settings(tmp_path), asked) == NOTHING_READ
    said = json.loads(capsys.readouterr().out)
    assert said["program"] is None
    assert said["why"]


def test_people_are_told_it_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "theirs.png"
    file.write_bytes(a_picture_of_theirs(TEXT))
    said = told(tmp_path, file, capsys)
    for line in (
        "Read from A1111: drawn from words",
        "7 steps · DPM++ 2M · Karras · cfg 3 · seed 5",
        "models add sha256:0123456789",
        "hires fix",
        "`tiny` comes nearest",
    ):
        assert line in said


def test_a_file_that_says_nothing_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plain.txt"
    file.write_text("a letter to my aunt")
    with pytest.raises(NotRead):
        import_(some_settings(tmp_path), parser().parse_args(["import", str(file)]))


def test_it_is_drawn_and_what_is_said_beside_it_wins(tmp_path: Path) -> None:
    file, worker = tmp_path / "theirs.png", FakeWorker()
    file.write_bytes(a_picture_of_theirs(TEXT))

    def drawing(*words: str) -> None:
        asked = parser().parse_args(["draw", *words, "--out", str(tmp_path / "out.png")])
        assert asyncio.run(draw(some_settings(tmp_path), asked, [worker])) == 0

    drawing("--from", str(file), "--steps", "9")
    first = worker.orders[-1].recipe
    assert (first.prompt, first.seed, needed(first.sampling).steps) == ("a red cat", 5, 9)
    assert needed(first.words).negative_prompt == "dog"
    drawing("a blue cat", "--from", str(file))
    assert worker.orders[-1].recipe.prompt == "a blue cat"
    drawing("--from", str(tmp_path / "out.png"))
    assert worker.orders[-1].recipe.id == worker.orders[-2].recipe.id


def test_something_is_to_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(Mistaken, match="--from"):
        asyncio.run(draw(some_settings(tmp_path), parser().parse_args(["draw"]), [FakeWorker()]))


def test_the_shell_completes_it() -> None:
    assert 'import) [[ $word == -* ]] && words="-h --help --json' in completion(parser(), ())

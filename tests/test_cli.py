"""The command line: draws to files, reproduces from files and ids, and fails with a sentence."""

from __future__ import annotations

import asyncio
import io
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import discord
import pytest
from PIL import Image
from rich.console import Console

from bot.__main__ import main
from bot.chat.gateway import CannotJoin, join
from bot.cli.arguments import parser
from bot.cli.console import Mistaken, draw, find_original, reproduce
from bot.cli.direct import ConsoleAudience
from bot.cli.terminal import Bar, phase_text
from bot.dispatch.audience import Phase, Progress
from bot.settings import Secret, Settings
from generation.errors import NoSuchName, Unacceptable
from generation.recipe import Recipe, needed
from prompting.errors import UnknownName
from storage.database import Database
from storage.errors import Missing
from storage.ids import RequestId
from tests.given.apps import a_wish, an_app, an_idle_app, drawn, some_settings, unwatched
from tests.given.fakes import FakeWorker
from tests.given.waiting import eventually

ROOT = Path(__file__).parent.parent


class Desk:
    """The command line in a folder of its own, with a worker that doodles."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = some_settings(folder)
        self.worker = FakeWorker()

    def draw(self, *arguments: str) -> int:
        asked = parser().parse_args(["draw", *arguments])
        return asyncio.run(draw(self.settings, asked, [self.worker]))

    def reproduce(self, *arguments: str) -> int:
        asked = parser().parse_args(["reproduce", *arguments])
        return asyncio.run(reproduce(self.settings, asked, [self.worker]))

    @property
    def recipe(self) -> Recipe:
        """What was ordered last."""
        return self.worker.orders[-1].recipe


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    return Desk(tmp_path)


def test_every_field_of_a_recipe_can_be_said(desk: Desk, tmp_path: Path) -> None:
    Image.new("RGB", (300, 200), "red").save(tmp_path / "photo.png")
    options = (
        "--negative fog --model tiny --width 96 --height 64 --steps 7 --cfg 2.5 --sampler heun "
        "--scheduler simple --image photo.png --denoise 0.5 --clip-skip 2 --seed 9 --out p.png"
    )
    assert desk.draw("a red flower", *options.split()) == 0
    recipe = desk.recipe
    said = (
        recipe.prompt,
        needed(recipe.words).negative_prompt,
        needed(recipe.canvas).width,
        needed(recipe.canvas).height,
        needed(recipe.sampling).steps,
    )
    assert said == ("a red flower", "fog", 96, 64, 7)
    said_too = (
        needed(recipe.sampling).cfg,
        needed(recipe.sampling).sampler,
        needed(recipe.sampling).scheduler,
        needed(recipe.sampling).denoise,
        needed(recipe.words).clip_skip,
    )
    assert said_too == (2.5, "heun", "simple", 0.5, 2)
    assert recipe.seed == 9
    assert recipe.inputs[0].role == "init"
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_several_pictures_have_consecutive_seeds_and_numbered_files(
    desk: Desk, tmp_path: Path
) -> None:
    assert desk.draw("a cat", "--count", "3", "--seed", "5", "--out", "deep/cat.png") == 0
    assert sorted(p.name for p in (tmp_path / "deep").iterdir()) == [
        "cat-1.png",
        "cat-2.png",
        "cat-3.png",
    ]
    assert sorted(order.recipe.seed for order in desk.worker.orders) == [5, 6, 7]


def test_a_name_of_our_own_choosing_overwrites_nothing(desk: Desk, tmp_path: Path) -> None:
    for _ in range(2):
        assert desk.draw("Ein Blümchen, rot!", "--seed", "3") == 0
    assert sorted(p.name for p in tmp_path.glob("*.png")) == [
        "ein-blumchen-rot-3-2.png",
        "ein-blumchen-rot-3.png",
    ]


def test_a_prompt_without_letters_still_gets_a_name(desk: Desk, tmp_path: Path) -> None:
    assert desk.draw("🌹🌹", "--seed", "3") == 0
    assert (tmp_path / "picture-3.png").exists()


def test_the_result_names_file_seed_and_recipe(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.draw("a cat", "--seed", "3", "--out", "cat.png")
    shown = capsys.readouterr().out
    assert shown.startswith("cat.png\n")
    assert "seed 3" in shown
    assert desk.recipe.id in shown


def test_an_unknown_lora_is_named(desk: Desk) -> None:
    with pytest.raises(NoSuchName) as unknown:
        desk.draw("a cat", "--lora", "painterly:0.8")
    assert unknown.value.name == "painterly"


def test_a_photo_that_is_not_there_is_a_mistake(desk: Desk) -> None:
    with pytest.raises(Mistaken, match=r"nowhere\.png cannot be read: No such file"):
        desk.draw("a cat", "--image", "nowhere.png")


def test_a_job_that_fails_is_status_one_with_the_reason(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    from generation.errors import RenderFailed

    desk.worker.failures["a storm"] = RenderFailed("the numbers overflowed")
    assert desk.draw("a storm") == 1
    assert "the numbers overflowed" in capsys.readouterr().err


def test_a_file_that_cannot_be_written_costs_no_picture(desk: Desk) -> None:
    (desk.folder / "taken.png").mkdir()
    with pytest.raises(Mistaken, match=r"taken\.png cannot be written: .* kept as number 1;"):
        desk.draw("a cat", "--out", "taken.png/../taken")


# --- reproduce --------------------------------------------------------------------------------


@pytest.fixture
def drawn_id(desk: Desk, capsys: pytest.CaptureFixture[str]) -> str:
    """The number of a picture that lies in cat.png as well."""
    desk.draw("a cat", "--seed", "3", "--out", "cat.png")
    found = re.search(r"picture (\d+)", capsys.readouterr().out)
    assert found is not None
    return found[1]


def test_a_picture_is_found_by_file_by_number_and_by_recipe(desk: Desk, drawn_id: str) -> None:
    for named in ("cat.png", drawn_id, desk.recipe.id):
        assert desk.reproduce(named) == 0, named


def test_the_verdict_is_said_and_only_identical_is_success(
    desk: Desk, drawn_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert desk.reproduce(drawn_id) == 0
    assert "IDENTICAL: the same picture, pixel for pixel" in capsys.readouterr().out
    desk.worker.brush = b"another"
    assert desk.reproduce(drawn_id) == 1
    assert "DIVERGED" in capsys.readouterr().out
    desk.worker.environment = replace(desk.worker.environment, torch="9.9.9")
    assert desk.reproduce(drawn_id, "--out", "again.png") == 3
    shown = capsys.readouterr().out
    assert "ELSEWHERE" in shown
    assert "torch: 2.13.0 then, 9.9.9 here" in shown
    assert Path("again.png").exists()


def test_a_retouched_file_is_found_out(
    desk: Desk, drawn_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its recipe is genuine, its pixels are not: the pixels are what is compared."""
    del drawn_id
    from PIL import PngImagePlugin

    with Image.open("cat.png") as image:
        texts = PngImagePlugin.PngInfo()
        texts.add_itxt("atelier", image.info["atelier"])
        image.putpixel((0, 0), (1, 2, 3))
        image.save("retouched.png", pnginfo=texts)
    assert desk.reproduce("retouched.png") != 0
    shown = capsys.readouterr().out
    assert "IDENTICAL" not in shown
    assert "unknown then" not in shown  # an unknown past explains nothing to a person


def test_a_file_from_elsewhere_is_never_called_our_bug(
    desk: Desk, drawn_id: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """This installation does not know it, so it cannot know where it was drawn."""
    del drawn_id
    desk.settings = replace(desk.settings, data=tmp_path / "another")
    desk.worker.brush = b"another"
    assert desk.reproduce("cat.png") == 3
    assert "ELSEWHERE" in capsys.readouterr().out


async def test_a_message_s_pictures_are_counted_from_one(tmp_path: Path) -> None:
    message = 1_441_000_000_000_000_000
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await drawn(app, a_wish(count=2))
        await app.stores.tickets.delivered(outcome.request.id, message)
        first, second = outcome.pictures
        assert (await find_original(app, str(message))).recipe == first.recipe
        assert (await find_original(app, f"{message}:2")).recipe == second.recipe
        for nothing in (f"{message}:3", "4711", "r1-" + "0" * 64):
            with pytest.raises(Missing):
                await find_original(app, nothing)


async def test_what_is_no_picture_of_ours_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(_png())
    (tmp_path / "text.png").write_text("no picture")
    async with an_app(tmp_path, FakeWorker()) as app:
        for name in ("photo.png", "text.png"):
            with pytest.raises(Mistaken, match="carries no recipe"):
                await find_original(app, str(tmp_path / name))
        with pytest.raises(Mistaken, match="There is no file"):
            await find_original(app, "lost.png")


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, "PNG")
    return out.getvalue()


async def test_what_discord_waits_for_is_not_swallowed_by_the_command_line(tmp_path: Path) -> None:
    """The bot was killed; then somebody draws on the command line; then the bot is back."""
    wish = a_wish("for Ann")
    on_discord = replace(wish, origin=replace(wish.origin, guild=10, channel=20))
    killed = FakeWorker()
    killed.gate.clear()
    async with an_app(tmp_path, killed) as app:
        request = await app.studio.requests.submit(on_discord)
    async with an_idle_app(tmp_path, FakeWorker()) as app:
        console = ConsoleAudience(app.studio)
        async with app.at_work(console):
            await console.draw(a_wish("for me"), unwatched)
            await eventually(lambda: not app.studio.open_requests.requests())
        assert request.id in await app.stores.tickets.undelivered()


# --- the whole program ------------------------------------------------------------------------


def bot(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *arguments],
        cwd=ROOT,
        env={"PATH": "", **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def test_every_mistake_of_the_configuration_is_said_with_status_two(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("max_count = 90\ndevcie = 'cpu'\n")
    done = bot("models", "--config", str(config), ATELIER_PREVIEW_EVERY="-1")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 3
    assert "Traceback" not in done.stderr


def test_models_lists_what_can_draw_and_what_was_refused(tmp_path: Path) -> None:
    settings = some_settings(tmp_path)
    (tmp_path / "models" / "old.ckpt").write_bytes(b"a pickle")
    done = bot("models", ATELIER_DATA=str(settings.data), ATELIER_MODELS=str(tmp_path / "models"))
    assert done.returncode == 0
    assert "A tiny model" in done.stdout
    assert "old.ckpt: a pickle can run code when it is opened" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    "arguments",
    [
        ["x", "--size", "130x130"],
        ["x", "--sampler", "euler_b"],
        ["x", "--denoise", "2", "--image", "photo.png"],
        ["x", "--model", "nothing"],
        ["x", "--style", "nothing"],
        ["x", "--image", "none.png"],
        ["x", "--count", "1000"],
        [""],
    ],
)
def test_what_is_refused_is_refused_before_a_worker_starts(
    desk: Desk, tmp_path: Path, arguments: list[str]
) -> None:
    Image.new("RGB", (64, 64), "red").save(tmp_path / "photo.png")
    with pytest.raises((Unacceptable, UnknownName, Mistaken)):
        desk.draw(*arguments)
    assert desk.worker.starts == 0


def test_a_picture_that_is_none_starts_no_worker(desk: Desk) -> None:
    with pytest.raises(Mistaken):
        desk.reproduce("nothing.png")
    assert desk.worker.starts == 0


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("drow x", "did you mean draw?"),
        ("draw x --stepz 3", "did you mean --steps?"),
        ("draw x --seeed=3", "did you mean --seed?"),
        ("draw a red flower", "stand in quotes"),
        ("nonsensical", "there are"),
        ("draw x --zzzzzz", "see --help"),
        ("draw x --steps many", "--steps is 'many', but must be a whole number"),
        ("draw x --cfg 7,5", "--cfg is '7,5', but must be a number"),
    ],
)
def test_what_is_misspelt_is_answered_with_the_nearest(
    said: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(said.split(" "))
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


async def test_a_folder_in_use_is_explained(tmp_path: Path) -> None:
    database = await Database.open(tmp_path / "atelier.sqlite3")
    try:
        done = await asyncio.to_thread(bot, "draw", "a cat", ATELIER_DATA=str(tmp_path))
    finally:
        await database.close()
    assert done.returncode == 1
    said = " ".join(done.stderr.split())  # wrapped where the folder's name has it end
    assert f"{tmp_path} is in use by the process {os.getpid()}" in said
    assert "ATELIER_DATA=FOLDER" in said
    assert "Traceback" not in done.stderr


def test_a_default_model_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    environ = {"ATELIER_DATA": str(tmp_path), "ATELIER_DEFAULT_MODEL": "startr"}
    done = bot("run", "--no-browser", "--port", "0", **environ)
    assert done.returncode == 2
    assert "I know no model called 'startr'. Did you mean 'starter'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.write_bytes(b"")
    done = bot("backup", str(taken), ATELIER_DATA=str(tmp_path))
    assert done.returncode == 1
    assert str(taken) in done.stderr
    assert "File exists" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_database_is_left_alone_and_explained(tmp_path: Path) -> None:
    path = tmp_path / "atelier.sqlite3"
    path.write_bytes(b"not a database" * 500)
    done = bot("draw", "a cat", ATELIER_DATA=str(tmp_path))
    assert done.returncode == 1
    assert "My database is damaged" in done.stderr
    assert path.read_bytes() == b"not a database" * 500


def test_the_log_has_the_cause(tmp_path: Path) -> None:
    (tmp_path / "atelier.sqlite3").write_bytes(b"not a database" * 500)
    bot("draw", "a cat", ATELIER_DATA=str(tmp_path))
    assert "DatabaseCorrupt" in (tmp_path / "atelier.log").read_text()


def test_a_command_that_is_none_is_refused() -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["dmeo"])


class Outsider(discord.Client):
    """A client that Discord does not let in."""

    def __init__(self, error: Exception) -> None:
        super().__init__(intents=discord.Intents.none())
        self.error = error

    async def login(self, token: str) -> None:
        del token
        raise self.error


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (discord.LoginFailure("401"), "does not know this token"),
        (discord.PrivilegedIntentsRequired(None), "Message Content Intent"),
        (OSError("no route"), "Is there a network"),
    ],
)
async def test_why_discord_cannot_be_joined_is_said(error: Exception, sentence: str) -> None:
    with pytest.raises(CannotJoin, match=sentence) as caught:
        await join(Outsider(error), Secret("FAKE.token"))
    assert "FAKE.token" not in str(caught.value)


# --- progress ---------------------------------------------------------------------------------


def standing(phase: Phase, **changes: object) -> Progress:
    fields: dict[str, object] = {
        "request": RequestId(1),
        "owner": 0,
        "phase": phase,
        "done": 0,
        "total": 1,
        "ahead": 0,
        "starts_in": 0.0,
        "ready_in": 0.0,
        "loading": "",
        "step": 0,
        "steps": 0,
        "preview": b"",
        "words": "",
    }
    return Progress(**{**fields, **changes})  # type: ignore[arg-type]  # the fields above


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (standing(Phase.WAITING), "waiting"),
        (standing(Phase.WAITING, ahead=3), "waiting, 3 before"),
        (standing(Phase.LOADING, loading="big"), "loading big"),
        (standing(Phase.DRAWING, total=3, done=1), "drawing (picture 2 of 3)"),
    ],
)
def test_the_phase_is_said_in_a_few_words(shown: Progress, text: str) -> None:
    assert phase_text(shown) == text


def test_without_a_terminal_a_bar_is_a_line_per_phase() -> None:
    out = io.StringIO()
    with Bar(Console(file=out)) as bar:
        for step in range(1, 9):
            bar.show(standing(Phase.DRAWING, step=step, steps=8))
    lines = [line.split("  ")[-1] for line in out.getvalue().splitlines()]
    assert lines == ["starting the drawing program", "drawing"]


def terminal(write: Callable[[Bar], None]) -> str:
    out = io.StringIO()
    with Bar(Console(file=out, force_terminal=True, width=100)) as bar:
        write(bar)
        bar._progress.refresh()
    return out.getvalue()


def test_in_a_terminal_the_steps_are_shown() -> None:
    shown = terminal(lambda bar: bar.show(standing(Phase.DRAWING, step=3, steps=8)))
    assert "3/8" in shown


def test_settings_without_a_token_do_not_join_discord() -> None:
    assert Settings().token is None

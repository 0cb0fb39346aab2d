"""Settings: what is configured, and that every mistake is named, all of them at once."""

from __future__ import annotations

import logging
import os
import pickle
import re
import tomllib
import traceback
from dataclasses import fields
from pathlib import Path

import pytest

import bot.__main__
from bot.settings import NAMES, Secret, Settings, SettingsInvalid

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"
TOKEN = "FAKE.token-for.tests"


def config(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(SettingsInvalid) as caught:
        Settings.load(config(folder, text), environ or {})
    return caught.value.problems


def example_lines() -> list[str]:
    """The example's settings, with the "#" taken away."""
    text = EXAMPLE.read_text(encoding="utf-8")
    return re.findall(r"^# ?([a-z_.]+ = .*)$", text, re.MULTILINE)


def name_in(line: str) -> str:
    return line.split(" = ", maxsplit=1)[0].replace(".", "_")


def test_without_file_and_environment_everything_is_usual() -> None:
    settings = Settings.load(None, {})
    assert settings == Settings()
    assert settings.token is None
    assert settings.progress_seconds >= 3  # Discord's patience


def test_the_example_names_every_setting_once() -> None:
    named = [name_in(line) for line in example_lines()]
    assert set(named) ^ set(NAMES) == set()
    assert len(named) == len(NAMES)


def test_every_setting_is_read_somewhere() -> None:
    read = "".join(
        path.read_text(encoding="utf-8") for path in (EXAMPLE.parent / "bot").rglob("*.py")
    )
    assert [name for name in NAMES if not re.search(rf"\bsettings\.{name}\b", read)] == []


def test_the_example_shows_the_defaults(tmp_path: Path) -> None:
    usual = Settings()
    shown = "\n".join(line for line in example_lines() if getattr(usual, name_in(line)) is not None)
    settings = Settings.load(config(tmp_path, shown), {})
    for field in fields(Settings):
        if field.name == "data":
            assert settings.data == tmp_path / usual.data
        else:
            assert getattr(settings, field.name) == getattr(usual, field.name), field.name


def test_the_example_is_valid_with_every_line_taken(tmp_path: Path) -> None:
    Settings.load(config(tmp_path, "\n".join(example_lines())), {})


def test_the_example_as_it_stands_changes_nothing() -> None:
    assert tomllib.loads(EXAMPLE.read_text(encoding="utf-8")) == {}


def test_five_mistakes_are_named_at_once(tmp_path: Path) -> None:
    said = problems(
        tmp_path,
        """
        devcie = "cpu"
        max_count = 80
        preview_every = "often"
        progress_seconds = nan
        models = ["nowhere"]
        """,
    )
    assert len(said) == 5
    text = "\n".join(said)
    assert "devcie in config.toml is no setting; did you mean device?" in text
    assert "max_count in config.toml is 80, but must be a whole number from 1 to 8" in text
    assert "preview_every in config.toml is 'often', but must be a whole number" in text
    assert "progress_seconds in config.toml is nan, but must be a number from 3 to 60" in text
    assert f"these do not: {tmp_path / 'nowhere'}" in text


def test_mistakes_in_file_and_environment_come_together(tmp_path: Path) -> None:
    environ = {"ATELIER_DEVICE": "gpu", "ATELIER_LOG_LEVLE": "debug", "HOME": "/root"}
    said = problems(tmp_path, "max_count = true\n", environ)
    assert len(said) == 3
    assert any(
        "ATELIER_DEVICE in the environment is 'gpu', but must be one of" in line for line in said
    )
    assert any("did you mean log_level?" in line for line in said)


@pytest.mark.parametrize(
    "line",
    [
        "max_count = 2.5",
        "max_count = -1",
        "max_count = true",
        "max_seconds_per_person = inf",
        "max_seconds_per_person = true",
        "max_seconds_per_person = []",
        "message_content = 1",
        "device = 3",
        "device = 'cdua'",
        "models = 'a folder'",
        "models = [1]",
        "data = 7",
        "data = ''",
        "guild = 0",
        "token = 5",
        "[models]",
    ],
)
def test_a_wrong_value_is_one_problem_that_names_the_setting(tmp_path: Path, line: str) -> None:
    (said,) = problems(tmp_path, line)
    assert said.startswith(re.findall("[a-z_]+", line)[0])


def test_a_card_as_the_device_is_told_of_the_setting_that_names_cards(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "device = 'cuda:1'")
    assert "gpus = [1]" in said


def test_a_near_miss_of_a_choice_is_guessed(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "device = 'cdua'")
    assert "did you mean cuda?" in said
    (said,) = problems(tmp_path, "device = 'gpu'")
    assert "did you mean" not in said  # of all devices, not the processor


def test_a_file_that_is_no_toml_is_one_problem_with_its_line(tmp_path: Path) -> None:
    (said,) = problems(tmp_path, "device = \n")
    assert "config.toml is no TOML" in said
    assert "line 1" in said


def test_a_file_that_is_no_text_is_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe\x00d\x00e")
    with pytest.raises(SettingsInvalid) as caught:
        Settings.load(path, {})
    assert len(caught.value.problems) == 1


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_is_read_as_editors_of_windows_write_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes('forbidden_words = ["裸"]\r\n'.encode(encoding))
    assert Settings.load(path, {}).forbidden_words == ("裸",)


def test_a_file_in_an_old_encoding_is_told_how_to_become_readable(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes('forbidden_words = ["nü"]'.encode("cp1252"))
    with pytest.raises(SettingsInvalid) as invalid:
        Settings.load(path, {})
    assert "save it again as UTF-8" in invalid.value.problems[0]


def test_brackets_beyond_all_measure_are_one_problem(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("models = " + "[" * 100_000, "utf-8")
    with pytest.raises(SettingsInvalid) as invalid:
        Settings.load(path, {})
    assert len(invalid.value.problems) == 1


def test_a_named_file_that_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"copy config\.example\.toml"):
        Settings.load(tmp_path / "config.toml", {})


def test_a_data_folder_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    (said,) = problems(tmp_path, "data = 'taken/var'")
    assert "taken is a file" in said


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    (said,) = problems(tmp_path, "data = 'locked/var'")
    assert "can be written to" in said


def test_folders_are_meant_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    settings = Settings.load(config(tmp_path, "models = ['weights']\ndata = 'd'"), {})
    assert settings.models == (tmp_path / "weights",)
    assert settings.data == tmp_path / "d"


def test_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    environ = {
        "ATELIER_DEVICE": "CPU",
        "ATELIER_MAX_COUNT": " 3 ",
        "ATELIER_PROGRESS_SECONDS": "4.5",
        "ATELIER_MESSAGE_CONTENT": "yes",
        "ATELIER_MODELS": os.pathsep.join((str(tmp_path / "a"), str(tmp_path / "b"))),
        "ATELIER_CONFIG": "names the file and is no setting",
        "DISCORD_TOKEN": TOKEN,
    }
    path = config(tmp_path, "device = 'cuda'\nmax_count = 2\ntoken = 'other'")
    settings = Settings.load(path, environ)
    assert (settings.device, settings.max_count, settings.progress_seconds) == ("cpu", 3, 4.5)
    assert settings.message_content
    assert settings.models == (tmp_path / "a", tmp_path / "b")
    assert settings.token is not None
    assert settings.token.reveal() == TOKEN


def test_an_empty_token_is_no_token() -> None:
    assert Settings.load(None, {"DISCORD_TOKEN": " "}).token is None


def test_a_token_is_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.load(None, {"DISCORD_TOKEN": TOKEN})
    assert settings.token is not None
    logging.getLogger("test").warning("%s %r", settings, settings.token)
    with pytest.raises(TypeError):
        pickle.dumps(settings.token)
    shown = f"{settings} {settings!r} {settings.token} {settings.token!r:>9} {caplog.text}"
    assert TOKEN not in shown
    assert "***" in shown


def test_what_a_command_starts_does_not_inherit_the_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inherited: dict[str, str] = {}

    def start(settings: Settings) -> int:
        inherited.update(os.environ)
        assert settings.token is not None
        assert settings.token.reveal() == TOKEN
        return 0

    for name, value in {
        "DISCORD_TOKEN": TOKEN,
        "ATELIER_ASSIST_SERVER_KEY": TOKEN[::-1],
        "ATELIER_DATA": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(bot.__main__, "_command", lambda _: start)
    monkeypatch.setattr(bot.__main__, "write_log", lambda *_, **__: None)
    assert bot.__main__.main(["models"]) == 0
    assert inherited["ATELIER_DATA"] == str(tmp_path)
    assert not {TOKEN, TOKEN[::-1]} & set(inherited.values())


@pytest.mark.parametrize("wrong", [f"Bot {TOKEN}", f'"{TOKEN}"', f"{TOKEN[:9]} {TOKEN[9:]}"])
def test_a_miscopied_token_is_explained_and_not_shown(wrong: str) -> None:
    try:
        Settings.load(None, {"DISCORD_TOKEN": wrong})
    except SettingsInvalid as error:
        (said,) = error.problems
        told = said + "".join(traceback.format_exception(error))
    assert "DISCORD_TOKEN in the environment must" in said
    assert TOKEN[:9] not in told


def test_secrets_compare_by_their_text() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1


@pytest.mark.parametrize("device", ["cpu", "gpu", "idle", "gpu:1", " IDLE:12 "])
def test_the_language_models_place_is_the_processor_or_a_card(device: str) -> None:
    assert Settings().assist_device == "cpu", "the card is the pictures'"
    read = Settings.load(None, {"ATELIER_ASSIST_DEVICE": device})
    assert read.assist_device == device.strip().lower()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('assist_device = "cuda"', 'must be "cpu", "gpu" (beside the pictures) or "idle"'),
        ('assist_device = "cpu:1"', 'as in "gpu:1"'),
        ("assist_device = 1", "must be"),
        ("assist_deadline = 0.5", "must be a number from 1 to 600"),
        ("assist_context = 100", "must be a whole number from 1024 to 131072"),
        ("assist_gpu_layers = -2", "must be a whole number from -1 to 1000"),
    ],
)
def test_a_wrong_setting_of_the_assistant_is_named(tmp_path: Path, line: str, said: str) -> None:
    assert said in "".join(problems(tmp_path, line))

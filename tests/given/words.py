"""A prompt assistant for tests: its writer answers at once, with a detail per seed."""

from __future__ import annotations

from pathlib import Path

from bot.studio.assistant import PromptAssist, WordSettings
from prompting.writers import template
from prompting.writers.ladder import Opened, WriterConfig
from prompting.writers.writer import Ask
from storage.people import AssistMode
from tests.given.builders import a_model_folder
from tests.given.scripted_writer import ScriptedWriter

DETAILS = ("soft light", "fine grain", "a calm mood", "long shadows", "a warm glow")


def detailed(ask: Ask) -> str:
    """The wish with one detail that depends on the seed."""
    return template.answer(subject=ask.text, details=(DETAILS[ask.seed % len(DETAILS)],))


def a_writer() -> ScriptedWriter:
    """One that adds a detail to every wish."""
    return ScriptedWriter([detailed])


def with_details(folder: Path) -> Path:
    """A folder whose model is of a family that is told of details, as the built-in one is not."""
    (a_model_folder(folder / "models") / "atelier.toml").write_text('family = "sd15"\n')
    return folder


def words_by(writer: ScriptedWriter | None, **chosen: object) -> PromptAssist:
    """With that writer; without one, where none could be opened."""

    async def opened(_: WriterConfig) -> Opened:
        return Opened(writer=writer, notes=() if writer else ("nothing here",))

    return PromptAssist(WordSettings(assist=AssistMode.AUTO, **chosen), open_=opened)  # type: ignore[arg-type]  # fields of WordSettings

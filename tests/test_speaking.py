"""Speaking: what people read, in their language, and in English where it has nothing that fits."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.languages import catalogues
from bot.languages.amounts import all_of, listed, number, one_of
from bot.languages.review import review
from bot.languages.speaking import ENGLISH, language_for, speak, speaking_to, spoken, tr, trn


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("zh-CN", "zh-CN"),
        ("zh-TW", "zh-CN"),
        ("en-US", ENGLISH),
        ("en-GB", ENGLISH),
        ("tlh", ENGLISH),
        ("", ENGLISH),
        (None, ENGLISH),
    ],
)
def test_a_locale_has_its_language_or_its_kin_or_english(locale: str | None, language: str) -> None:
    assert language_for(locale) == language


def test_a_text_is_said_in_the_language_of_the_block() -> None:
    assert tr("✋ Cancelled.") == "✋ Cancelled."
    with speaking_to("zh-CN"):
        assert tr("✋ Cancelled.") == "✋ 已取消。"
        with speaking_to("en-GB"):
            assert tr("✋ Cancelled.") == "✋ Cancelled."
    assert spoken() == ENGLISH


def test_what_no_file_knows_is_said_in_english_with_its_plural() -> None:
    with speaking_to("zh-CN"):
        assert tr("an {animal} nobody translated", animal="owl") == "an owl nobody translated"
        assert trn("{n} untold owl", "{n} untold owls", 1) == "1 untold owl"
        assert trn("{n} untold owl", "{n} untold owls", 2) == "2 untold owls"


def test_braces_are_letters_where_no_fact_is_given() -> None:
    assert tr("{red|blue} hair") == "{red|blue} hair"
    assert tr("{{red}} {what}", what="hair") == "{red} hair"


async def test_a_task_speaks_to_its_own_reader_alone() -> None:
    async def heard() -> str:
        speak("zh-CN")
        await asyncio.sleep(0)
        return tr("✋ Cancelled.")

    assert await asyncio.create_task(heard()) == "✋ 已取消。"
    assert contextvars.copy_context().run(spoken) == ENGLISH


def test_lists_and_numbers_are_those_of_the_language() -> None:
    names = ["a", "b", "c"]
    assert (listed(names), all_of(names), one_of(names)) == ("a, b, c", "a, b, and c", "a, b, or c")
    assert (number(1234567), listed([]), listed(["{0}"])) == ("1,234,567", "", "{0}")
    with speaking_to("zh-CN"):
        assert (listed(names), all_of(names), one_of(names)) == ("a、b、c", "a、b和c", "a、b或c")


GERMAN = """msgid ""
msgstr ""
"Language: de\\n"
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "{n} picture"
msgid_plural "{n} pictures"
msgstr[0] "{n} Bild"
msgstr[1] "{n} Bilder"

msgid "by {what}"
msgstr "von {wem}"
"""


@pytest.fixture
def german(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder of languages with German alone."""
    (tmp_path / "de.po").write_text(GERMAN, encoding="utf-8")
    caches = (catalogues.languages, catalogues.language_for, catalogues.catalogue)
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path)
    for cached in caches:
        cached.cache_clear()
    yield
    for cached in caches:
        cached.cache_clear()


@pytest.mark.usefixtures("german")
def test_one_file_adds_a_language_with_its_plurals() -> None:
    with speaking_to("de"):
        assert [trn("{n} picture", "{n} pictures", n) for n in (1, 2)] == ["1 Bild", "2 Bilder"]
        assert all_of("abc") == "a, b und c"
    assert language_for("zh-CN") == ENGLISH


@pytest.mark.usefixtures("german")
def test_a_translation_whose_gaps_do_not_fit_is_said_in_english() -> None:
    with speaking_to("de"):
        assert tr("by {what}", what="Ann") == "by Ann"
    assert review("de", []).unfit == ("by {what} -> von {wem}",)

"""Names of a wish as booru tags, from lists that an owner has put here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bot.studio.assistant import PromptAssist, WordSettings
from bot.studio.booru_tags import BooruTags, tag_folders
from generation.families.family import FAMILIES
from prompting.assist import Assistant
from prompting.reading.lexicon import built_in
from prompting.speaking.taglists import FoundTags, TagLists, read_tags, spelled
from prompting.writers.ladder import Opened, WriterConfig
from storage.people import AssistMode
from tests.given.scripted_writer import ScriptedWriter

CHARACTERS = """hatsune miku
frieren
princess zelda
toosaka rin
rem (re:zero)
rem (death note)
march 7th (honkai: star rail)
makima (chainsaw man)
2b (nier:automata)
leek (dragon ball)
luna (sailor moon)
luna (fate)
rin (rin)
"""
COPYRIGHTS = "re:zero kara hajimeru isekai seikatsu\nvocaloid\nsailor moon\n"


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> TagLists:
    folder = tmp_path_factory.mktemp("tags")
    (folder / "characters.txt").write_text(CHARACTERS)
    (folder / "copyrights.txt").write_text(COPYRIGHTS)
    (folder / "artist.txt").write_text("wlop\nask (askzy)\n")
    (folder / "more.csv").write_text('long_hair,0,4000,"longhair"\npikachu,4,9,\nbroken\n')
    found, refused = read_tags([folder])
    assert not refused
    return found


@pytest.mark.parametrize(
    ("wish", "tags", "rest"),
    [
        ("hatsune miku holding a leek", ("hatsune miku",), "holding a leek"),
        ("Rem from re:zero in a maid outfit", (r"rem \(re:zero\)",), "in a maid outfit"),
        ("Makima from Chainsaw Man drinking tea", (r"makima \(chainsaw man\)",), "drinking tea"),
        ("2b nier automata in the rain", (r"2b \(nier:automata\)",), "in the rain"),
        ("Rin Toosaka on a roof", ("toosaka rin",), "on a roof"),
        ("Frieren casting a spell", ("frieren",), "casting a spell"),
        ("a castle by wlop", ("wlop",), "a castle"),
        ("Pikachu on a skateboard", ("pikachu",), "on a skateboard"),
        ("Sailor Moon in Paris", ("sailor moon",), "in Paris"),
        ("a leek on a table", (), "a leek on a table"),
        ("Leek soup", (), "Leek soup"),
        ("Luna in the garden", (), "Luna in the garden"),
        ("Rem on a bench", (), "Rem on a bench"),
        ("a lighthouse by the sea", (), "a lighthouse by the sea"),
        ("", (), ""),
    ],
)
def test_a_name_that_leaves_no_doubt_is_a_tag_and_all_else_stays(
    lists: TagLists, wish: str, tags: tuple[str, ...], rest: str
) -> None:
    assert lists.found(wish, built_in()) == FoundTags(tags=tags, rest=rest)


def test_tags_have_blanks_and_brackets_that_weigh_nothing() -> None:
    assert spelled("looking_at_viewer") == "looking at viewer"
    assert spelled("score_9") == "score_9"
    assert spelled("saber_(fate)") == r"saber \(fate\)"
    assert spelled(r"saber \(fate\)") == r"saber \(fate\)"


def test_a_table_of_tags_is_read_by_its_categories(lists: TagLists) -> None:
    assert lists.holds("long_hair")
    assert lists.holds("Long Hair")
    assert not lists.holds("hair")


def test_a_list_that_cannot_be_read_is_named_and_takes_no_other_with_it(tmp_path: Path) -> None:
    (tmp_path / "characters.txt").write_bytes(b"miku\n\xff\xfe\x00")
    (tmp_path / "artist.txt").write_text("wlop\n")
    found, refused = read_tags([tmp_path])
    assert found.holds("wlop")
    assert [error.found for error in refused] == ["characters.txt"]


@pytest.mark.parametrize("dialect", ["illustrious", "noobai", "pony"])
async def test_names_stand_behind_the_count_of_people_and_before_what_they_do(
    lists: TagLists, dialect: str
) -> None:
    assistant = Assistant(ScriptedWriter())
    assistant.lists = lists
    found = await assistant.assist(
        "a girl, Rem from re:zero, reading under a tree", dialect=dialect, seed=1
    )
    tags = found.prompt.split(", ")
    assert tags.index("1girl") < tags.index(r"rem \(re:zero\)") < tags.index("reading")
    assert "no humans" not in tags
    assert not found.note


async def test_other_dialects_and_words_in_quotes_are_left_alone(lists: TagLists) -> None:
    assistant = Assistant(ScriptedWriter())
    assistant.lists = lists
    found = await assistant.assist("hatsune miku on a stage", dialect="flux1", seed=1)
    assert "hatsune miku" in found.prompt.casefold()
    found = await assistant.assist('a sign "Rem (re:zero)"', dialect="illustrious", seed=1)
    assert '"Rem (re:zero)"' in found.prompt


async def test_the_owners_lists_are_read_once_and_wait_for_by_all(tmp_path: Path) -> None:
    folder = tmp_path / "tags"
    folder.mkdir()
    (folder / "characters.txt").write_text(CHARACTERS)
    assert folder in tag_folders(tmp_path)
    tags = BooruTags([folder])
    assert BooruTags([folder]).known is None, "nobody has asked yet"
    lists = await tags.read()
    assert lists is not None
    assert await tags.read() is lists
    assert tags.known is lists
    assert await BooruTags(()).read() is None


async def test_the_bot_speaks_to_a_booru_model_with_the_owners_lists(tmp_path: Path) -> None:
    folder = tmp_path / "tags"
    folder.mkdir()
    (folder / "characters.txt").write_text(CHARACTERS)
    writer = ScriptedWriter()

    async def opened(_: WriterConfig) -> Opened:
        return Opened(writer=writer, notes=())

    assist = PromptAssist(WordSettings(assist=AssistMode.ON, tags=(folder,)), open_=opened)
    booru = replace(FAMILIES["sdxl"], dialect="illustrious")
    words = await assist.assist(
        "Rem from re:zero", booru, seed=1, style=None, negative="", tokenizer=None
    )
    assert r"rem \(re:zero\)" in words.prompt
    await assist.close()

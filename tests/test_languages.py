"""Languages: no text is missing in any of them, none stands elsewhere, and none breaks a rule."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bot.languages import elsewhere
from bot.languages.catalogues import ENGLISH, languages
from bot.languages.clauses import clause
from bot.languages.elsewhere import unsaid, unsaid_in
from bot.languages.extraction import texts, texts_in
from bot.languages.review import review
from bot.languages.speaking import speaking_to

TRANSLATED = [one for one in languages() if one != ENGLISH]


@pytest.mark.parametrize("language", TRANSLATED)
def test_every_text_is_there_once_and_fits_its_gaps(language: str) -> None:
    found = review(language)
    assert [(t.where, t.key) for t in found.missing] == []
    assert (found.duplicate, found.unfit, found.broken) == ((), (), ())


def test_nothing_that_people_read_is_written_elsewhere() -> None:
    found = [f"{one.file}:{one.line}: {one.text!r}" for one in unsaid()]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        'SORRY = "Nobody here drew that."',
        'view.add_item(Button(label="Cancel"))',
        'said = f"{count} pictures of {total}"',
        'text = "a" if x else "one of them is gone"',
        'tr("{what} here", what="some words")',
    ],
)
def test_words_that_are_not_said_are_noticed(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(elsewhere, "ROOT", tmp_path)
    path = tmp_path / "a.py"
    path.write_text(f'"""Words for programmers."""\nlog.info("words for the log")\n{line}\n')
    assert len(list(unsaid_in(path))) >= 1
    path.write_text('"""Words for programmers."""\nlog.info("words for the log")\ntr("a b c d")\n')
    assert list(unsaid_in(path)) == []


def test_texts_are_found_in_calls_commands_tables_and_errors() -> None:
    code = """
@app_commands.command(name="imagine", description="Draw a picture")
@app_commands.describe(prompt="What it shows")
async def imagine(interaction, prompt, size=None):
    tr("a " "b", x=1)
    trn("{n} owl", "{n} owls", 2)
STEPS = WholeParameter(name="steps", sentence="How many steps")
def why(n):
    allowed = f"at most {n} owls"
    raise OutOfRange("count", n, allowed)
"""
    found = {(text.context, text.key) for text in texts_in(ast.parse(code), "a.py")}
    assert found == {
        ("name", "imagine"),
        ("", "Draw a picture"),
        ("", "What it shows"),
        ("name", "prompt"),
        ("name", "size"),
        ("", "a b"),
        ("", ("{n} owl", "{n} owls")),
        ("", "How many steps"),
        ("clause", "count"),
        ("clause", "at most {0} owls"),
    }


def test_the_tree_is_read_at_all() -> None:
    assert len(texts()) > 1500


def test_a_clause_that_no_file_knows_is_said_as_it_is() -> None:
    with speaking_to("zh-CN"):
        assert clause("an owl that nobody put into any file") == (
            "an owl that nobody put into any file"
        )
        assert clause("at most 75 characters") == "最多 75 个字符"
    assert clause("at most 75 characters") == "at most 75 characters"

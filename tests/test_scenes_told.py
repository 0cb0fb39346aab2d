"""A scene in a prompt: behind the person's words or in their stead, in as many words as wanted."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from prompting.assist import Assistant, Assisted
from prompting.reading.lexicon import built_in
from prompting.reading.prose import divided, length
from prompting.speaking.dialects import DIALECTS
from prompting.speaking.telling import referring, says_all
from prompting.writers import template
from tests.given.scripted_writer import ScriptedWriter

LEXICON = built_in()
FOX = "a red fox in the snow"
FIRST = "A red fox lies in the snow of a silent clearing."
REST = (
    "Its thick fur catches the low winter sun and glows at the edges.",
    "Behind it bare birches fade into pale mist, their bark rough and peeling.",
    "Blue shadows stretch across the drifts toward the lower edge.",
    "The camera stays close to the ground, and the mood is hushed.",
)
SCENE = " ".join((FIRST, *REST))


async def told(
    wish: str, scene: str, dialect: str = "flux1", style: str | None = None, subject: str = ""
) -> Assisted:
    answer = template.answer(subject=subject or wish, scene=scene)
    writer = ScriptedWriter([answer])
    return await Assistant(writer).assist(wish, dialect=dialect, seed=1, style=style)


async def test_a_scene_that_says_every_word_stands_in_the_place_of_the_words() -> None:
    assisted = await told(FOX, SCENE)
    assert assisted.prompt == SCENE
    assert 40 <= length(assisted.prompt) <= 80


async def test_words_that_a_scene_lacks_stand_before_it_and_are_referred_to() -> None:
    assisted = await told(f"{FOX} beside a bench", SCENE)
    assert assisted.prompt.startswith(
        f"A red fox in the snow beside a bench. The red fox{FIRST[9:]}"
    )


async def test_a_style_keeps_its_frame_around_the_words_and_the_scene_follows() -> None:
    assisted = await told(FOX, SCENE, style="watercolor")
    assert assisted.prompt.startswith("A watercolor painting of a red fox in the snow, with soft")
    assert REST[0] in assisted.prompt
    assert length(assisted.prompt) <= 80


async def test_a_scene_is_cut_at_a_sentence_where_it_grows_too_long() -> None:
    more = " ".join(
        f"Thin {tree} branches carry a line of frost on their windward side."
        for tree in ("birch", "oak", "ash", "elm")
    )
    assisted = await told(FOX, f"{SCENE} {more}")
    assert length(assisted.prompt) <= 80
    assert assisted.prompt.endswith(".")
    assert SCENE in assisted.prompt


async def test_a_text_in_quotes_is_kept_with_its_bytes_before_the_scene() -> None:
    assisted = await told(
        'a shop window that says "OPEN 24h"',
        "Warm light falls onto the wet pavement before it. Rain beads on the glass.",
    )
    assert '"OPEN 24h"' in assisted.prompt
    assert "Rain beads on the glass." in assisted.prompt


async def test_what_is_denied_is_not_told_and_its_positive_statement_stays() -> None:
    assisted = await told(
        "a street, no people",
        "The street glistens after rain. People hurry along it. Lamps glow in the mist.",
    )
    assert "People hurry" not in assisted.prompt
    assert "Lamps glow in the mist." in assisted.prompt


async def test_a_chinese_model_gets_a_chinese_scene() -> None:
    scene = (
        "狐狸伏在厚厚的积雪里，皮毛泛着暖光。远处的白桦在薄雾中渐渐隐去。低斜的阳光拉出长长的影子。"
    )
    assisted = await told(
        "雪地里的红色狐狸", scene, dialect="qwen-image", subject="雪地里的红色狐狸"
    )
    assert assisted.prompt.startswith(f"雪地里的红色狐狸。{scene}")


async def test_an_english_scene_for_a_foreign_wish_says_its_words_in_english() -> None:
    assisted = await told(
        "zwei rote Füchse im Schnee",
        "Two red foxes rest in the snow. Mist hangs over the field.",
        subject="two red foxes in the snow",
    )
    assert assisted.prompt.startswith("Two red foxes rest in the snow. Mist hangs over the field.")


async def test_the_same_answer_says_the_same_and_other_dialects_get_no_scene() -> None:
    assert (await told(FOX, SCENE)).prompt == (await told(FOX, SCENE)).prompt
    assert "birches" not in (await told(FOX, SCENE, dialect="sd15")).prompt


async def test_an_open_writer_is_asked_for_a_scene_and_the_built_in_one_for_details() -> None:
    for placeholders, asked in ((0, "flux1"), (6, "prose")):
        writer = ScriptedWriter(placeholders=placeholders)
        await Assistant(writer).assist(FOX, dialect="flux1", seed=1)
        assert {ask.dialect for ask in writer.asked} == {asked}


BAD = (
    "Sure! Here is your scene. I hope you like it. Let me know if you want any changes.",
    "The image shows a fox. The viewer is drawn to the eyes. This picture depicts winter.",
    "A hunter and two dogs follow the tracks. A sleigh waits by the road. Crows circle above.",
    "The fox has thick blue fur. Three foxes play. Its white coat is clean in the summer heat.",
    "There are no trees here. The field lies without any tracks. Nobody has ever walked there.",
    "A sign that reads WINTER hangs above. The words are carved in ice. A logo marks the corner.",
    "<lora:fox:1> {red|blue} __winter__ (masterpiece:1.4), best quality, 8k, https://x.example.",
    "El zorro duerme en la nieve. 狐狸在雪地里睡觉。 Рыжая лиса лежит в снегу зимой.",
    "The snow is white. The snow is white. The snow is white snow and white snow and white snow.",
    "x1 x2 <x1> {1.0} [x2] scene scene scene aaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbb.",
    "It is a testament to the beauty of winter. It tells a story of hope. It evokes awe.",
    "A very long sentence that goes on and on about the snow and the cold and the wind and the",
)


@pytest.mark.parametrize("scene", BAD)
async def test_a_writer_that_answers_badly_costs_no_word_and_no_length(scene: str) -> None:
    assisted = await told(FOX, scene)
    assert assisted.prompt.startswith("A red fox in the snow.")
    assert 40 <= length(assisted.prompt) <= 80
    assert not any(sentence in assisted.prompt for sentence in divided(scene)[0])


async def test_a_careful_writers_scenes_are_told_nearly_whole() -> None:
    lines = (Path(__file__).parent / "data/scenes.jsonl").read_text("utf-8").splitlines()
    written = kept = 0
    for row in map(json.loads, lines):
        assisted = await told(row["wish"], row["scene"])
        whole = divided(row["scene"])[0]
        written += len(whole)
        # Behind the person's words, "a fox" is "the fox": a sentence is known by its end.
        kept += sum(sentence[-25:] in assisted.prompt for sentence in whole)
        assert 40 <= length(assisted.prompt) <= 80, row["wish"]
    assert kept >= 0.95 * written, f"{kept} of {written}"


@pytest.mark.parametrize(
    "scene", ["A red fox.", "Sure! I hope you like it.", FIRST, f"{FIRST} {REST[0]}"]
)
@pytest.mark.parametrize("dialect", ["flux1", "flux2-klein", "sd3", "wan", "ltx"])
async def test_a_short_scene_is_filled_up_and_the_writers_sentences_come_first(
    scene: str, dialect: str
) -> None:
    assisted = await told(FOX, scene, dialect=dialect)
    least, most = DIALECTS[dialect].words or (0, 0)
    assert least <= length(assisted.prompt) <= most
    kept = [sentence for sentence in (FIRST, REST[0]) if sentence in scene]
    assert assisted.prompt.startswith(" ".join(kept) or "A red fox in the snow.")


async def test_a_long_scene_for_a_long_dialect_is_told_in_full() -> None:
    assisted = await told(FOX, SCENE, dialect="ltx2")
    assert assisted.prompt.startswith(SCENE)
    assert length(assisted.prompt) > 100


async def test_a_sentence_that_only_repeats_the_words_is_not_told() -> None:
    wish = "a steam train crossing a stone bridge at dawn and a bench"
    assisted = await told(
        wish,
        "A steam train crosses a stone bridge at dawn. Mist hangs in the gorge below the arches.",
    )
    assert assisted.prompt.startswith(
        "A steam train crossing a stone bridge at dawn and a bench. Mist hangs"
    )


@pytest.mark.parametrize(
    ("words", "sentence", "all_of_them"),
    [
        (FOX, FIRST, True),
        (FOX, "In the snow lies a red fox.", False),  # another order: who knows what it changes
        (FOX, "A red scarf lies on a fox in the snow.", False),
        ("two cats and a blue dog", "Two cats and a blue dog share a sofa.", True),
        ("two cats and a blue dog", "Two blue cats and a dog share a sofa.", False),
        ("a cat on a dog", "A dog sleeps on a cat on a mat.", False),
        ("an old lighthouse keeper", "An old lighthouse of a keeper stands there.", False),
        ("an old lighthouse", "An old white lighthouse stands there.", True),
        ("a cat under the table", "A cat lies on the table.", False),
    ],
)
def test_a_sentence_says_all_only_in_order_and_bound_as_it_was(
    words: str, sentence: str, all_of_them: bool
) -> None:
    assert says_all(sentence, words, LEXICON, "en") is all_of_them


def test_somebody_who_was_named_is_not_brought_in_again() -> None:
    assert referring("A red fox rests.", "a fox and a bench", LEXICON) == "The red fox rests."
    assert referring("Two cats doze.", "two cats in a box", LEXICON) == "The two cats doze."
    assert referring("A pale sun rises.", "a fox", LEXICON) == "A pale sun rises."
    assert referring("A bed of moss holds a fox.", "a fox", LEXICON) == "A bed of moss holds a fox."


def test_every_dialect_that_asks_for_a_scene_has_room_for_it() -> None:
    for row in DIALECTS.values():
        if row.words:
            assert row.tokens >= row.words[0] * 1.3, row.name


@pytest.mark.parametrize("wish", ["a swan on a lake", "a steam train in the hills", "a lighthouse"])
async def test_a_clip_is_told_with_motion_and_camera_of_its_own(wish: str) -> None:
    clip = await Assistant(ScriptedWriter(placeholders=6)).assist(wish, dialect="wan", seed=1)
    still = await Assistant(ScriptedWriter(placeholders=6)).assist(wish, dialect="flux1", seed=1)
    assert "smooth natural motion" not in clip.prompt
    seen = "shot|view|viewpoint|lens|camera|dolly|tilt|pan|prime|captured|framed"
    moves = re.compile(rf"\b(?:{seen})\b", re.IGNORECASE)
    assert moves.search(clip.prompt), clip.prompt
    assert clip.prompt != still.prompt

"""What of a scene may be told: every sentence for itself, and nothing that nobody asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from prompting.reading.lexicon import built_in
from prompting.reading.opaque import read
from prompting.reading.prose import divided, length
from prompting.reading.scene import Scene, read_scene
from prompting.slots import Language, WishText

LEXICON = built_in()
FOX = "a red fox in the snow"
GOOD = "A red fox lies in deep snow beneath a bare birch."


def wish(text: str) -> WishText:
    found = read(text)
    return replace(found, language=LEXICON.language(found.words))


def scene(asked: str, text: str, language: Language = "en", subject: str = "") -> Scene:
    return read_scene(text, wish(asked), LEXICON, language=language, subject=subject)


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (FOX, GOOD),
        (FOX, "Its russet fur catches the low winter sun."),
        (FOX, "The fox watches the drifts with narrowed eyes."),
        ("an owl in a garden", "The bird sits among roses and tall grass."),
        ("a fisherman on a pier", "The old man leans over the water with a patient face."),
        ("a girl reading in a library", "A green-shaded lamp pours warm light over the book."),
        ("an old lighthouse at dusk", "Warm lamplight glows behind the glass of the lantern room."),
        ("an old lighthouse at dusk", "The camera looks up from the rocks below the tower."),
        ("a knight", "His shield and helmet carry the scratches of many battles."),
        ("Totoro at a bus stop", "The creature waits under a dripping roof of leaves."),
        ("a photo of a harbor", "A photo taken at low tide, with wet stone in the foreground."),
        ("a mountain lake", "The sun rose behind the ridge and gilds the still water."),
        ("a cat without a collar", "The cat rests on a warm wall in the late sun."),
        ("a city street", "Rain drums on the awnings of every shop along the street."),
        ("a tired baker at dawn", "The brick oven at the back gives off a dull glow."),
        ("a neon-lit alley", "Steam rolls out of the dark and glows where colours meet."),
        ("a violinist on a rooftop", "The wind lifts her coat and the strands of her hair."),
        (FOX, "A band of violet sky fades above the far ridge."),
        ("a waterfall", "At the heart of the gorge the water breaks into veils of white."),
    ],
)
def test_a_sentence_about_the_wishs_picture_is_told(asked: str, sentence: str) -> None:
    found = scene(asked, sentence)
    assert found.sentences == (sentence,), found.dropped


@pytest.mark.parametrize(
    ("asked", "sentence", "why"),
    [
        (FOX, "A hunter watches from between the trees.", "newcomer"),
        (FOX, "Two ravens circle above the white field.", "newcomer"),
        (FOX, "A truck waits at the end of the lane.", "newcomer"),
        (FOX, "A lonely castle rises behind the drifts.", "newcomer"),
        (FOX, "A wooden bench stands beside the frozen stream.", "newcomer"),
        (FOX, "Two barrels lie half buried in the drift.", "newcomer"),
        (FOX, "Red apples lie scattered across the white field.", "newcomer"),
        ("a fisherman on a pier", "The woman beside him mends a net by hand.", "newcomer"),
        ("a fisherman on a pier", "A man walks along the planks towards him.", "newcomer"),
        ("a kitchen at dawn", "Waves break on the beach below the open sky.", "newcomer"),
        ("an old lighthouse", "Her eyes are calm and her hair is loose.", "newcomer"),
        (FOX, "Low sun gilds the blue fur of the fox.", "contradiction"),
        (FOX, "A thick blue coat of fur keeps it warm.", "contradiction"),
        ("two cats on a sofa", "Three cats sleep in the light of a window.", "contradiction"),
        ("a boat at night", "Bright morning light fills the calm bay.", "contradiction"),
        ("a field in summer", "Snow lies on the posts of the fence.", "contradiction"),
        ("a girl without a hat", "A straw hat shades her eyes from the sun.", "newcomer"),
        (FOX, "The brushwork of a watercolor softens every edge.", "medium"),
        (FOX, "A wooden sign reads winter in bold letters.", "letters"),
        (FOX, "The word “winter” stands carved in the ice.", "letters"),
        (FOX, "The year 2023 is stamped into the fresh snow.", "letters"),
        (FOX, "There are no footprints anywhere in the field.", "denies"),
        (FOX, "The field lies still without any tracks at all.", "denies"),
        (FOX, "Sure, here is the scene that you wanted to see.", "talk"),
        (FOX, "I hope that this describes the fox well enough.", "talk"),
        (FOX, "The image shows an animal in a winter field.", "about"),
        (FOX, "The viewer is drawn into the depth of the forest.", "about"),
        (FOX, "This is a testament to the beauty of winter.", "says nothing"),
        (FOX, "A highly detailed winter field in stunning 8k.", "grades"),
        (FOX, "El zorro rojo duerme en la nieve con la cola sobre el hocico.", "another language"),
        (FOX, "A 狐狸 lies in the deep snow of the field.", "another language"),
        (FOX, "Behind it stand the towers of old Prague.", "name"),
        (FOX, "The snow and the snow and the snow and the snow.", "repeats"),
        (FOX, "Soft, warm, calm, slow, quiet, deep, cold.", "no sentence"),
        (FOX, "The fox lies in {deep} snow near the birch.", "no sentence"),
        (FOX, "The fox lies heeeeere in the deep snow.", "no sentence"),
        (FOX, "Deep snow.", "no sentence"),
        (FOX, "The air above the drifts is", "cut off"),
    ],
)
def test_a_sentence_that_is_something_else_goes(asked: str, sentence: str, why: str) -> None:
    found = scene(asked, sentence)
    assert found == Scene(sentences=(), dropped=((sentence, why),))


def test_intruders_second_pictures_and_talk_are_never_told() -> None:
    lines = (Path(__file__).parent / "data/scene_intruders.txt").read_text("utf-8").splitlines()
    for asked, sentence in (line.split("|") for line in lines):
        assert scene(asked, sentence).sentences == (), asked


def test_good_sentences_stay_letter_for_letter_where_bad_ones_go() -> None:
    text = f"{GOOD} Sure! A hunter watches. Low sun gilds its blue fur. Frost lies on twigs. The"
    assert scene(FOX, text).sentences == (GOOD, "Frost lies on twigs.")


def test_sentences_do_not_contradict_each_other() -> None:
    found = scene("a quiet bay", "Morning light fills the bay. Stars shine in the night sky above.")
    assert found.sentences == ("Morning light fills the bay.",)


def test_a_sentence_is_told_once() -> None:
    again = "A red fox lies in the deep snow beneath a birch."
    assert scene(FOX, f"{GOOD} {again} {GOOD}").sentences == (GOOD,)


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("湖水平静如镜，倒映出桥影。", ""),
        ("断桥横卧在湖面上，桥面覆着薄雪。", ""),
        ("几只海鸥掠过开阔的湖面。", "newcomer"),
        ("一位老者撑着伞走过湖岸。", "newcomer"),
        ("画面左上角写着几行题字。", "letters"),
        ("湖面上没有一个行人走过。", "denies"),
        ("好的，下面就是这个场景的内容。", "talk"),
        ("这幅画描绘了冬日里的西湖。", "about"),
        ("象征着江南冬天的宁静与美好。", "says nothing"),
        ("湖边的 beautiful 柳树挂着霜。", "another language"),
        ("整体留白开阔，远山渐渐隐去", "cut off"),
    ],
)
def test_chinese_is_read_by_the_same_rules(sentence: str, why: str) -> None:
    found = scene("西湖边的断桥残雪，水墨画", sentence, "zh")
    assert [reason for _, reason in found.dropped] == ([why] if why else [])


def test_a_wish_in_another_language_is_compared_by_meaning() -> None:
    text = "Two white cats doze on a red roof. A dog barks below. Their white fur is warm."
    found = scene(
        "dos gatos blancos en un tejado rojo", text, subject="two white cats on a red roof"
    )
    assert found.sentences == (
        "Two white cats doze on a red roof.",
        "Their white fur is warm.",
    )


def test_what_the_wish_says_itself_is_no_sign_of_anything() -> None:
    assert scene("my old letter box", "The letter box leans beside a mossy gate.").sentences
    assert scene("the words of a poet", "A poet speaks his words into the cold wind.").sentences


def test_prose_is_divided_at_the_ends_of_sentences_alone() -> None:
    text = "St. Paul's stands at f/2.8 in 3.5 m of fog. The dome glows! 雪落下。The rest is"
    assert divided(text) == (
        ("St. Paul's stands at f/2.8 in 3.5 m of fog.", "The dome glows!", "雪落下。"),
        "The rest is",
    )


def test_one_and_a_half_chinese_characters_are_a_word_long() -> None:
    assert length("a cold-blooded fox's den, at 3.5 m") == 7
    assert length("湖水平静如镜") == 4
    assert length("湖边的 neon 灯") == 4

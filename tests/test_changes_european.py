"""Replies in German, French, Spanish, Italian and Portuguese: the same wishes mean the same."""

from __future__ import annotations

import pytest

from prompting.changes import understand
from prompting.changing.intents import Action, IntentKind, ShownPicture
from prompting.changing.rewording import reworded

CAT = ShownPicture(prompt="a cat wearing a blue hat, sitting on a sofa", count=4)

# Kind: German, French, Spanish, Italian, Portuguese.
SAID = {
    IntentKind.AGAIN: (
        "noch einmal bitte",
        "encore une fois",
        "otra vez por favor",
        "ancora una volta per favore",
        "mais uma vez por favor",
    ),
    IntentKind.NONE: (
        "danke, sehr schön!",
        "merci, c'est superbe",
        "gracias, qué bonito",
        "grazie, bellissimo!",
        "obrigado, ficou lindo",
    ),
    IntentKind.UNDO: (
        "mach das rückgängig",
        "reviens en arrière",
        "deshaz el último cambio",
        "annulla l'ultima modifica",
        "desfaz a última alteração",
    ),
    IntentKind.DELETE: (
        "lösch das Bild",
        "supprime cette image",
        "borra esta imagen",
        "cancella questa immagine",
        "apaga esta imagem",
    ),
    IntentKind.INFO: (
        "welcher Seed?",
        "quelle graine ?",
        "¿qué semilla es?",
        "qual è il seme?",
        "qual é a semente?",
    ),
    IntentKind.UPSCALE: (
        "doppelt so groß",
        "agrandis l'image",
        "más resolución",
        "ingrandisci l'immagine",
        "mais resolução",
    ),
    IntentKind.OUTPAINT: (
        "erweitere nach links",
        "étends l'image vers la gauche",
        "extiende la imagen hacia la izquierda",
        "estendi l'immagine verso sinistra",
        "estende a imagem para a esquerda",
    ),
    IntentKind.RESTYLE: (
        "als Ölgemälde",
        "en aquarelle",
        "en estilo acuarela",
        "come un acquerello",
        "em estilo aquarela",
    ),
    IntentKind.VIDEO: (
        "mach ein Video daraus",
        "anime l'image",
        "anímala",
        "animala",
        "anima a imagem",
    ),
    IntentKind.PICK: ("das dritte", "la deuxième", "la tercera", "la terza", "a terceira"),
    IntentKind.PARAMETERS: (
        "40 Schritte",
        "en format paysage",
        "menos pasos",
        "in orizzontale",
        "menos passos",
    ),
    IntentKind.ASK: ("gefällt mir nicht", "bof", "no me convence", "non mi convince", "não gostei"),
    IntentKind.VARY: (
        "eine kleine Variation",
        "une petite variation",
        "algo parecido",
        "una piccola variazione",
        "algo parecido",
    ),
}


@pytest.mark.parametrize(
    ("kind", "reply"), [(kind, reply) for kind, replies in SAID.items() for reply in replies]
)
def test_a_reply_means_what_it_means_in_english(kind: IntentKind, reply: str) -> None:
    assert understand(reply, CAT).intents[0].kind is kind


@pytest.mark.parametrize(
    "reply",
    [
        "entferne den Hut",
        "enlève le chapeau",
        "quita el sombrero",
        "togli il cappello",
        "tira o chapéu",
    ],
)
def test_what_is_to_go_goes_with_its_phrase(reply: str) -> None:
    [intent] = understand(reply, CAT).intents
    [change] = intent.changes
    assert change.action is Action.REMOVE
    assert reworded(CAT.prompt, "", intent.changes).prompt == "a cat, sitting on a sofa"


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        ("ersetze den Hut durch eine Krone", "crown"),
        ("remplace le chapeau par une couronne", "crown"),
        ("cambia el sombrero por una corona", "crown"),
        ("mach den Hut rot", "red"),
        ("mets le chapeau en rouge", "red"),
        ("pinta el sombrero de rojo", "red"),
        ("mach es Nacht", "night"),
        ("qu'il fasse nuit", "night"),
        ("que sea de noche", "night"),
        ("sostituisci il cappello con una corona", "crown"),
        ("troca o chapéu por uma coroa", "crown"),
        ("fai il cappello rosso", "red"),
        ("deixa o chapéu vermelho", "red"),
        ("fallo di notte", "night"),
        ("all'alba", "dawn"),
        ("que seja de noite", "night"),
        ("à l'aube", "dawn"),
    ],
)
def test_what_is_asked_for_stands_in_the_prompt_in_its_language(reply: str, word: str) -> None:
    [intent] = understand(reply, CAT).intents
    prompt = reworded(CAT.prompt, "", intent.changes).prompt
    assert word in prompt
    assert "cat" in prompt
    assert "sofa" in prompt


@pytest.mark.parametrize(
    ("reply", "prompt"),
    [
        ("aggiungi un cappello rosso", "un gatto nero con una sciarpa sul divano"),
        ("adiciona um chapéu vermelho", "um gato preto com um cachecol na cadeira"),
    ],
)
def test_words_in_the_prompts_own_language_stay_in_it(reply: str, prompt: str) -> None:
    [intent] = understand(reply, ShownPicture(prompt=prompt)).intents
    said = reworded(prompt, "", intent.changes).prompt
    assert said.startswith(prompt)
    assert said.endswith(" ".join(reply.split()[2:]))


@pytest.mark.parametrize(
    "reply",
    [
        "gib ihr einen blauen Umhang",
        "mets-lui une cape bleue",
        "mets une cape bleue à la femme",
        "ponle una capa azul",
        "pon una capa azul a la mujer",
        "dalle un mantello blu",
        "coloca uma capa azul nela",
    ],
)
def test_what_somebody_wears_already_is_replaced(reply: str) -> None:
    before = "a woman wearing a red cape, standing on a roof"
    [intent] = understand(reply, ShownPicture(prompt=before)).intents
    assert reworded(before, "", intent.changes).prompt == before.replace("red", "blue")


@pytest.mark.parametrize(
    "reply", ["blaue Haare", "cheveux bleus", "pelo azul", "capelli blu", "cabelo azul"]
)
def test_hair_of_another_colour_is_no_second_head_of_hair(reply: str) -> None:
    before = "a woman with red hair in a park"
    [intent] = understand(reply, ShownPicture(prompt=before)).intents
    assert reworded(before, "", intent.changes).prompt == before.replace("red", "blue")


@pytest.mark.parametrize(
    "reply",
    [
        "statt Schokolade bitte Erdbeere",
        "au lieu du chocolat, de la fraise",
        "fresa en vez de chocolate",
        "fragola invece di cioccolato",
        "morango em vez de chocolate",
    ],
)
def test_a_chocolate_cake_becomes_a_strawberry_cake(reply: str) -> None:
    before = "a chocolate cake on a table"
    [intent] = understand(reply, ShownPicture(prompt=before)).intents
    assert reworded(before, "", intent.changes).prompt == "a strawberry cake on a table"


@pytest.mark.parametrize(
    "reply",
    [
        "mach es bei Sonnenaufgang",
        "mets-le à l'aube",
        "hazlo al amanecer",
        "ponlo al amanecer",
        "fallo all'alba",
        "faz ao amanecer",
    ],
)
def test_moonlight_goes_where_the_sun_rises(reply: str) -> None:
    before = "a forest lake under moonlight, at night"
    [intent] = understand(reply, ShownPicture(prompt=before)).intents
    after = reworded(before, "", intent.changes).prompt
    assert after in ("a forest lake, at sunrise", "a forest lake, at dawn")


@pytest.mark.parametrize(
    "reply",
    [
        "was für eine schöne Katze",
        "quel beau chat",
        "¡qué gato tan bonito!",
        "che bel gatto!",
        "que gato lindo!",
    ],
)
def test_praise_that_names_what_is_seen_draws_nothing(reply: str) -> None:
    assert understand(reply, CAT).intents[0].kind is IntentKind.NONE


@pytest.mark.parametrize("reply", ["avec une écharpe bleue", "con una bufanda azul"])
def test_a_new_thing_of_a_colour_that_is_there_is_no_number_of_it(reply: str) -> None:
    [intent] = understand(reply, CAT).intents
    assert reworded(CAT.prompt, "", intent.changes).prompt == f"{CAT.prompt}, with blue scarf"


def test_an_article_fits_what_follows_when_the_season_between_goes() -> None:
    before = "a fox under an autumn tree"
    [intent] = understand("en hiver", ShownPicture(prompt=before)).intents
    assert reworded(before, "", intent.changes).prompt == "a fox under a tree, in winter"

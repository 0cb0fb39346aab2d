"""Replies in German, French and Spanish: the same wishes mean the same."""

from __future__ import annotations

import pytest

from prompting.changes import understand
from prompting.changing.intents import Action, IntentKind, ShownPicture
from prompting.changing.rewording import reworded

CAT = ShownPicture(prompt="a cat wearing a blue hat, sitting on a sofa", count=4)

# Kind: German, French, Spanish.
SAID = {
    IntentKind.AGAIN: ("noch einmal bitte", "encore une fois", "otra vez por favor"),
    IntentKind.NONE: ("danke, sehr schön!", "merci, c'est superbe", "gracias, qué bonito"),
    IntentKind.UNDO: ("mach das rückgängig", "reviens en arrière", "deshaz el último cambio"),
    IntentKind.DELETE: ("lösch das Bild", "supprime cette image", "borra esta imagen"),
    IntentKind.INFO: ("welcher Seed?", "quelle graine ?", "¿qué semilla es?"),
    IntentKind.UPSCALE: ("doppelt so groß", "agrandis l'image", "más resolución"),
    IntentKind.OUTPAINT: (
        "erweitere nach links",
        "étends l'image vers la gauche",
        "extiende la imagen hacia la izquierda",
    ),
    IntentKind.RESTYLE: ("als Ölgemälde", "en aquarelle", "en estilo acuarela"),
    IntentKind.VIDEO: ("mach ein Video daraus", "anime l'image", "anímala"),
    IntentKind.PICK: ("das dritte", "la deuxième", "la tercera"),
    IntentKind.PARAMETERS: ("40 Schritte", "en format paysage", "menos pasos"),
    IntentKind.ASK: ("gefällt mir nicht", "bof", "no me convence"),
    IntentKind.VARY: ("eine kleine Variation", "une petite variation", "algo parecido"),
}


@pytest.mark.parametrize(
    ("kind", "reply"), [(kind, reply) for kind, replies in SAID.items() for reply in replies]
)
def test_a_reply_means_what_it_means_in_english(kind: IntentKind, reply: str) -> None:
    assert understand(reply, CAT).intents[0].kind is kind


@pytest.mark.parametrize("reply", ["entferne den Hut", "enlève le chapeau", "quita el sombrero"])
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
    ],
)
def test_what_is_asked_for_stands_in_the_prompt_in_its_language(reply: str, word: str) -> None:
    [intent] = understand(reply, CAT).intents
    prompt = reworded(CAT.prompt, "", intent.changes).prompt
    assert word in prompt
    assert "cat" in prompt
    assert "sofa" in prompt

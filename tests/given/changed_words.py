"""The words of a picture after a reply to it."""

from __future__ import annotations

from prompting.changes import understand
from prompting.changing.intents import ShownPicture
from prompting.changing.rewording import reworded


def changed(prompt: str, reply: str) -> str:
    understood = understand(reply, ShownPicture(prompt=prompt))
    changes = [change for intent in understood.intents for change in intent.changes]
    return reworded(prompt, "", changes).prompt

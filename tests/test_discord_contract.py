"""What the bot sends is what Discord accepts; and the check itself notices what Discord refuses."""

from __future__ import annotations

import pytest

from tests.given.contract import Contract, load_rules
from tests.given.discord_world import world
from tests.given.sample_bot import SampleBot

MESSAGES = "/channels/1/messages"
BUTTON = {"type": 2, "style": 1, "label": "b"}


async def test_a_conversation_with_everything_in_it_is_legal(contract: Contract) -> None:
    async with world(SampleBot(seconds=0.05, edit_every=0.01)) as here:
        await here.ann.command("imagine", prompt="owl", image=("a.png", b"not looked at"))
        picture = await here.ann.sees(lambda m: m.attachments)
        shown = await here.ann.press(picture, "✏️")
        await here.ann.submit(shown, "cat")
        await here.ann.sees(lambda m: m.attachments, after=picture)
        await here.ben.menu("Look closer", picture)
        assert not here.faults
    assert len(contract.requests) >= 8
    assert contract.broken == []


@pytest.mark.parametrize(
    ("why", "method", "path", "body"),
    [
        ("too long", "POST", MESSAGES, {"content": "a" * 2001}),
        ("empty", "POST", MESSAGES, {}),
        ("no such route", "POST", "/channels/1/nonsense", {}),
        (
            "six buttons in a row",
            "POST",
            MESSAGES,
            {
                "content": "x",
                "components": [
                    {"type": 1, "components": [{**BUTTON, "custom_id": f"{i}"} for i in range(6)]}
                ],
            },
        ),
        (
            "a command without description",
            "PUT",
            "/applications/1/commands",
            [{"name": "imagine"}],
        ),
    ],
)
def test_what_discord_refuses_is_noticed(
    contract: Contract,
    why: str,
    method: str,
    path: str,
    body: object,
) -> None:
    assert contract.requests == []
    assert load_rules().check(method, path, body), why

"""A button that is pressed in the very moment in which its message is noted is believed."""

from __future__ import annotations

from pathlib import Path

from bot.studio.known import KnownMessages
from storage.database import Database
from storage.tickets import RequestId, Tickets
from tests.given.apps import a_wish, an_app, drawn
from tests.given.builders import ANN
from tests.given.fakes import FakeWorker

MESSAGE = 4711


class Noting(Tickets):
    """The message is noted right after the first question about it."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.asked = 0

    async def is_shown_by(self, request: RequestId, message: int) -> bool:
        shown = await super().is_shown_by(request, message)
        await self._note(request)
        return shown

    async def is_being_shown(self, request: RequestId) -> bool:
        being_shown = await super().is_being_shown(request)
        await self._note(request)
        return being_shown

    async def _note(self, request: RequestId) -> None:
        self.asked += 1
        if self.asked == 1:
            await self.say_progress_is(request, MESSAGE)
            await self.posted(request, MESSAGE, channel=0)


async def test_a_note_between_two_questions_does_not_make_a_stranger_of_a_button(
    tmp_path: Path,
) -> None:
    async with an_app(tmp_path, FakeWorker()) as app:
        outcome = await drawn(app, a_wish("a red flower", owner=ANN))
        request, database = outcome.request.id, app.stores.tickets._database
        async with database.transaction("test") as db:
            await db.execute("UPDATE outbox SET open = 1, attempts = 1, message = NULL")
        noting = Noting(database)
        await KnownMessages(noting).check(request, [MESSAGE], channel=0)
        assert noting.asked

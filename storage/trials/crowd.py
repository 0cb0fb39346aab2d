"""A crowd of invented pictures, to measure what a full memory costs.  For `make bench` only.

The rows are those of real pictures in number and size, less the recipes' texts, which repeat, and
the digests, which rise (random ones take minutes to index, and nothing here looks them up): every
request has four pictures in one message.  Nothing here is ever called by the bot.
"""

from __future__ import annotations

from storage.database import Database
from storage.ids import PictureId

PICTURES_PER_MESSAGE = 4
FIRST_MESSAGE = 1_000_000_000_000_000_000  # of the size of Discord's ids
_MESSAGES_APART = 7919 * 4194304  # ids grow with time, with gaps
_REQUESTS_AT_ONCE = 25_000


async def crowd(database: Database, like: PictureId, pictures: int) -> None:
    """Add about that many copies of the picture, each of its own request, ticket and message."""
    requests = pictures // PICTURES_PER_MESSAGE
    for start in range(0, requests, _REQUESTS_AT_ONCE):
        count = min(_REQUESTS_AT_ONCE, requests - start)
        async with database.transaction("crowd") as db:
            values = {
                "like": like,
                "count": count,
                "message": FIRST_MESSAGE + start * _MESSAGES_APART,
                "apart": _MESSAGES_APART,
                "each": PICTURES_PER_MESSAGE,
            }
            for sql in (_REQUESTS, _TICKETS, _PICTURES):
                await db.execute(sql, values)


def message(number: int) -> int:
    """The id of the message with the pictures of the crowd's request of that number, from 0."""
    return FIRST_MESSAGE + number * _MESSAGES_APART


_NUMBERS = """
WITH RECURSIVE numbers (n) AS (
    SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :count
)
"""

# The message is kept in progress_message until the pictures have it; owners are a few thousand.
_REQUESTS = f"""
{_NUMBERS}
INSERT INTO requests (owner, guild, channel, locale, words, progress_message, created)
SELECT 1000 + n % 4999, r.guild, r.channel, r.locale, r.words, :message + n * :apart, r.created + n
FROM numbers, pictures p JOIN tickets t ON t.id = p.ticket JOIN requests r ON r.id = t.request
WHERE p.id = :like ORDER BY n
"""

_TICKETS = """
WITH RECURSIVE places (ordinal) AS (
    SELECT 0 UNION ALL SELECT ordinal + 1 FROM places WHERE ordinal + 1 < :each
)
INSERT INTO tickets (request, ordinal, recipe, cost, state, tries)
SELECT r.id, places.ordinal, p.recipe, 1.0, 'drawn', 1
FROM requests r CROSS JOIN places CROSS JOIN pictures p
WHERE p.id = :like AND r.id > (SELECT max(id) - :count FROM requests) ORDER BY r.id, places.ordinal
"""

_PICTURES = """
INSERT INTO pictures (
    ticket, owner, ordinal, recipe, environment,
    png_sha256, pixels_sha256, latents_sha256, seconds, message, drawn_at
)
SELECT t.id, r.owner, t.ordinal, p.recipe, p.environment,
       printf('%064x', t.id), printf('%064x', t.id), printf('%064x', t.id),
       p.seconds, r.progress_message, r.created
FROM requests r JOIN tickets t ON t.request = r.id CROSS JOIN pictures p
WHERE p.id = :like AND r.id > (SELECT max(id) - :count FROM requests) ORDER BY t.id
"""

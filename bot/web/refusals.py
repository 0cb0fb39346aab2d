"""Why a page is not shown: the one place where a request of a browser that failed ends.

Invariant: what may not be seen is told as what never was, and every refusal says what to do
instead.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from aiohttp import web

from bot.languages.speaking import mark, tr
from bot.pages.apologies import apology_for, expected
from bot.telemetry.logs import wordless
from bot.web import answers
from bot.web.document import notice
from bot.web.links import LinkExpired, LinkUsed, NoLink
from bot.web.reception import CannotAsk
from storage.errors import Missing

log = logging.getLogger(__name__)


def refusal(error: Exception, *, up: str, script: bool) -> web.Response:
    """The answer; `script`: a script of ours reads it, and says it where the person is."""
    status, title, said = _told(error)
    if status >= 500 and not isinstance(error, TimeoutError):
        log.error("a page failed", exc_info=wordless(error, ""))
    else:
        log.info("a page was refused: %s", type(error).__name__)
    if script:
        return answers.values({"said": said, "over": isinstance(error, NoLink)}, status)
    return answers.document(notice(title, said, up=up), status)


def unmarked(text: str) -> str:
    """What is written for Discord, without its marks."""
    return text.replace("**", "").replace("`", "")


def _told(error: Exception) -> tuple[int, str, str]:
    """Status, title and sentence."""
    for kind, (status, title, said) in _SAID.items():
        if isinstance(error, kind):
            return status, tr(title), tr(said)
    if isinstance(error, CannotAsk):
        return 403, tr("That does not work"), unmarked(error.said)
    if isinstance(error, web.HTTPException):
        return error.status, tr(_NOTHING), tr(_AGAIN)
    if expected(error):
        status = 404 if isinstance(error, Missing) else 422
        return status, tr("That does not work"), unmarked(apology_for(error))
    return 500, tr("I stumbled"), tr(_STUMBLED)


_NOTHING = mark("There is nothing here")
_AGAIN = mark("Open the link that I gave you in Discord again, or ask for a new one there.")
_STUMBLED = mark("The reason is in my log. Nothing is lost; please try again in a minute.")

_SLOW = (408, mark("That took too long"), mark("Please try again in a minute."))

# The first that fits speaks.
_SAID: Mapping[type[Exception], tuple[int, str, str]] = {
    LinkUsed: (
        410,
        mark("This link was used"),
        mark(
            "It works once, and what was sent with it is in the conversation. For another "
            "change, press 🖌️ under the picture again."
        ),
    ),
    LinkExpired: (
        410,
        mark("This link is over"),
        mark(
            "Links of mine work for a limited time. Ask for a new one where you got this one: "
            "🖌️ under a picture, or /gallery."
        ),
    ),
    NoLink: (
        404,
        mark("This is no link of mine"),
        mark(
            "Perhaps a part of it is missing. Open it from Discord again, or ask for a new one "
            "there."
        ),
    ),
    web.HTTPRequestEntityTooLarge: (
        413,
        mark("That is too much"),
        mark("More was sent than I take, so nothing was."),
    ),
    web.HTTPBadRequest: (
        400,
        mark("I could not read that"),
        mark("What was sent is no mask of this page. Open the link again, and paint once more."),
    ),
    web.HTTPRequestTimeout: _SLOW,
    TimeoutError: _SLOW,
}

"""Who is let in at a page: whoever has a link, unless the server's admins let them ask for nothing.

Invariant: whoever is blocked in the server that a link was asked for in sees none of its pages.
"""

from __future__ import annotations

from bot.languages.speaking import speak
from bot.studio.servers import Blocked
from bot.studio.studio import Studio
from bot.web.links import Link, LinkPurpose, Links


def admitted(studio: Studio, links: Links, purpose: LinkPurpose, text: str) -> Link:
    """What a link says, in its person's language from here on.  Raises NoLink, or Blocked."""
    link = links.read(purpose, text)
    speak(link.visitor.locale)
    if studio.servers.rules(link.visitor.guild).blocks(link.visitor.person):
        raise Blocked
    return link

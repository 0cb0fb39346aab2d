"""Where the bot's own pages listen and who reaches them, for the doctor."""

from __future__ import annotations

import ipaddress
import socket

from bot.cli.findings import Finding, good, note
from bot.settings import Settings
from bot.web.server import here

PAGES = "own pages"
HOW = "docs/operations.md says how, with a reverse proxy"


def own_pages(settings: Settings, *, at_work: bool) -> Finding:
    """Whether they are on, can have their port, and lead somewhere; `at_work`: the bot has it."""
    if not settings.web_on:
        return good(PAGES, "off; web.on = true offers the mask painter and the browser's gallery")
    where = f"{settings.web_listen} port {settings.web_port}"
    if not at_work and not _free(settings.web_listen, settings.web_port):
        return note(
            PAGES,
            f"{where} cannot be had, so nothing will offer them",
            "stop the other program, or choose another web.port or web.listen",
        )
    if settings.web_address is None:
        links = here(settings.web_listen, settings.web_port)
        return note(
            PAGES,
            f"on at {where}, and links begin with {links}: nobody reaches that from elsewhere",
            f"set web.address to what others reach ({HOW})",
        )
    found = f"on at {where}; links begin with {settings.web_address}"
    if settings.web_address.startswith("http://") and not _own(settings.web_address):
        return note(
            PAGES,
            f"{found}: whoever is between can read pictures and links",
            f"let a reverse proxy speak HTTPS, and begin web.address with https:// ({HOW})",
        )
    return good(PAGES, found)


def _free(listen: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in listen else socket.AF_INET
    with socket.socket(family) as trying:
        trying.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trying.bind((listen, port))
        except OSError:
            return False
    return True


def _own(address: str) -> bool:
    """Whether the address stays within this machine."""
    host = address.split("://")[1].partition("/")[0].rpartition(":")[0] or address.split("://")[1]
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.partition("/")[0] == "localhost"

"""All commands and menus, and the tree they are put on."""

from __future__ import annotations

from typing import Any

from discord import app_commands

from bot.chat.commands import adding, allowances, weekly
from bot.chat.commands.blend import blend
from bot.chat.commands.catalog import loras, models, styles
from bot.chat.commands.compare import compare, compare_menu
from bot.chat.commands.control import control
from bot.chat.commands.describe import describe, describe_menu
from bot.chat.commands.editing import edit
from bot.chat.commands.enhance import enhance
from bot.chat.commands.gallery import favourites, gallery, history
from bot.chat.commands.help import help_
from bot.chat.commands.imagine import imagine
from bot.chat.commands.importing import import_
from bot.chat.commands.making import model3d, sound, video
from bot.chat.commands.pictures import edit_menu, recipe_menu, redraw_menu, reproduce
from bot.chat.commands.presets import preset
from bot.chat.commands.privacy import privacy
from bot.chat.commands.queue import cancel, queue
from bot.chat.commands.reshaping import inpaint, outpaint, upscale, vary
from bot.chat.commands.server import server
from bot.chat.commands.settings import settings
from bot.chat.commands.show import show
from bot.chat.commands.stats import stats
from bot.chat.commands.status import status

models.add_command(adding.add)
models.add_command(adding.stop)
server.add_command(allowances.limits)
server.add_command(allowances.weights)
server.add_command(weekly.weekly)
stats.add_command(allowances.quota)

COMMANDS: tuple[app_commands.Command[Any, ..., None] | app_commands.Group, ...] = (
    help_,
    imagine,
    video,
    sound,
    model3d,
    import_,
    enhance,
    describe,
    edit,
    vary,
    upscale,
    outpaint,
    inpaint,
    blend,
    control,
    compare,
    show,
    history,
    favourites,
    gallery,
    reproduce,
    models,
    loras,
    styles,
    queue,
    cancel,
    stats,
    status,
    settings,
    preset,
    server,
    privacy,
)
MENUS: tuple[app_commands.ContextMenu, ...] = (
    redraw_menu,
    edit_menu,
    describe_menu,
    compare_menu,
    recipe_menu,
)


def add_commands(tree: app_commands.CommandTree[Any]) -> None:
    """Everything a person can call."""
    for command in COMMANDS:
        tree.add_command(command)
    for menu in MENUS:
        tree.add_command(menu)

"""Each parameter is described once: commands, checks and other programs' words agree with it."""

from __future__ import annotations

import argparse
from dataclasses import fields, replace
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from discord import app_commands

from bot.chat.commands.tree import COMMANDS
from bot.cli.arguments import parser
from bot.pages.recipe_page import recipe_page
from generation import parameters
from generation.draft import OF_A_TASK, SECTIONS, Draft, DraftCanvas, complete
from generation.errors import OutOfRange
from generation.families.family import FAMILIES
from generation.interchange.infotext import infotext
from generation.limits import Present, for_somebody
from generation.parameters import (
    CLIP_SKIP,
    DENOISE,
    GUIDANCE,
    NEGATIVE,
    PARAMETERS,
    PRESET,
    PROMPT,
    SHIFT,
    STEPS,
    AmountParameter,
    Parameter,
    TextParameter,
    WholeParameter,
)
from generation.recipe import Input, Recipe, Weights
from generation.tasks import Task
from tests.given.apps import a_wish
from tests.given.builders import a_digest, a_draft, a_model, a_model_for, a_recipe, changed
from tests.given.pasting import unpasted
from tests.given.stored import a_stored_picture

# Options that are called like a parameter and are another thing.
OTHERS = {("enhance", "model"), ("describe", "model")}  # which model the proposals are for
SEVERAL = {"compare"}  # takes several values of each, as text
FINDING = {"history", "favourites", "gallery"}  # look for pictures that have them
# What changes a picture says in its own words which picture, and what the words are about.
CHANGING = {"edit", "vary", "upscale", "outpaint", "inpaint", "blend", "control", "describe"}
CHANGING |= {"video", "sound", "model3d"}
OPTIONS = [
    (command.name, option)
    for command in COMMANDS
    if isinstance(command, app_commands.Command)
    for option in command.parameters
]


@pytest.mark.parametrize(
    ("command", "option"),
    [
        (command, option)
        for command, option in OPTIONS
        if option.name in PARAMETERS
        and (command, option.name) not in OTHERS
        and command not in SEVERAL | FINDING
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_an_option_of_a_command_has_the_tables_sentence_and_range(
    command: str, option: app_commands.Parameter
) -> None:
    row = PARAMETERS[option.name]
    setting = row.as_setting or row.sentence
    if command not in CHANGING or option.name not in ("image", "prompt"):
        assert option.description == (setting if command == "settings" else row.sentence)
    ends = (option.min_value, option.max_value)
    match row:
        case WholeParameter():
            assert (option.type.name, *ends) == ("integer", row.low, row.high)
        case AmountParameter():
            assert (option.type.name, *ends) == ("number", row.low, row.high)
        case TextParameter() if option.autocomplete and ends == (None, None):
            assert option.type.name == "string"  # what it may be is looked up
        case TextParameter():
            assert (option.type.name, *ends) == ("string", row.shortest, row.longest)


def test_an_option_that_is_no_parameter_is_described_by_its_command() -> None:
    silent = [(command, option.name) for command, option in OPTIONS if option.description == "…"]
    assert silent == [], "app_commands.describe says what each of them is"


def test_imagine_offers_every_parameter() -> None:
    offered = {option.name for command, option in OPTIONS if command == "imagine"}
    others = {row.name for row in PARAMETERS.values() if row.task}  # of another command
    others |= {
        row.name
        for row in PARAMETERS.values()
        if row.section in ("motion", "second", "sound", "form", "dice")
    }
    lacking = set(PARAMETERS) - offered - others - {"width", "height"}  # which are said as a size
    assert lacking == set(), "each is a word in the signature of bot/chat/commands/imagine.py"


def test_the_commands_of_other_media_offer_their_parameters() -> None:
    for command, section in (
        *(("video", "motion"), ("video", "second")),
        *(("sound", "sound"), ("model3d", "form")),
    ):
        offered = {option.name for name, option in OPTIONS if name == command}
        wanted = {row.name for row in PARAMETERS.values() if row.section == section}
        assert wanted <= offered, "each is a word in bot/chat/commands/making.py"


def drawing() -> dict[str, argparse.Action]:
    """The options of `draw` by their flags."""
    (commands,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    actions = commands.choices["draw"]._actions
    return {flag: action for action in actions for flag in action.option_strings}


def test_the_command_line_has_every_parameter_and_says_the_tables_sentence() -> None:
    found = drawing()
    others = {"-h", "--help", "--out", "--config", "--debug", "--from", "--medium"}
    others |= {"--control", "--controlnet", "--preprocessor"}  # as often as there are pictures
    # Presets are kept by people in chat; a terminal has its shell for that.
    rows = [row for row in PARAMETERS.values() if row not in (PROMPT, PRESET)]
    assert found.keys() - others == {row.flag for row in rows}
    for row in rows:
        assert found[row.flag].help == row.help
        if isinstance(row, WholeParameter | AmountParameter):
            assert found[row.flag].type is KINDS[type(row)]


def bare(hint: Any) -> Any:
    """A type without its None."""
    if get_origin(hint) in (Union, UnionType):
        (hint,) = (each for each in get_args(hint) if each is not type(None))
    return hint


KINDS: dict[type[Parameter], type] = {
    WholeParameter: int,
    AmountParameter: float,
    TextParameter: str,
}


@pytest.mark.parametrize("row", PARAMETERS.values(), ids=lambda row: row.name)
def test_a_parameter_is_a_field_of_the_recipe_or_of_the_request_alone(row: Parameter) -> None:
    if row.section == "request":
        assert not row.field
        return
    whole = get_type_hints(Recipe)
    if row.section == "recipe":
        assert row.field in whole
        return
    for kind in (Recipe, Draft):
        section = bare(get_type_hints(kind)[row.section])
        follows = getattr(section, row.field, None)  # from the section's being there
        told = get_type_hints(follows.fget) if isinstance(follows, property) else {}
        hint = told.get("return") or bare(get_type_hints(section)[row.field])
        assert hint is KINDS[type(row)], kind


def test_whatever_a_draft_can_say_is_in_the_table() -> None:
    described = {(row.section, row.field) for row in PARAMETERS.values()}
    sections = SECTIONS
    said = {(name, field.name) for name in sections for field in fields(getattr(Draft(), name))}
    others = {*sections, *OF_A_TASK}  # which the command that is used says
    own = {("recipe", field.name) for field in fields(Draft) if field.name not in others}
    # Which the family, or the program that words came from, says.
    spoken = {("words", "syntax"), ("experts", "boundary"), ("experts", "cfg")}
    spoken |= {("motion", "piece"), ("motion", "overlap"), ("motion", "held")}
    spoken |= {("sound", "rate"), ("sound", "channels")}
    spoken |= {("second", "sampler"), ("second", "sigmas"), ("second", "cfg")}
    assert said - spoken | own <= described


def test_names_flags_and_keys_of_other_programs_mean_one_thing_each() -> None:
    rows = list(PARAMETERS.values())
    assert len(rows) == sum(isinstance(v, Parameter) for v in vars(parameters).values())
    keys = [row.key for row in rows if row.a1111]
    assert len(set(keys)) == len(keys)
    inputs = [row.comfyui for row in rows if row.comfyui and row.section != "words"]
    assert len(set(inputs)) == len(inputs)
    assert all(row.comfyui.count(".") == 1 for row in rows if row.comfyui)


SAID = [row for row in PARAMETERS.values() if row.section in ("words", "sampling")]
NUMBERS = [row for row in SAID if isinstance(row, WholeParameter | AmountParameter)]
OF_A_FLOW: dict[str, Any] = {"architecture": FAMILIES["sd3"].architecture, "guidance": 3.5}
DISTILLED = replace(FAMILIES["sd15"], **OF_A_FLOW, sampler="euler")
START = Input(role="init", sha256=a_digest("e"), fit="cover")
SEEN = Input(role="reference", sha256=a_digest("e"), fit="cover")


def asked(row: Any, value: Any) -> Recipe:
    """A recipe in which the parameter is this; denoise is of a picture to start from."""
    inputs = (START,) if row is DENOISE else (SEEN,) if row.task else ()
    draft = a_draft("a", inputs=inputs, **{row.field: value})
    model = a_model_for(Task(row.task)) if row.task else a_model(family="sd15")
    if row in (GUIDANCE, SHIFT):
        model = replace(model, family=DISTILLED)
    return complete(replace(draft, canvas=DraftCanvas()), model, seed=1, device="cpu")


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.name)
def test_both_ends_of_a_range_are_drawn_and_nothing_beyond(row: Any) -> None:
    high = FAMILIES["sd15"].clip_layers if row is CLIP_SKIP else row.high
    for end, beyond in ((row.low, row.low - 1), (high, high + 1)):
        assert getattr(getattr(asked(row, end), row.section), row.field) == end
        with pytest.raises(OutOfRange) as refused:
            asked(row, beyond)
        assert refused.value.what == row.field


OURS = Weights(name="starter", sha256=a_digest())
HERE = {OURS.sha256: Present(kind="checkpoint", weights=OURS, family="starter")}


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.name)
def test_a_strangers_recipe_says_nothing_beyond_a_range(row: Any) -> None:
    plain = a_recipe(checkpoint=OURS, task=Task.IMAGE_TO_IMAGE, inputs=(START,))
    for_somebody(plain, HERE)
    for beyond in (row.low - 1, row.high + 1):
        with pytest.raises(OutOfRange):
            for_somebody(changed(plain, **{row.field: beyond}), HERE)


@pytest.mark.parametrize("row", [PROMPT, NEGATIVE], ids=lambda row: row.name)
def test_a_text_is_as_long_as_the_table_says_in_a_wish_and_in_a_strangers_recipe(
    row: TextParameter,
) -> None:
    plain = a_recipe(checkpoint=OURS)
    for_somebody(changed(plain, **{row.field: "a" * row.longest}), HERE)
    with pytest.raises(OutOfRange):
        for_somebody(changed(plain, **{row.field: "a" * (row.longest + 1)}), HERE)


def in_all_parameters(task: str = "") -> Recipe:
    """A recipe that says all that can be said of its task, and nothing as it is usual."""
    said: dict[str, Any] = {
        "negative_prompt": "dog",
        "clip_skip": 2,
        "denoise": 0.55,
        "cfg": 6.5,
        "steps": 4,
        "sigmas": (9.0, 5.0, 2.0, 1.0, 0.0),
    }
    rows = [row for row in NUMBERS if row.task in ("", task)]
    others = {row.field: (row.low + row.high) / 2 for row in rows if row.field not in said}
    soft = Weights(name="soft", sha256=a_digest("b"))
    if task:
        said |= {"denoise": 1.0, "inputs": (SEEN,), "task": Task(task)}
    whole = {"task": Task.IMAGE_TO_IMAGE, "inputs": (START,), **said, **others}
    return a_recipe(vae=soft, **whole)


@pytest.mark.parametrize("task", ["", *{row.task for row in PARAMETERS.values() if row.task}])
def test_what_is_written_for_a1111_is_read_back_by_the_tables_keys(task: str) -> None:
    recipe = in_all_parameters(task)
    text = infotext(recipe)
    rows = [row for row in PARAMETERS.values() if row.task == task or not (row.task or task)]
    keys = [row.a1111 for row in rows if row.a1111]
    assert [key for key in keys if f"{key}: " not in text] == [], "of generation/interchange"
    wish = a_wish(text, draft={"inputs": recipe.inputs})
    found, _ = unpasted(wish, replace(FAMILIES["starter"], **OF_A_FLOW), "starter")
    for row in (row for row in SAID if row in rows):
        if row.a1111 or row is PROMPT:
            read = getattr(getattr(found.draft, row.section), row.field)
            assert read == getattr(getattr(recipe, row.section), row.field), row.name
    assert found.seed == recipe.seed


@pytest.mark.parametrize("row", SAID, ids=lambda row: row.name)
def test_a_pictures_page_shows_every_parameter(row: Parameter) -> None:
    recipe = in_all_parameters(row.task)
    said = getattr(getattr(recipe, row.section), row.field)
    other = {row.field: f"{said}x" if isinstance(said, str) else row.low}  # type: ignore[attr-defined]
    if row is STEPS:
        other["sigmas"] = (9.0, 0.0)
    assert page(changed(recipe, **other)) != page(recipe)


def page(recipe: Recipe) -> list[str]:
    """What is shown of a recipe, but for its id, which all of it decides."""
    shown, _ = recipe_page(a_stored_picture(recipe))
    return [line for line in shown.splitlines() if not line.startswith("recipe ")]

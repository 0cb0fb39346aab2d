"""Each parameter is described once: commands, checks and other programs' words agree with it."""

from __future__ import annotations

import argparse
from dataclasses import fields
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from discord import app_commands

from bot.chat.commands.tree import COMMANDS
from bot.cli.arguments import parser
from bot.studio.pasting import unpasted
from generation import parameters
from generation.draft import Draft, complete
from generation.errors import OutOfRange
from generation.families.family import FAMILIES
from generation.interchange.infotext import infotext
from generation.limits import Present, for_somebody
from generation.parameters import (
    CFG,
    CLIP_SKIP,
    DENOISE,
    NEGATIVE,
    PARAMETERS,
    PROMPT,
    STEPS,
    AmountParameter,
    Parameter,
    TextParameter,
    WholeParameter,
)
from generation.recipe import Input, Recipe, Task, Weights, needed
from tests.given.builders import a_digest, a_draft, a_model, a_recipe, changed
from tests.given.houses import a_wish

# Options of commands that are nothing of a picture, or another thing of that name.
OWN = {
    ("enhance", "wish"),
    ("enhance", "model"),
    ("settings", "seed_mode"),
    ("settings", "reset"),
    ("reproduce", "picture"),
    ("reproduce", "file"),
    ("cancel", "request"),
    ("help", "topic"),
}
OPTIONS = [
    (command.name, option)
    for command in COMMANDS
    if isinstance(command, app_commands.Command)
    for option in command.parameters
]


@pytest.mark.parametrize(
    ("command", "option"),
    [pair for pair in OPTIONS if (pair[0], pair[1].name) not in OWN],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_an_option_of_a_command_has_the_tables_sentence_and_range(
    command: str, option: app_commands.Parameter
) -> None:
    row = PARAMETERS[option.name]
    setting = row.as_setting or row.sentence
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


def test_a_command_has_no_option_that_neither_it_nor_the_table_describes() -> None:
    named = {(command, option.name) for command, option in OPTIONS}
    assert named >= OWN
    assert {name for _, name in named - OWN} <= set(PARAMETERS)
    drawn = {name for command, name in named if command == "imagine"}
    assert set(PARAMETERS) - drawn == {"width", "height"}, "which /imagine takes as a size"


def drawing() -> dict[str, argparse.Action]:
    """The options of `draw` by their flags."""
    (commands,) = (a for a in parser()._actions if isinstance(a, argparse._SubParsersAction))
    actions = commands.choices["draw"]._actions
    return {flag: action for action in actions for flag in action.option_strings}


def test_the_command_line_has_every_parameter_and_says_the_tables_sentence() -> None:
    found = drawing()
    others = {"-h", "--help", "--out", "--config", "--debug"}
    rows = [row for row in PARAMETERS.values() if row is not PROMPT]
    assert found.keys() - others == {row.flag for row in rows}
    kinds = {WholeParameter: int, AmountParameter: float}
    for row in rows:
        assert found[row.flag].help == row.help
        if type(row) in kinds:
            assert found[row.flag].type is kinds[type(row)]


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
        hint = bare(get_type_hints(section)[row.field])
        assert hint is KINDS.get(type(row), int), kind


def test_whatever_a_draft_can_say_is_in_the_table() -> None:
    described = {(row.section, row.field) for row in PARAMETERS.values()}
    sections = ("words", "canvas", "sampling")
    said = {(name, field.name) for name in sections for field in fields(getattr(Draft(), name))}
    own = {("recipe", field.name) for field in fields(Draft)} - {("recipe", n) for n in sections}
    assert said | own <= described


def test_names_flags_and_keys_of_other_programs_mean_one_thing_each() -> None:
    rows = list(PARAMETERS.values())
    assert len(rows) == sum(isinstance(v, Parameter) for v in vars(parameters).values())
    keys = [row.key for row in rows if row.a1111]
    assert len(set(keys)) == len(keys)
    inputs = [row.comfyui for row in rows if row.comfyui and row.section != "words"]
    assert len(set(inputs)) == len(inputs)
    assert all(row.comfyui.count(".") == 1 for row in rows if row.comfyui)


NUMBERS = [STEPS, CFG, DENOISE, CLIP_SKIP]
START = Input(role="init", sha256=a_digest("e"), fit="cover")


def asked(row: Any, value: Any) -> Recipe:
    """A recipe in which the parameter is this; denoise is of a picture to start from."""
    inputs = (START,) if row is DENOISE else ()
    draft = a_draft("a", inputs=inputs, **{row.field: value})
    return complete(draft, a_model(family="sd15"), seed=1, device="cpu")


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.name)
def test_both_ends_of_a_range_are_drawn_and_nothing_beyond(row: Any) -> None:
    high = FAMILIES["sd15"].clip_layers if row is CLIP_SKIP else row.high
    for end, beyond in ((row.low, row.low - 1), (high, high + 1)):
        assert getattr(getattr(asked(row, end), row.section), row.field) == end
        with pytest.raises(OutOfRange) as refused:
            asked(row, beyond)
        assert refused.value.what == row.field


@pytest.mark.parametrize("row", [PROMPT, NEGATIVE], ids=lambda row: row.name)
def test_a_text_is_as_long_as_the_table_says_in_a_wish_and_in_a_strangers_recipe(
    row: TextParameter,
) -> None:
    ours = Weights(name="starter", sha256=a_digest())
    here = {ours.sha256: Present(kind="checkpoint", weights=ours, family="starter")}
    plain = a_recipe(checkpoint=ours)
    for_somebody(changed(plain, **{row.field: "a" * row.longest}), here)
    with pytest.raises(OutOfRange):
        for_somebody(changed(plain, **{row.field: "a" * (row.longest + 1)}), here)


def test_what_is_written_for_a1111_is_read_back_by_the_tables_keys() -> None:
    recipe = a_recipe(
        task=Task.IMAGE_TO_IMAGE,
        inputs=(START,),
        vae=Weights(name="soft", sha256=a_digest("b")),
        negative_prompt="dog",
        clip_skip=2,
        denoise=0.55,
        cfg=6.5,
        sigmas=(9.0, 5.0, 2.0, 1.0, 0.0),
    )
    text = infotext(recipe)
    assert all(f"{row.a1111}: " in text for row in PARAMETERS.values() if row.a1111)
    wish = a_wish(text, draft={"inputs": (START,)})
    found, _ = unpasted(wish, FAMILIES["starter"], "starter")
    words, sampling = needed(recipe.words), needed(recipe.sampling)
    assert found.draft.words.prompt == words.prompt
    assert found.draft.words.negative_prompt == words.negative_prompt
    assert found.draft.words.clip_skip == words.clip_skip
    for field in ("steps", "cfg", "denoise", "sampler", "scheduler"):
        assert getattr(found.draft.sampling, field) == getattr(sampling, field)
    assert found.seed == recipe.seed

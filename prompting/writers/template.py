"""What a language model is asked, and in which form it must answer.

The invariant: a wish is data.  It stands in a piece of its own, which is tokenised without control
tokens, so no text that a person types can open a turn, close one, or choose a dialect.

Two kinds of model are asked.  The built-in assistant was trained on these turns and nothing else:

    <|im_start|>system ⏎ tags en<|im_end|> ⏎ <|im_start|>user ⏎      control tokens
    a red cat in the snow                                            data
    <|im_end|> ⏎ <|im_start|>assistant ⏎                             control tokens
    {"subject": "a red cat", "details": [], "style": [], "avoid": []}<|im_end|>

A GGUF whose metadata has the key `MARK` is asked like this.  Every other chat model is asked in
its own chat template, as `prompting.writers.questions` says.

Both answer in the language of `GRAMMAR`: one line of JSON, exactly as `answer` writes it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from prompting.slots import Slots
from prompting.writers.sent import fields_in

VERSION = "w1"  # changes whenever the turns below change: answers are cached and recorded by it
MARK = "atelier.template"  # GGUF metadata key (string): the VERSION that a model was trained with

PAD, START, END = "<|pad|>", "<|im_start|>", "<|im_end|>"  # of type CONTROL, ids 0, 1, 2
# Of type USER_DEFINED, ids 3 to 8: stand for words that the built-in assistant does not know.
PLACEHOLDERS = ("<x1>", "<x2>", "<x3>", "<x4>", "<x5>", "<x6>")

DIALECTS = ("tags", "prose", "edit", "starter")  # what is asked for; families share them
REPLY = "reply"  # in a dialect's place: what a reply to a picture means, and no wish
LANGUAGES = ("en", "zh")  # the language of the answer

LONGEST_SUBJECT, LONGEST_ITEM = 200, 60  # characters
SHORTEST_SCENE = 20  # characters
MOST_DETAILS, MOST_STYLES, MOST_AVOIDED = 8, 4, 6
# Of the built-in assistant's answers; those that it learned from have 77 at most.  An answer that
# would be longer is going round in circles, and is ended where it is.
MOST_TOKENS = 128

# The chat template that the built-in GGUF carries for other programs (llama-server, Ollama).
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turns:
    """What is fed to a model: `head`, then the wish as data, then `tail`."""

    head: str  # may hold control tokens; the same for all wishes of one dialect
    wish: str  # never read as control tokens
    tail: str  # may hold control tokens


def turns(wish: str, *, dialect: str, language: str = "en") -> Turns:
    """The turns that the built-in assistant knows."""
    return Turns(
        head=f"{START}system\n{dialect} {language}{END}\n{START}user\n",
        wish=wish,
        tail=f"{END}\n{START}assistant\n",
    )


def answer(
    *,
    subject: str,
    details: Sequence[str] = (),
    style: Sequence[str] = (),
    avoid: Sequence[str] = (),
    scene: str = "",
) -> str:
    """The answer's canonical text: what the assistant is trained on and what `GRAMMAR` accepts.

    With a scene there are no details, as in `scene_grammar`.
    """
    parts: dict[str, object] = {"subject": subject}
    if not scene:
        parts["details"] = list(details)
    parts |= {"style": list(style), "avoid": list(avoid)}
    if scene:
        parts["scene"] = scene
    return json.dumps(parts, ensure_ascii=False)


# Bounded everywhere, so that the longest answer is known before the first token is drawn.  `ch`
# leaves out quotes and backslashes (no escapes needed), control characters, and the invisible
# characters that turn or join text.  `first` leaves out dots: what begins with them says nothing.
_PARTS = rf"""
subject ::= first ch{{0,{LONGEST_SUBJECT - 1}}}
styles  ::= (item (", " item){{0,{MOST_STYLES - 1}}})?
avoided ::= (item (", " item){{0,{MOST_AVOIDED - 1}}})?
item    ::= "\"" first ch{{0,{LONGEST_ITEM - 1}}} "\""
first   ::= [^ .…"\\\x00-\x1F\x7F-\xA0\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]
ch      ::= [^"\\\x00-\x1F\x7F-\x9F\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]
"""
GRAMMAR = rf"""
root    ::= "{{\"subject\": \"" subject "\", \"details\": [" details ends
ends    ::= "], \"style\": [" styles "], \"avoid\": [" avoided "]}}"
details ::= (item (", " item){{0,{MOST_DETAILS - 1}}})?
{_PARTS}"""


def scene_grammar(longest: int) -> str:
    """The grammar of answers with a scene of at most so many characters.

    The scene comes last: an answer that must end early has the rest already.  It begins as a
    sentence does and holds no markup, so that a small model does not stop at `{}` or at a word.
    """
    return rf"""
root    ::= "{{\"subject\": \"" subject "\", \"style\": [" styles "], \"avoid\": [" avoided ends
ends    ::= "], \"scene\": \"" scene "\"}}"
scene   ::= opening told{{{SHORTEST_SCENE - 1},{longest - 1}}}
opening ::= [A-Z0-9\u00C0-\u00DE\u3400-\u9FFF]
told    ::= [^"\\<>{{}}|\[\]_*#\x00-\x1F\x7F-\x9F\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]
{_PARTS}"""


def readable(raw: str, cut: bool = False) -> str:
    """The answer in canonical form, out of what a server sent; raises Unreadable.

    `cut` says that the server ended it at its limit.  The bounds are those of `Slots`.
    """
    slots = Slots.from_json(fields_in(raw, cut=cut))
    return answer(
        subject=slots.subject,
        details=slots.details,
        style=slots.style,
        avoid=slots.avoid,
        scene=slots.scene,
    )

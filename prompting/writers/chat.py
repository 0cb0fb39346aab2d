"""Puts a wish into the turns of any chat model, by the model's own template.

The invariant: the template never sees the wish.  It is rendered around a mark that stands for it,
so the parts before and after hold only what we and the template's author wrote.

A template is a program in Jinja that came with the weights; it runs in Jinja's sandbox.
"""

from __future__ import annotations

from jinja2 import TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from prompting.errors import Unreadable
from prompting.writers.questions import question
from prompting.writers.template import Turns

_MARK = "WISH-0f4c1d7e-WISH"


class ChatTemplate:
    """A model's own chat template.  Raises Unreadable when it cannot be used."""

    def __init__(self, source: str, *, bos: str = "", eos: str = "") -> None:
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
        )
        try:
            self._template = environment.from_string(source)
        except TemplateError as error:
            raise Unreadable("chat template", f"no Jinja: {error}", source) from error
        self._names: dict[str, object] = {
            "bos_token": bos,
            "eos_token": eos,
            "add_generation_prompt": True,
            "enable_thinking": False,  # some models think aloud unless they are told not to
            "raise_exception": _refuse,
            "strftime_now": lambda _form: "",  # the date is no part of a wish, nor of its cache
            "tools": None,
        }
        self.turns("", dialect="tags", language="en")

    def turns(self, wish: str, *, dialect: str, language: str) -> Turns:
        """The system's turn with our instructions, and the user's with the wish."""
        told = question(dialect).instructions(dialect, language)
        apart = [{"role": "system", "content": told}, {"role": "user", "content": _MARK}]
        together = [{"role": "user", "content": f"{told}\n\nThe wish:\n{_MARK}"}]
        reason = ""
        for messages in (apart, together):  # some templates refuse, or drop, a system's turn
            try:
                text = self._template.render(messages=messages, **self._names)
            except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
                reason = str(error)
                continue
            head, mark, tail = text.partition(_MARK)
            if mark and _MARK not in tail and told[:40] in head:
                return Turns(head=head, wish=wish, tail=tail)
            reason = "it does not show what was said"
        raise Unreadable("chat template", reason)


def _refuse(reason: str) -> None:
    raise TemplateError(reason)

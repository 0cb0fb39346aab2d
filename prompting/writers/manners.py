"""What a server takes of OpenAI's protocol, found out by asking and remembered.

    json_schema ─refused─▶ json_object with a schema ─▶ json_object ─▶ no form at all

llama-cpp-python's own server answers status 500 to a schema, LM Studio status 400 to an object,
others 404, 422 or 501; some know no system's turn, or refuse a setting by its name.  The invariant:
a manner that was refused is not tried again for every wish, and one that only seems refused, by a
server in passing trouble, is tried once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

NOT_TAKEN = (400, 404, 405, 415, 422, 500, 501)  # statuses that a form can be the reason of
_OF_FORMS = re.compile(r"response_format|json|schema|grammar|literal", re.IGNORECASE)
_OF_TURNS = re.compile(r"system (?:role|message|prompt)|roles? must alternate", re.IGNORECASE)
OPTIONAL = ("seed", "temperature", "max_tokens", "chat_template_kwargs")

Turn = tuple[str, str]  # a role, and what it says


class AnswerForm(StrEnum):
    """How an answer's form is asked for."""

    SCHEMA = "json_schema"
    OBJECT_OF_SCHEMA = "json_object with a schema"  # llama-cpp-python's own server
    OBJECT = "json_object"
    FREE = "none"  # by the instructions alone


class Manners:
    """What one server was found to take."""

    def __init__(self) -> None:
        self.known = False  # whether the form has worked once
        self._form = AnswerForm.SCHEMA
        self._doubted = False
        self._left_out: set[str] = set()
        self._one_turn = False

    @property
    def forms(self) -> Iterator[AnswerForm]:
        """Those to try, the best first."""
        every = tuple(AnswerForm)
        return iter(every[every.index(self._form) :])

    def worked(self, form: AnswerForm, refusal: tuple[int, str] | None) -> None:
        """An answer came in that form, after the better ones met this refusal.

        A status of 500 that says nothing of forms may pass, so the better form is tried again with
        the next wish, and given up after that.
        """
        if refusal is None:
            self.known = True
            self._doubted &= form is not self._form
            return
        status, text = refusal
        if status < 500 or status == 501 or _OF_FORMS.search(text) or self._doubted:
            self._form, self.known = form, True
        else:
            self._doubted = True

    def heeds(self, status: int, text: str) -> bool:
        """Whether the refusal names something that can be left out, and now is."""
        if status not in (400, 422):
            return False
        for name in OPTIONAL:
            if name not in self._left_out and re.search(rf"\b{name}\b", text):
                self._left_out.add(name)
                return True
        if not self._one_turn and _OF_TURNS.search(text):
            self._one_turn = True
            return True
        return False

    def settings(self, form: AnswerForm, wanted: Mapping[str, object]) -> dict[str, object]:
        """The settings without those that are refused, or mean nothing where no form is known."""
        taken = {name: value for name, value in wanted.items() if name not in self._left_out}
        if form is AnswerForm.FREE:
            taken.pop("chat_template_kwargs", None)
        if "max_tokens" in self._left_out:
            taken["max_completion_tokens"] = wanted["max_tokens"]
        return taken

    def turns(self, turns: Sequence[Turn]) -> list[Turn]:
        """The turns as the server takes them: the system's within the first of the user's."""
        if not self._one_turn or turns[0][0] != "system":
            return list(turns)
        (_, told), (role, said), *rest = turns
        return [(role, f"{told}\n\n{said}"), *rest]

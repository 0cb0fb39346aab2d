"""Any server that speaks OpenAI's chat protocol: Ollama, llama-server, vLLM, LM Studio, ...

    write() ── instructions + wish, JSON schema ──▶ POST {base_url}/chat/completions

The invariant: whatever the server sends, hangs on or refuses, `write` ends in time with an answer
in canonical form or a PromptingError.  The wish is the user's last message, alone where the server
knows a system's turn; the schema is asked for where it is known (`prompting.writers.manners`), and
the answer is checked either way.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prompting.errors import Unreadable, WriterDied, WriterFailed, WriterTimeout, WriterUnavailable
from prompting.writers.backoff import Backoff
from prompting.writers.echoes import without_echoes
from prompting.writers.manners import NOT_TAKEN, AnswerForm, Manners
from prompting.writers.questions import VERSION, messages, question
from prompting.writers.writer import Answer, Ask

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion

RETRIES = 2  # of requests that the server could not take: 408, 409, 429, 5xx, no connection
LONGEST_ANSWER = 1024  # tokens
_LONGEST_WISH = 4000  # characters; what is cut off is appended by the keep-check


class OpenAIWriter:
    """A `Writer` by a server.  `open` it, `close` it."""

    def __init__(self, client: AsyncOpenAI, model: str) -> None:
        host = urlsplit(str(client.base_url)).netloc
        self._client, self._model = client, model
        self.name = f"{model} at {host}"
        self.digest = f"{host}:{model}"
        self.template = VERSION
        self.placeholders = 0
        self._backoff = Backoff(self.name)
        self._manners = Manners()

    @classmethod
    async def open(cls, base_url: str, model: str, *, key: str | None = None) -> OpenAIWriter:
        """Connect and ask which models there are.

        `base_url` ends in "/v1" for most servers; `model` "" means the server's first one.
        Raises WriterUnavailable.
        """
        try:
            openai = await asyncio.to_thread(__import__, "openai")
        except ImportError as error:
            raise WriterUnavailable("the package openai is not installed") from error
        client: AsyncOpenAI = openai.AsyncOpenAI(
            # Most local servers want any key; none may mean the one in the environment.
            base_url=base_url,
            api_key=key or "none",
            max_retries=RETRIES,
        )
        try:
            async with asyncio.timeout(5):
                names = [found.id async for found in await client.models.list()]
        except Exception as error:
            await client.close()
            failure = _translated(error, 5)
            raise WriterUnavailable(failure.reason) from error
        if not model and not names:
            await client.close()
            raise WriterUnavailable("the server offers no model")
        return cls(client, model or names[0])

    async def write(self, ask: Ask) -> Answer:
        """Ask once; the client tries again where that can help, within the deadline."""
        self._backoff.check()
        began = time.monotonic()
        try:
            async with asyncio.timeout(ask.deadline):
                completion = await self._complete(ask)
        except Exception as error:
            failure = _translated(error, ask.deadline)
            self._backoff.failed(failure.reason)
            raise failure from error
        self._backoff.succeeded()
        return Answer(raw=_read(completion, ask), seconds=time.monotonic() - began)

    async def close(self) -> None:
        """Leave no connection behind."""
        await self._client.close()

    async def _complete(self, ask: Ask) -> ChatCompletion:
        """In the best form that the server takes.  Raises what the best one raised."""
        import openai

        refused: openai.APIStatusError | None = None
        manners = self._manners
        forms = manners.forms
        form = next(forms)
        while True:
            try:
                done = await self._request(ask, form)
            except openai.APIStatusError as error:
                if error.status_code not in NOT_TAKEN:
                    raise
                if manners.heeds(error.status_code, str(error)):
                    continue
                refused = refused or error
                if (lower := next(forms, None)) is None:
                    raise refused from error
                form = lower
            else:
                manners.worked(form, (refused.status_code, str(refused)) if refused else None)
                return done

    async def _request(self, ask: Ask, form: AnswerForm) -> ChatCompletion:
        """One request; what can pass is tried again, and a form that may be unknown is not."""
        import openai

        if self._manners.known or form is AnswerForm.FREE:
            return await self._post(ask, form, retries=RETRIES)
        try:
            return await self._post(ask, form, retries=0)
        except openai.APIStatusError as error:
            if error.status_code in NOT_TAKEN or error.status_code in (401, 403):
                raise
        except openai.APIConnectionError:
            pass  # also one that was too slow
        return await self._post(ask, form, retries=RETRIES - 1)

    async def _post(self, ask: Ask, form: AnswerForm, *, retries: int) -> ChatCompletion:
        asked = question(ask.dialect, ask.language)
        turns = messages(ask.dialect, ask.language, ask.text[:_LONGEST_WISH])
        forms: dict[AnswerForm, object] = {
            AnswerForm.SCHEMA: {
                "type": "json_schema",
                "json_schema": {
                    "name": asked.name.replace(" ", "_"),
                    "schema": dict(asked.schema),
                    "strict": True,
                },
            },
            AnswerForm.OBJECT_OF_SCHEMA: {"type": "json_object", "schema": dict(asked.schema)},
            AnswerForm.OBJECT: {"type": "json_object"},
        }
        body: dict[str, object] = {
            "model": self._model,
            "messages": [
                {"role": role, "content": text} for role, text in self._manners.turns(turns)
            ],
            **({"response_format": forms[form]} if form in forms else {}),
            **self._manners.settings(
                form,
                {
                    "seed": ask.seed & 0x7FFFFFFF,
                    "temperature": ask.temperature,
                    "max_tokens": LONGEST_ANSWER,
                    # Read by vLLM and llama-server: some models think aloud unless told not to.
                    "chat_template_kwargs": {"enable_thinking": False},
                },
            ),
        }
        client = self._client.with_options(max_retries=retries)
        return await client.post(
            "/chat/completions",
            body=body,
            cast_to=_completion(),
            options={"timeout": ask.deadline},
        )


def _completion() -> type[ChatCompletion]:
    from openai.types.chat import ChatCompletion

    return ChatCompletion


def _read(completion: ChatCompletion, ask: Ask) -> str:
    """The answer's text in canonical form.  Raises Unreadable."""
    try:
        choice = completion.choices[0]
        content: object = choice.message.content
        cut = choice.finish_reason == "length"
    except (AttributeError, LookupError, TypeError) as error:
        # The client does not check that an answer is what its types say.
        raise Unreadable("answer", "not of the protocol", str(completion)) from error
    if isinstance(content, list):  # of parts, as some servers send it
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str) or not content.strip():
        reason = "nothing but thoughts, cut at max_tokens" if cut else "the server sent no text"
        raise Unreadable("answer", reason, str(completion))
    return without_echoes(question(ask.dialect).canonical(content, cut), ask)


def _translated(error: Exception, deadline: float) -> WriterFailed:
    """Foreign errors, in one table."""
    import openai

    match error:
        case WriterFailed():
            return error
        case TimeoutError() | openai.APITimeoutError():
            return WriterTimeout(deadline)
        case openai.AuthenticationError() | openai.PermissionDeniedError():
            return WriterUnavailable(f"the server refused the key (status {error.status_code})")
        case openai.NotFoundError():
            return WriterUnavailable("the server does not know the model, or the address is wrong")
        case openai.APIStatusError():
            return WriterUnavailable(f"the server answered with status {error.status_code}")
        case openai.APIConnectionError():
            return WriterDied(f"no connection to the server: {error.__cause__ or error}")
        case _:
            return WriterUnavailable(f"the server answered nonsense: {type(error).__name__}")

"""The program in which a GGUF model runs: `python -m prompting.writers.llama_child`.

    stdin   one order per line    {"ask": 7, "text": ..., "dialect": ..., ...} | {"cancel": 7}
    stdout  one report per line   {"ready": {...}} | {"unusable": "..."}, then for each ask
                                  {"answered": 7, "raw": "...", "cut": false}
                                  | {"failed": 7, "how": "...", ...}

It is a program of its own because llama.cpp ends the process on bad input, and imported by nobody.
Two invariants.  One thread talks to the model; the other only reads orders, so a cancel or a
deadline interrupts the model within one node of its graph.  And no process outlives its parent:
the end of stdin ends it.

While nobody asks, it reads the heads of the questions that are likely to come (`--warm`), and
leaves that at once for whoever asks something else.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from prompting.errors import Unreadable
from prompting.writers import installed, template
from prompting.writers.chat import ChatTemplate
from prompting.writers.compose import Bounds, Composer, DrawnAnswer, TokenModel
from prompting.writers.ggufile import GgufHeader, read_header
from prompting.writers.grammar import Grammar
from prompting.writers.llamacpp import LlamaCpp
from prompting.writers.questions import question
from prompting.writers.tinyllama import TinyLlama

WISH_SHARE = 3  # a wish may fill this part of the context; the rest of it is cut off
SHORTEST = 192  # tokens that are left for a wish and its answer, or the context is too small

Kind = tuple[str, str]  # dialect and language of a question: all wishes of one have the same head


class _Questions:
    """Makes tokens out of an order, in the way that this model knows."""

    def __init__(self, header: GgufHeader, engine: TokenModel) -> None:
        self._engine = engine
        self._chat: ChatTemplate | None = None
        self._begin: list[int] = []
        version, source = header.text(template.MARK), header.text("tokenizer.chat_template")
        if version is not None:
            if version != template.VERSION:
                raise Unreadable("GGUF", f"it was trained for the template {version}")
        elif source:
            texts = header.texts("tokenizer.ggml.tokens")
            bos, eos = (_token(header, texts, name) for name in ("bos", "eos"))
            self._chat = ChatTemplate(source, bos=bos, eos=eos)
            if header.metadata.get("tokenizer.ggml.add_bos_token") and bos:
                self._begin = engine.encode(bos, control=True)
            self.tokens("", ("tags", "en"))
        else:
            raise Unreadable("GGUF", "it is no chat model: it has no chat template")

    @property
    def strange(self) -> bool:
        """Whether the model was not trained on our questions."""
        return self._chat is not None

    def asked(self, kind: Kind) -> Bounds:
        """How the question is to be answered."""
        form = question(*kind)
        longest = form.longest if self._chat else template.MOST_TOKENS
        return Bounds(grammar=_grammar(form.grammar), longest=longest, enough=form.enough)

    def tokens(self, text: str, kind: Kind) -> tuple[list[int], list[int]]:
        """Tokens of the head, and of the wish with what follows it.

        Raises Unreadable where they leave no room for an answer.
        """
        make = self._chat.turns if self._chat else template.turns
        turns = make(text, dialect=kind[0], language=kind[1])
        head = self._engine.encode(turns.head, control=True)
        if self._begin and head[: len(self._begin)] != self._begin:
            head = self._begin + head
        if self._chat and len(head) + SHORTEST > self._engine.context:
            least = len(head) + SHORTEST
            raise Unreadable(
                "GGUF", f"a context of {self._engine.context} tokens is too short: {least} needed"
            )
        # Long before it fills its share of the context, a text this long is no wish.
        wish = self._engine.encode(turns.wish[: self._engine.context], control=False)
        tail = self._engine.encode(turns.tail, control=True)
        room = self._engine.context - len(head) - len(tail)
        return head, wish[: min(self._engine.context // WISH_SHARE, max(1, room // 2))] + tail


def _token(header: GgufHeader, texts: list[str], name: str) -> str:
    number = header.whole(f"tokenizer.ggml.{name}_token_id", -1)
    return texts[number] if 0 <= number < len(texts) else ""


class _Child:
    """Reads orders in one thread and answers them in another."""

    def __init__(self, orders: BinaryIO, reports: BinaryIO) -> None:
        self._orders, self._reports = orders, reports
        self._asked: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
        self._waiting: deque[Kind] = deque()  # of the orders that were not begun yet
        self._cancelled: set[object] = set()
        self._now: object = None
        self._until = 0.0

    def listen(self) -> None:
        """Until the parent is gone."""
        try:
            for line in self._orders:
                order = json.loads(line)
                if "cancel" in order:
                    self._cancelled.add(order["cancel"])
                else:
                    order["until"] = time.monotonic() + float(order["deadline"])
                    self._waiting.append(_kind(order))
                    self._asked.put(order)
        finally:
            os._exit(0)  # whatever the model is doing

    def serve(self, engine: TokenModel, questions: _Questions, likely: Sequence[Kind]) -> None:
        """Answer, one after the other, for ever; read what is `likely` to be asked in between."""
        composer = Composer(engine)
        cold = deque(likely if questions.strange else ())
        while True:
            if cold and not self._waiting:
                self._warm(engine, composer, questions, cold)
                continue
            order = self._asked.get()
            kind = self._waiting.popleft()
            self._now, self._until = order["ask"], float(str(order["until"]))
            engine.interrupted = self._interrupted
            try:
                answer = self._answer(composer, questions, order, kind)
                self.report({"answered": self._now, "raw": answer.raw, "cut": answer.cut})
            except Exception as error:
                # Whatever it is, the next order is answered; only this one has failed.
                self._failed(error)
                if questions.strange and kind not in cold:
                    cold.append(kind)  # who asks it again is not to be late again
            self._cancelled.discard(self._now)

    def _answer(
        self, composer: Composer, questions: _Questions, order: dict[str, object], kind: Kind
    ) -> DrawnAnswer:
        head, rest = questions.tokens(str(order["text"]), kind)
        return composer.compose(
            head,
            rest,
            questions.asked(kind),
            seed=int(str(order["seed"])),
            temperature=float(str(order["temperature"])),
            wanted=lambda: self._now not in self._cancelled,
        )

    def _failed(self, error: Exception) -> None:
        how = "broken"
        if self._interrupted():
            how = "cancelled" if self._now in self._cancelled else "late"
        reason = error.reason if isinstance(error, Unreadable) else f"{error}"
        reason = f"{type(error).__name__}: {reason}"
        self.report({"failed": self._now, "how": how, "reason": reason})

    def _warm(
        self, engine: TokenModel, composer: Composer, questions: _Questions, cold: deque[Kind]
    ) -> None:
        """Read the head of one kind of question, unless somebody asks another meanwhile."""
        kind = cold[0]

        def disturbed() -> bool:
            return any(other != kind for other in self._waiting.copy())

        engine.interrupted = disturbed
        try:
            composer.warm(questions.tokens("", kind)[0])
        except Exception as error:
            if disturbed():
                return  # another time
            print(f"{kind}: {error}", file=sys.stderr)
        cold.popleft()

    def report(self, report: dict[str, object]) -> None:
        self._reports.write(json.dumps(report).encode() + b"\n")
        self._reports.flush()

    def _interrupted(self) -> bool:
        return self._now in self._cancelled or time.monotonic() > self._until


def _kind(order: dict[str, object]) -> Kind:
    return str(order["dialect"]), str(order["language"])


@lru_cache
def _grammar(text: str) -> Grammar:
    """The grammar of a question, read once."""
    return Grammar(text)


def main() -> None:
    """Load the model, say so, and serve."""
    parser = argparse.ArgumentParser(prog="python -m prompting.writers.llama_child")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--engine", choices=("llama.cpp", "numpy"), required=True)
    parser.add_argument("--context", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--gpu-layers", type=int, default=0)
    parser.add_argument("--warm", nargs=2, action="append", default=[], metavar="DIALECT LANGUAGE")
    options = parser.parse_args()
    # stdout is the wire: what a library prints goes to stderr.
    reports = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    child = _Child(sys.stdin.buffer, reports)
    threading.Thread(target=child.listen, daemon=True).start()
    try:
        header = read_header(options.model)
        engine = _engine(options, header)
        questions = _Questions(header, engine)
    except (Unreadable, OSError, ValueError, RuntimeError, MemoryError, ImportError) as error:
        reason = error.reason if isinstance(error, Unreadable) else f"{error}"
        if isinstance(error, ModuleNotFoundError) and error.name == "llama_cpp":
            reason = installed.MISSING
        child.report({"unusable": reason or type(error).__name__})
        return
    placeholders = 0 if questions.strange else len(template.PLACEHOLDERS)
    child.report({"ready": {"context": engine.context, "placeholders": placeholders}})
    child.serve(engine, questions, [(dialect, language) for dialect, language in options.warm])


def _engine(options: argparse.Namespace, header: GgufHeader) -> TokenModel:
    if options.engine == "numpy":
        return TinyLlama(options.model)
    arch = header.text("general.architecture") or ""
    context = min(options.context, header.whole(f"{arch}.context_length", options.context))
    return LlamaCpp(
        options.model,
        context=context,
        threads=options.threads,
        gpu_layers=options.gpu_layers,
        exact=template.MARK in header.metadata,
    )


if __name__ == "__main__":
    main()

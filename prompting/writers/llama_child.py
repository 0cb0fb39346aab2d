"""The program in which a GGUF model runs: `python -m prompting.writers.llama_child`.

    stdin   one order per line    {"ask": 7, "text": ..., "dialect": ..., ...} | {"cancel": 7}
    stdout  one report per line   {"ready": {...}} | {"unusable": "..."}, then for each ask
                                  {"answered": 7, "raw": "..."} | {"failed": 7, "how": "...", ...}

It is a program of its own because llama.cpp ends the process on bad input, and imported by nobody.
Two invariants.  One thread talks to the model; the other only reads orders, so a cancel or a
deadline interrupts the model within one node of its graph.  And no process outlives its parent:
the end of stdin ends it.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from prompting.errors import Unreadable
from prompting.writers import template
from prompting.writers.chat import ChatTemplate
from prompting.writers.compose import LONGEST_ANSWER, Composer, TokenModel
from prompting.writers.ggufile import GgufHeader, read_header
from prompting.writers.grammar import Grammar
from prompting.writers.questions import REPLY, SLOTS, question
from prompting.writers.tinyllama import TinyLlama

_F32 = 0  # ggml's number for it
BATCH = 512  # tokens per step of reading a question
WISH_SHARE = 3  # a wish may fill this part of the context; the rest of it is cut off


class LlamaCpp:
    """An `TokenModel` by llama.cpp.  `exact`: keep keys and values in full precision."""

    def __init__(
        self, path: Path, *, context: int, threads: int, gpu_layers: int, exact: bool = False
    ) -> None:
        import llama_cpp

        llama_cpp.llama_log_set(_LOG, ctypes.c_void_p(0))
        self._cpp = llama_cpp
        # flash attention off: with it, the batch size and a warm cache change the last bits.
        self._llama = llama_cpp.Llama(
            str(path),
            n_ctx=context,
            n_batch=BATCH,
            n_ubatch=BATCH,
            n_threads=threads,
            n_threads_batch=threads,
            n_gpu_layers=gpu_layers,
            flash_attn=False,
            # As the numpy runner does; a big model's cache would be twice as large.
            **({"type_k": _F32, "type_v": _F32} if exact else {}),
            seed=1,
            verbose=False,
        )
        self.context = int(self._llama.n_ctx())
        self.interrupted: Callable[[], bool] = lambda: False
        self._vocabulary = int(self._llama.n_vocab())
        self.pieces = [self._piece(token) for token in range(self._vocabulary)]
        # Kept alive: llama.cpp holds only the address.
        self._abort = llama_cpp.ggml_abort_callback(lambda _: self.interrupted())
        llama_cpp.llama_set_abort_callback(self._llama.ctx, self._abort, None)

    @property
    def length(self) -> int:
        return int(self._llama.n_tokens)

    def encode(self, text: str, *, control: bool) -> list[int]:
        data = text.encode("utf-8", "replace")
        return list(self._llama.tokenize(data, add_bos=False, special=control))

    def rewind(self, length: int) -> None:
        if length == 0:
            self._llama.reset()
            self._cpp.llama_memory_clear(self._cpp.llama_get_memory(self._llama.ctx), True)
        elif length < self.length:
            self._llama.n_tokens = length  # `eval` drops what the cache holds beyond it

    def feed(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        self._llama.eval(tokens)
        logits = self._cpp.llama_get_logits_ith(self._llama.ctx, -1)
        return np.ctypeslib.as_array(logits, shape=(self._vocabulary,)).copy()

    def _piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(256)
        vocabulary = self._llama._model.vocab
        length = self._cpp.llama_token_to_piece(vocabulary, token, buffer, 256, 0, False)
        return buffer.raw[: max(0, length)]


def _log(level: int, text: bytes, _data: int | None) -> None:
    """llama.cpp's own lines: only errors, and to stderr."""
    if level == _ERROR:
        sys.stderr.write(text.decode(errors="replace"))


_ERROR = 3  # llama.cpp's level of such log lines
_LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(_log)


class _Questions:
    """Makes tokens out of an order, in the way that this model knows."""

    def __init__(self, header: GgufHeader, engine: TokenModel) -> None:
        self._engine = engine
        self._chat: ChatTemplate | None = None
        self.longest_answer = LONGEST_ANSWER  # tokens
        self._begin: list[int] = []
        version, source = header.text(template.MARK), header.text("tokenizer.chat_template")
        if version is not None:
            if version != template.VERSION:
                raise Unreadable("GGUF", f"it was trained for the template {version}")
            self.longest_answer = template.MOST_TOKENS
        elif source:
            texts = header.texts("tokenizer.ggml.tokens")
            bos, eos = (_token(header, texts, name) for name in ("bos", "eos"))
            self._chat = ChatTemplate(source, bos=bos, eos=eos)
            if header.metadata.get("tokenizer.ggml.add_bos_token") and bos:
                self._begin = engine.encode(bos, control=True)
        else:
            raise Unreadable("GGUF", "it is no chat model: it has no chat template")

    def ask(self, order: dict[str, object]) -> tuple[list[int], list[int]]:
        """Tokens of the head, and of the wish with what follows it."""
        text, dialect, language = (str(order[key]) for key in ("text", "dialect", "language"))
        make = self._chat.turns if self._chat else template.turns
        turns = make(text, dialect=dialect, language=language)
        head = self._engine.encode(turns.head, control=True)
        if self._begin and head[: len(self._begin)] != self._begin:
            head = self._begin + head
        # Long before it fills its share of the context, a text this long is no wish.
        wish = self._engine.encode(turns.wish[: self._engine.context], control=False)
        tail = self._engine.encode(turns.tail, control=True)
        return head, wish[: self._engine.context // WISH_SHARE] + tail


def _token(header: GgufHeader, texts: list[str], name: str) -> str:
    number = header.whole(f"tokenizer.ggml.{name}_token_id", -1)
    return texts[number] if 0 <= number < len(texts) else ""


class _Child:
    """Reads orders in one thread and answers them in another."""

    def __init__(self, orders: BinaryIO, reports: BinaryIO) -> None:
        self._orders, self._reports = orders, reports
        self._asked: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
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
                    self._asked.put(order)
        finally:
            os._exit(0)  # whatever the model is doing

    def serve(self, engine: TokenModel, questions: _Questions) -> None:
        """Answer, one after the other, for ever."""
        composer = Composer(engine, _grammar(SLOTS.grammar), questions.longest_answer)
        _grammar(REPLY.grammar)
        engine.interrupted = self._interrupted
        while True:
            order = self._asked.get()
            self._now, self._until = order["ask"], float(str(order["until"]))
            try:
                asked = question(str(order["dialect"]), str(order["language"]))
                head, rest = questions.ask(order)
                raw = composer.compose(
                    head,
                    rest,
                    seed=int(str(order["seed"])),
                    temperature=float(str(order["temperature"])),
                    grammar=_grammar(asked.grammar),
                )
                self.report({"answered": self._now, "raw": raw})
            except Exception as error:
                # Whatever it is, the next order is answered; only this one has failed.
                how = "broken"
                if self._interrupted():
                    how = "cancelled" if self._now in self._cancelled else "late"
                reason = f"{type(error).__name__}: {error}"
                self.report({"failed": self._now, "how": how, "reason": reason})
            self._cancelled.discard(self._now)

    def report(self, report: dict[str, object]) -> None:
        self._reports.write(json.dumps(report).encode() + b"\n")
        self._reports.flush()

    def _interrupted(self) -> bool:
        return self._now in self._cancelled or time.monotonic() > self._until


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
        child.report({"unusable": reason or type(error).__name__})
        return
    built_in = header.text(template.MARK) is not None
    placeholders = len(template.PLACEHOLDERS) if built_in else 0
    child.report({"ready": {"context": engine.context, "placeholders": placeholders}})
    child.serve(engine, questions)


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

"""llama.cpp as a `TokenModel`: any GGUF that it can run, of any architecture.

The invariant: `restore` leaves the model as `save` found it, bit for bit, and that is the only way
back.  Cutting the cache would be quicker, but a recurrent model has no cache to cut (Mamba, LFM2,
Qwen3.5, Granite 4 H, Nemotron H), and a sliding window forgets what it has slid over.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from prompting.writers.compose import BrokenModel, Saved

_F32 = 0  # ggml's number for it
BATCH = 512  # tokens per step of reading a question


class LlamaCpp:
    """A `TokenModel` by llama.cpp.  `exact`: keep keys and values in full precision."""

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

    def forget(self) -> None:
        self._llama.reset()
        self._cpp.llama_memory_clear(self._cpp.llama_get_memory(self._llama.ctx), True)

    def save(self) -> Saved | None:
        size = self._cpp.llama_state_seq_get_size(self._llama.ctx, 0)
        data = np.empty(size, np.uint8)
        written = self._cpp.llama_state_seq_get_data(self._llama.ctx, _bytes(data), size, 0)
        return _State(tokens=self.length, data=data) if written == size > 0 else None

    def restore(self, saved: Saved) -> None:
        assert isinstance(saved, _State)  # it comes from `save`
        self.forget()
        size = saved.nbytes
        read = self._cpp.llama_state_seq_set_data(self._llama.ctx, _bytes(saved.data), size, 0)
        if read != size:
            raise BrokenModel("what the model had read cannot be restored")
        self._llama.n_tokens = saved.tokens

    def feed(self, tokens: Sequence[int]) -> npt.NDArray[np.float32]:
        self._llama.eval(tokens)
        logits = self._cpp.llama_get_logits_ith(self._llama.ctx, -1)
        return np.ctypeslib.as_array(logits, shape=(self._vocabulary,)).copy()

    def _piece(self, token: int) -> bytes:
        buffer = ctypes.create_string_buffer(256)
        vocabulary = self._llama._model.vocab
        length = self._cpp.llama_token_to_piece(vocabulary, token, buffer, 256, 0, False)
        return buffer.raw[: max(0, length)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    """What llama.cpp keeps of a sequence: keys and values, or the state of a recurrent model."""

    tokens: int
    data: npt.NDArray[np.uint8]

    @property
    def nbytes(self) -> int:
        return self.data.nbytes


def _bytes(data: npt.NDArray[np.uint8]) -> object:
    return data.ctypes.data_as(ctypes.POINTER(ctypes.c_uint8))


def _log(level: int, text: bytes, _data: int | None) -> None:
    """llama.cpp's own lines: only errors, and to stderr."""
    if level == _ERROR:
        sys.stderr.write(text.decode(errors="replace"))


_ERROR = 3  # llama.cpp's level of such log lines
_LOG = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(_log)

"""Decodes one file in a process of its own: `python -m generation.media.decoding check < file`.

    check            prints what a picture is
    digest MEDIUM    prints the digest of the content of a file of ours
    mask WAY N,M     prints the mask that files of N and M bytes mean, one behind the other
    clip             prints what a clip is
    frame WHEN       prints a frame of a clip: the first, middle, last, or after so many seconds

A file may be made to take for ever, or all memory.  The invariant: this process ends within
SECONDS of the processor and MEMORY, whatever it was given, and prints one line of JSON or nothing.
"""

from __future__ import annotations

import base64
import json
import sys
from contextlib import suppress
from dataclasses import asdict
from itertools import accumulate, pairwise

from generation.errors import BadMask, BadPicture, Lossy
from generation.media import clips, masks, photos, sounds
from generation.media.table import MEDIA

SECONDS = 30  # of the processor; 40 megapixels of any kind take about two
MOST_FILES = 2
MEMORY = 2 * 2**30  # bytes; 40 megapixels take a third of it


def main(wanted: str, which: str = "", lengths: str = "") -> None:
    """Read the file from stdin, print the answer."""
    with suppress(ImportError):  # Windows has no such limits; there the time on the clock counts
        _limit()
    data = sys.stdin.buffer.read(MOST_FILES * (photos.MAX_BYTES + 1))
    try:
        if wanted == "digest":
            answer: dict[str, object] = {"digest": MEDIA[which].digest_in(data)}
        elif wanted == "mask":
            mask = masks.made(which, *_parted(data, lengths))
            answer = {"mask": base64.b64encode(mask).decode()}
        elif wanted == "clip":
            answer = asdict(clips.check(data))
        elif wanted == "sound":
            answer = asdict(sounds.check(data))
        elif wanted == "frame":
            answer = {"frame": base64.b64encode(clips.png_at(data, clips.moment(which))).decode()}
        else:
            answer = asdict(photos.check(data))
    except (BadPicture, MemoryError) as error:
        reason = getattr(error, "reason", "it unpacks to more than fits into the memory here")
        answer = {"refused": reason}
    except Lossy as error:
        answer = {"lossy": error.kind}
    except BadMask as error:
        answer = {"unmasked": error.reason}
    print(json.dumps(answer), flush=True)


def _parted(data: bytes, lengths: str) -> list[bytes]:
    ends = list(accumulate(map(int, lengths.split(","))))
    return [data[start:end] for start, end in pairwise([0, *ends])]


def _limit() -> None:
    import resource

    for what, most in ((resource.RLIMIT_CPU, SECONDS), (resource.RLIMIT_AS, MEMORY)):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with suppress(ValueError, OSError):  # as on macOS, for memory
            resource.setrlimit(what, (most, hard))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What can go wrong while a model is fetched, each as one sentence that people read.

SourceFailed
├── NotAllowedThere     the place wants to know who asks, or a licence to be accepted
├── NotFoundThere       the place does not have it
├── Unreached           the place does not answer, or asks for more patience than there is
├── NotWhatWasSaid      what came has another digest than was promised, or is no weights
├── NoRoomForIt         the disk is too small
├── InTheWay            another file has that name
├── NoSuchSource        what was typed names nothing that can be fetched
└── StoppedFetching     somebody asked for it to end; what came is kept
"""

from __future__ import annotations


class SourceFailed(Exception):
    """A model was not fetched; the text is the sentence to read."""


class NotAllowedThere(SourceFailed):
    """The place answers 401 or 403, or with a page on which to log in."""


class NotFoundThere(SourceFailed):
    """The place answers 404."""


class Unreached(SourceFailed):
    """The place does not answer, or not with what was asked."""


class NotWhatWasSaid(SourceFailed):
    """The bytes are others than the place promised."""


class NoRoomForIt(SourceFailed):
    """The disk cannot hold it."""


class InTheWay(SourceFailed):
    """Another file lies where it would go."""


class NoSuchSource(SourceFailed):
    """What was typed names nothing that can be fetched."""


class StoppedFetching(SourceFailed):
    """Somebody asked for it to end."""

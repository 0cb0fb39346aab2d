"""The names of stored things.  A job's id is its ticket's: `generation.job.JobId`."""

from __future__ import annotations

from typing import NewType

RequestId = NewType("RequestId", int)
PictureId = NewType("PictureId", int)

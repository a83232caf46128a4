"""The source room: what a widget can look at. A base class, where people look (the selection), and background jobs."""

from __future__ import annotations

from nnwidgets.source.base import Source
from nnwidgets.source.errors import NotStored, SourceClosed
from nnwidgets.source.jobs import Cancelled, Job
from nnwidgets.source.selection import Selection

__all__ = ["Cancelled", "Job", "NotStored", "Selection", "Source", "SourceClosed"]

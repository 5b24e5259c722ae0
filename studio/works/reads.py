"""What can be read of works, wherever they are: the gallery's, and those that came with the studio."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from studio.works.recipe import Source
from studio.works.work import Work


class ReadsWorks(Protocol):
    """Works that can be looked at: a `Gallery`, for one. See its methods for what each gives and raises."""

    @property
    def home(self) -> Path: ...

    def get(self, id: str) -> Work: ...

    def read(self, work: Work) -> bytes: ...

    def thumbnail(self, work: Work) -> bytes: ...

    def local_path(self, work: Work) -> Path: ...

    def read_source(self, source: Source) -> bytes: ...

    def parents(self, work: Work) -> list[Work]: ...

    def children(self, work: Work) -> list[Work]: ...

"""Errors that a user can correct, each as one line: what was found, what was wanted, what to do."""

from __future__ import annotations

from typing import Any


class FerDetError(Exception):
    """An error that the user can correct; a command prints it as one line and exits with code 2.

    Each subclass is a subclass of the matching built-in too, so that callers may catch either.
    """

    def __init__(self, found: str, wanted: str, remedy: str) -> None:
        super().__init__(found, wanted, remedy)
        self.found = found
        self.wanted = wanted
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(f"{self.found}; wanted {self.wanted}; {self.remedy}".split())

    def __reduce__(self) -> tuple[Any, ...]:
        # OSError keeps two of its arguments only, so its default does not survive pickling.
        return type(self), (self.found, self.wanted, self.remedy)


class ConfigError(FerDetError, ValueError):
    """A flag or a configuration file with a wrong or contradictory setting."""


class DatasetNotFoundError(FerDetError, FileNotFoundError):
    """A folder, list or picture of a data set that is absent."""


class DatasetFormatError(FerDetError, ValueError):
    """A file of a data set that is present and does not follow its format."""


class ImageError(FerDetError, ValueError):
    """A picture that cannot be decoded completely."""


class VideoError(FerDetError, ValueError):
    """A video or camera that yields no frames."""


class AnnotationError(FerDetError, ValueError):
    """A VOC annotation that is damaged or contradicts itself."""


class WeightsNotFoundError(FerDetError, FileNotFoundError):
    """A weights or checkpoint file that is absent."""


class WeightsError(FerDetError, ValueError):
    """A weights or checkpoint file that is present and cannot be used."""


class ScoresNotFoundError(FerDetError, FileNotFoundError):
    """A file of scores that is absent."""


class ScoresError(FerDetError, ValueError):
    """A file of scores that is present and cannot be used."""


class OutputError(FerDetError, OSError):
    """A file or folder that cannot be written."""


class TrainingDivergedError(FerDetError, ArithmeticError):
    """A loss that is no longer a finite number."""


class WorkerError(FerDetError, RuntimeError):
    """A worker process that died."""

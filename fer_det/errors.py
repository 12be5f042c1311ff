"""The mistakes a user can make, each told in one line: found, wanted, what to do."""

from __future__ import annotations

from typing import Any


class FerDetError(Exception):
    """A user's mistake; the command line prints it as one line and ends with exit code 2.

    Each subclass is also the matching built-in, so that callers may catch either.
    """

    def __init__(self, found: str, wanted: str, remedy: str) -> None:
        super().__init__(found, wanted, remedy)
        self.found = found
        self.wanted = wanted
        self.remedy = remedy

    def __str__(self) -> str:
        return " ".join(f"{self.found}; wanted {self.wanted}; {self.remedy}".split())

    def __reduce__(self) -> tuple[Any, ...]:
        # OSError keeps only two of its arguments, so the default would not survive a worker's pipe.
        return type(self), (self.found, self.wanted, self.remedy)


class ConfigError(FerDetError, ValueError):
    """A flag or a configuration file that cannot be followed."""


class DatasetNotFoundError(FerDetError, FileNotFoundError):
    """A data set's folder, list or picture that is not there."""


class DatasetFormatError(FerDetError, ValueError):
    """A data set's file that is there and does not say what its format demands."""


class ImageError(FerDetError, ValueError):
    """A picture that cannot be decoded whole."""


class VideoError(FerDetError, ValueError):
    """A video or camera that gives no frames."""


class AnnotationError(FerDetError, ValueError):
    """A VOC annotation that cannot be trusted."""


class WeightsNotFoundError(FerDetError, FileNotFoundError):
    """A weights or checkpoint file that is not there."""


class WeightsError(FerDetError, ValueError):
    """A weights or checkpoint file that is there and does not fit."""


class ScoresNotFoundError(FerDetError, FileNotFoundError):
    """A file of scores that is not there."""


class ScoresError(FerDetError, ValueError):
    """A file of scores that is there and cannot be used."""


class OutputError(FerDetError, OSError):
    """A place that cannot be written."""


class TrainingDivergedError(FerDetError, ArithmeticError):
    """A loss that is no longer a finite number."""


class WorkerError(FerDetError, RuntimeError):
    """A worker process that died."""

import pickle

import pytest

from fer_det import errors
from fer_det.errors import FerDetError

PARENTS = {
    "ConfigError": ValueError,
    "DatasetNotFoundError": FileNotFoundError,
    "DatasetFormatError": ValueError,
    "ImageError": ValueError,
    "VideoError": ValueError,
    "AnnotationError": ValueError,
    "WeightsNotFoundError": FileNotFoundError,
    "WeightsError": ValueError,
    "ScoresNotFoundError": FileNotFoundError,
    "ScoresError": ValueError,
    "OutputError": OSError,
    "TrainingDivergedError": ArithmeticError,
    "WorkerError": RuntimeError,
}
FAMILY = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, FerDetError) and kind is not FerDetError
]


def test_table_above_is_the_whole_family() -> None:
    assert {kind.__name__ for kind in FAMILY} == set(PARENTS)


@pytest.mark.parametrize("kind", FAMILY)
def test_may_be_caught_as_the_built_in(kind: type[FerDetError]) -> None:
    with pytest.raises(PARENTS[kind.__name__]):
        raise kind("a list is absent", "a list", "copy it")


@pytest.mark.parametrize("kind", [FerDetError, *FAMILY])
def test_one_line_found_wanted_remedy(kind: type[FerDetError]) -> None:
    error = kind("two\nlines", "one\tline", "join  them")
    assert str(error) == "two lines; wanted one line; join them"
    assert (error.found, error.wanted, error.remedy) == ("two\nlines", "one\tline", "join  them")


@pytest.mark.parametrize("kind", [FerDetError, *FAMILY])
def test_comes_whole_through_a_worker_s_pipe(kind: type[FerDetError]) -> None:
    error = kind("found", "wanted", "remedy")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)
    assert copy.remedy == "remedy"

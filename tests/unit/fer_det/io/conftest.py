"""An empty VOC folder of two classes."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_det.io.voc import VocFolder


@pytest.fixture
def folder(tmp_path: Path) -> VocFolder:
    """VOCdevkit below `tmp_path`, with a label map and no picture."""
    folder = VocFolder.create(tmp_path)
    folder.write_label_map(("surprise", "fear"))
    return folder

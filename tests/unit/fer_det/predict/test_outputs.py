from pathlib import Path

import pytest

from fer_det.errors import OutputError
from fer_det.predict.outputs import (
    LONGEST_NAME,
    plan_outputs,
    refuse_to_replace,
    timeline_path,
)
from fer_det.predict.sources import Sources, find_sources


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def sources(*names: str, named: tuple[str, ...] = ()) -> Sources:
    """Make these files, and name them or `named`."""
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"")
    return find_sources(named or names, lambda: [], None)


def drawn(found: Sources) -> list[str]:
    plan = plan_outputs(found, Path("out"), draw=True)
    paths = [*plan.pictures.values(), *plan.videos.values()]
    return [path.relative_to("out").as_posix() for path in paths]


def test_files_lie_as_their_sources_do() -> None:
    assert drawn(sources("a/1.jpg", "b/1.jpg", "b/c/1.jpg")) == ["a/1.jpg", "b/1.jpg", "b/c/1.jpg"]
    assert drawn(sources("a/1.jpg")) == ["1.jpg"]
    assert drawn(sources("q/x/1.jpg", "q/x/2.jpg", named=("q",))) == ["x/1.jpg", "x/2.jpg"]
    assert drawn(sources("p/x/1.jpg", named=("p/*/1.jpg",))) == ["x/1.jpg"]


def test_no_two_names_are_the_same_even_where_case_is_not_told_apart() -> None:
    names = ("1.jpg", "1.png", "1.JPEG", "1.jpg.tif", "1.tif", "b.png", "B.jpg", "two/1.bmp")
    found = drawn(sources(*names))
    assert found[:3] == ["1.jpg", "1.png.jpg", "1.JPEG.jpg"]
    assert len({name.casefold() for name in found}) == len(names)


def test_remote_files_lie_as_in_their_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    # The packages of these protocols need not be installed.
    monkeypatch.setattr("fer_det.predict.sources.demand_protocol", lambda address: None)
    same = ("s3://b/x/1.jpg", "s3://b/y/1.jpg?v=2", "gs://c/1.jpg", "https://h/v?id=1")
    assert drawn(sources("1.jpg", named=("1.jpg", *same, "https://h/v?id=2"))) == [
        "1.jpg",
        "b/x/1.jpg",
        "b/y/1.jpg",
        "c/1.jpg",
        "h/v.jpg",
        "h/v-2.jpg",
    ]
    assert drawn(sources(named=("https://h/a/x.jpg?w=1",))) == ["x.jpg"]
    assert drawn(sources("x.png", named=("x.png", "https://h/a/x.jpg"))) == ["x.jpg", "x.jpg.jpg"]
    assert drawn(sources(named=("s3://b/../../x.jpg", "s3://c/y.jpg"))) == ["b/x.jpg", "c/y.jpg"]


def test_no_file_takes_the_place_of_a_folder_or_a_table() -> None:
    found = drawn(sources("a.png", "a.jpg/1.png"))
    assert found == ["a.png.jpg", "a.jpg/1.jpg"]
    plan = plan_outputs(sources("clip.mp4", "clip.timeline.png"), Path("out"), draw=True)
    assert len(set(plan.all())) == len(list(plan.all()))


def test_videos_and_cameras_have_timelines() -> None:
    plan = plan_outputs(
        sources("clip.avi", "clip.mov", named=("clip.avi", "clip.mov", "0")), Path("out"), True
    )
    assert [path.name for path in plan.videos.values()] == [
        "clip.mp4",
        "clip.mov.mp4",
        "camera-0.mp4",
    ]
    timelines = [timeline_path(path).name for path in plan.videos.values()]
    assert timelines == [
        "clip.timeline.png",
        "clip.mov.timeline.png",
        "camera-0.timeline.png",
    ]
    assert list(plan.videos) == ["clip.avi", "clip.mov", "camera 0"]


def test_without_drawing_only_the_tables_are_written() -> None:
    tables = [Path("out/predictions.jsonl"), Path("out/predictions.csv")]
    assert list(plan_outputs(sources("1.jpg"), Path("out"), draw=False).all()) == tables
    plan = plan_outputs(sources("1.jpg", "2.mp4"), Path("out"), draw=False)
    of_videos = ("tracks.csv", "people.csv", "tracks.parquet")
    assert list(plan.all()) == [*tables, *(Path("out", name) for name in of_videos)]


def test_long_names_are_shortened_and_stay_different() -> None:
    names = ("é" * 120 + "1.jpg", "é" * 120 + "2.jpg", "é" * 120 + ".mp4")
    found = drawn(sources(*names))
    assert len(set(found)) == 3
    for name in found:
        assert LONGEST_NAME < len(name.encode()) < LONGEST_NAME + 10
        assert name.startswith("é" * 99)


def test_links_that_lead_elsewhere_stay_in_the_folder(tmp_path: Path) -> None:
    sources("far/1.jpg", "near/2.jpg")
    Path("near/link.jpg").symlink_to(tmp_path / "far" / "1.jpg")
    assert drawn(sources(named=("near",))) == ["2.jpg", "link.jpg"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_source_is_never_replaced(overwrite: bool) -> None:
    found = sources("photos/1.jpg")
    for folder in ("photos", "./photos/../photos"):
        plan = plan_outputs(found, Path(folder), draw=True)
        with pytest.raises(OutputError, match="is a source and would be replaced"):
            refuse_to_replace(plan, found, overwrite)
    Path("other").symlink_to("photos")
    with pytest.raises(OutputError, match="is a source"):
        refuse_to_replace(plan_outputs(found, Path("other"), draw=True), found, overwrite)
    table = sources("photos/predictions.csv")
    with pytest.raises(OutputError, match="is a source"):
        refuse_to_replace(plan_outputs(table, Path("photos"), draw=False), table, overwrite)


def test_other_files_are_replaced_only_when_told_to() -> None:
    found = sources("photos/1.jpg")
    sources("out/1.jpg")
    plan = plan_outputs(found, Path("out"), draw=True)
    with pytest.raises(OutputError, match=r"out/1\.jpg exists already; .* add --overwrite"):
        refuse_to_replace(plan, found, overwrite=False)
    refuse_to_replace(plan, found, overwrite=True)
    refuse_to_replace(plan_outputs(found, Path("new"), draw=True), found, overwrite=False)

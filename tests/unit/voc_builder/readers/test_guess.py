from importlib import import_module
from pathlib import Path, PurePosixPath

import pytest

from fer_det.errors import FerDetError
from voc_builder.readers import READERS
from voc_builder.readers.guess import SIGNS, looks_like


def test_signs_name_readers_and_their_titles() -> None:
    assert {flag for flag, _, _ in SIGNS} == set(READERS) - {"folders"}
    assert all(title == READERS[flag].TITLE for flag, title, _ in SIGNS)


@pytest.mark.parametrize(("flag", "title"), [(flag, title) for flag, title, _ in SIGNS])
def test_each_data_set_is_recognised(flag: str, title: str, tmp_path: Path) -> None:
    import_module(f"fake_data.{flag}").write(tmp_path)
    paths = [PurePosixPath(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*")]
    assert looks_like(paths, "another") == f"this looks like {title}, use --{flag}"
    assert looks_like(paths, title) is None


@pytest.mark.parametrize("name", ["holiday.jpg", "a/b/c.png", "happy/1.jpg", "data.zip", "x.csv"])
def test_other_files_look_like_nothing(name: str) -> None:
    assert looks_like([PurePosixPath(name)], "CK+") is None


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("ckplus", "jaffe"),
        ("jaffe", "ckplus"),
        ("kdef", "rafd"),
        ("fer2013", "rafdb"),
        ("ferplus", "tfd"),
        ("rafdb", "ckplus"),
        ("mmi", "dfew"),
        ("oulu_casia", "multipie"),
    ],
)
def test_a_wrong_folder_is_named(given: str, asked: str, tmp_path: Path) -> None:
    import_module(f"fake_data.{given}").write(tmp_path)
    with pytest.raises(FerDetError) as caught:
        list(READERS[asked].read(tmp_path, READERS[asked].Options()))
    assert f"this looks like {READERS[given].TITLE}, use --{given}" in str(caught.value)
    assert "\n" not in str(caught.value)

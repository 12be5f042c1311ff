from pathlib import Path

import numpy as np
import pytest
import torch
from fake_data.voc_tree import drawn_face
from PIL import Image

from fer_det.errors import DatasetNotFoundError, ImageError
from fer_det.predict.pictures import Picture, to_rgb8

PIXELS = drawn_face(3)


def test_every_kind_of_the_same_picture(tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    Image.fromarray(PIXELS).save(path)
    whole = torch.from_numpy(PIXELS).permute(2, 0, 1)
    kinds: list[Picture] = [
        path,
        str(path),
        Image.open(path),
        Image.fromarray(PIXELS),
        PIXELS,
        PIXELS[:, ::-1][:, ::-1],
        whole,
        whole.float() / 255,
        (whole.double() / 255).requires_grad_(),
        (whole.float() / 255).to(memory_format=torch.preserve_format),
    ]
    for kind in kinds:
        found = to_rgb8(kind)
        assert found.dtype == np.uint8
        assert np.array_equal(found, PIXELS), type(kind)


def test_gray_of_every_kind() -> None:
    gray = PIXELS[..., 0]
    wanted = np.repeat(gray[..., None], 3, axis=2)
    for kind in (gray, gray[..., None], Image.fromarray(gray), torch.from_numpy(gray.copy())[None]):
        assert np.array_equal(to_rgb8(kind), wanted)


def test_pillow_pictures_are_turned_upright_and_flattened(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = Image.fromarray(PIXELS).transpose(Image.Transpose.ROTATE_90)
    turned.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(to_rgb8(Image.open(tmp_path / "turned.png")), PIXELS)
    palette = Image.fromarray(PIXELS).quantize(16)
    assert np.array_equal(to_rgb8(palette), np.asarray(palette.convert("RGB")))


@pytest.mark.parametrize(
    ("picture", "told"),
    [
        (PIXELS.astype(np.float32), "an array of float32 and shape [48, 60, 3]"),
        (PIXELS.astype(np.uint16), "an array of uint16"),
        (PIXELS.transpose(2, 0, 1), "an array of uint8 and shape [3, 48, 60]"),
        (np.zeros((4, 5, 4), np.uint8), "shape [4, 5, 4]"),
        (PIXELS[None], "shape [1, 48, 60, 3]"),
        (np.zeros((0, 5, 3), np.uint8), "an empty array of shape [0, 5, 3]"),
        (torch.zeros(48, 60, 3), "a tensor of float32 and shape [48, 60, 3]"),
        (torch.zeros(1, 3, 4, 5), "shape [1, 3, 4, 5]"),
        (torch.zeros(3, 4, 5, dtype=torch.int64), "a tensor of int64"),
        (torch.full((3, 4, 5), 1.5), "with values from 1.5 to 1.5"),
        (torch.full((3, 4, 5), -0.5), "with values from -0.5 to -0.5"),
        (torch.full((3, 4, 5), float("nan")), "with values from nan to nan"),
        (torch.zeros(3, 0, 5), "shape [3, 0, 5]"),
        (None, "a NoneType"),
        (b"JFIF", "a bytes"),
    ],
    ids=str,
)
def test_what_is_no_picture_is_told_by_its_kind_and_shape(picture: Picture, told: str) -> None:
    with pytest.raises(ImageError) as error:
        to_rgb8(picture)
    assert told in str(error.value)
    assert "wanted a path, a Pillow picture, a uint8 array [H, W, 3]" in str(error.value)


def test_files_that_are_absent_or_broken(tmp_path: Path) -> None:
    with pytest.raises(DatasetNotFoundError):
        to_rgb8(str(tmp_path / "absent.jpg"))
    path = tmp_path / "half.png"
    Image.fromarray(PIXELS).save(path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ImageError, match=r"half\.png is broken"):
        to_rgb8(path)
    with pytest.raises(ImageError, match="a Pillow picture is broken"):
        to_rgb8(Image.open(path))


def test_the_caller_s_array_is_left_alone() -> None:
    gray = np.zeros((4, 5), np.uint8)
    to_rgb8(gray)[:] = 7
    assert not gray.any()

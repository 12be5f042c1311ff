import io
import os
import struct
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from fer_det.core.picture import MAX_BYTES, read_image_bytes
from fer_det.errors import DatasetNotFoundError, ImageError
from fer_det.imaging.decode import (
    FORMATS,
    HEAD_BYTES,
    MAX_PIXELS,
    decode_rgb8,
    encode_jpeg,
    load_rgb8,
    picture_format,
)

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def corners() -> Image.Image:
    """48 x 32, a colour in each quarter, so that every turn and mirror differs."""
    image = Image.new("RGB", (48, 32), RED)
    image.paste(GREEN, (24, 0, 48, 16))
    image.paste(BLUE, (0, 16, 24, 32))
    image.paste(WHITE, (24, 16, 48, 32))
    return image


def saved(image: Image.Image, image_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, image_format, **options)
    return buffer.getvalue()


def saved_with_orientation(orientation: int, image_format: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(corners(), image_format, exif=exif)


def png_that_says(width: int, height: int) -> bytes:
    """A PNG of that size by its header, with next to nothing behind it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"IDAT", zlib.compress(b"\0" * 1000)),
            chunk(b"IEND", b""),
        ]
    )


class TestOrientation:
    @pytest.mark.parametrize("image_format", ["JPEG", "PNG", "TIFF", "WEBP"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_upright_as_pillow_turns_it(self, orientation: int, image_format: str) -> None:
        data = saved_with_orientation(orientation, image_format)
        decoded = decode_rgb8(data, "a")
        with Image.open(io.BytesIO(data)) as image:
            reference = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
        assert np.array_equal(decoded.pixels, reference)
        assert decoded.pixels.shape == ((48, 32, 3) if orientation >= 5 else (32, 48, 3))

    def test_quarter_turn_by_its_definition(self) -> None:
        # EXIF 6: the first row is the visual right side, the first column the visual top.
        pixels = decode_rgb8(saved_with_orientation(6, "PNG"), "a").pixels
        quarters = [pixels[4, 4], pixels[4, -4], pixels[-4, 4], pixels[-4, -4]]
        assert [tuple(map(int, colour)) for colour in quarters] == [BLUE, RED, WHITE, GREEN]

    @pytest.mark.parametrize("orientation", range(10))
    def test_turned_jpeg_is_not_copied(self, orientation: int) -> None:
        # 0 and 9 are no orientations, yet cameras write 0; every tool shows such a file unturned.
        decoded = decode_rgb8(saved_with_orientation(orientation), "a")
        assert decoded.copyable is (orientation in (0, 1, 9))

    def test_broken_exif_is_no_reason_to_refuse(self) -> None:
        data = saved(corners(), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff nonsense")
        assert decode_rgb8(data, "a").pixels.shape == (32, 48, 3)


class TestModes:
    @pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
    def test_16_bits_are_scaled_and_not_clipped(self, image_format: str) -> None:
        wide = np.array([[0, 255, 256, 32768, 65535]], dtype=np.uint16)
        pixels = decode_rgb8(saved(Image.fromarray(wide), image_format), "a").pixels
        assert pixels[0].tolist() == [[v, v, v] for v in (0, 0, 1, 128, 255)]

    def test_floating_point_is_refused(self) -> None:
        image = Image.fromarray(np.zeros((4, 4), dtype=np.float32))
        with pytest.raises(ImageError, match="floating-point"):
            decode_rgb8(saved(image, "TIFF"), "a.tif")

    def test_cmyk_jpeg(self) -> None:
        decoded = decode_rgb8(saved(corners().convert("CMYK"), "JPEG", quality=95), "a")
        assert np.abs(decoded.pixels[4, 4].astype(int) - RED).max() < 8
        assert np.abs(decoded.pixels[-4, -4].astype(int) - WHITE).max() < 8
        assert not decoded.copyable

    @pytest.mark.parametrize("subsampling", [0, 1, 2])
    @pytest.mark.parametrize("progressive", [False, True])
    @pytest.mark.parametrize("mode", ["RGB", "L"])
    def test_jpeg_is_what_pillow_decodes(
        self, mode: str, progressive: bool, subsampling: int
    ) -> None:
        noise = np.random.default_rng(3).integers(0, 256, (5, 9, 3), dtype=np.uint8)
        image = Image.fromarray(noise).resize((97, 61), Image.Resampling.BICUBIC).convert(mode)
        data = saved(image, "JPEG", progressive=progressive, subsampling=subsampling)
        with Image.open(io.BytesIO(data)) as reference:
            wanted = np.asarray(reference.convert("RGB"))
        assert np.array_equal(decode_rgb8(data, "a").pixels, wanted)

    def test_jpeg_with_another_behind_it(self) -> None:
        data = saved(corners(), "MPO", save_all=True, append_images=[corners().rotate(90)])
        decoded = decode_rgb8(data, "a")
        assert np.array_equal(decoded.pixels, decode_rgb8(saved(corners(), "JPEG"), "b").pixels)
        assert not decoded.copyable

    def test_palette(self) -> None:
        data = saved(corners().quantize(4), "PNG")
        assert np.array_equal(decode_rgb8(data, "a").pixels, np.asarray(corners()))

    def test_palette_with_a_transparent_colour(self) -> None:
        image = Image.new("P", (2, 1))
        image.putpalette([*RED, *GREEN])
        image.putdata([0, 1])
        pixels = decode_rgb8(saved(image, "PNG", transparency=1), "a").pixels
        assert pixels.tolist() == [[list(RED), list(WHITE)]]

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    def test_alpha_is_blended_with_white(self, mode: str) -> None:
        black = Image.new(mode, (3, 1), 0)
        black.putalpha(Image.frombytes("L", (3, 1), bytes([0, 128, 255])))
        pixels = decode_rgb8(saved(black, "PNG"), "a").pixels
        # Black over white by alpha: 255 - alpha.
        assert pixels[0, :, 0].tolist() == [255, 127, 0]

    def test_rgb_with_a_transparent_colour(self) -> None:
        pixels = decode_rgb8(saved(corners(), "PNG", transparency=GREEN), "a").pixels
        assert tuple(map(int, pixels[4, -4])) == WHITE
        assert tuple(map(int, pixels[4, 4])) == RED

    @pytest.mark.parametrize("mode", ["L", "1"])
    def test_gray_and_bilevel(self, mode: str) -> None:
        image = Image.new("L", (8, 8), 0)
        image.paste(255, (4, 0, 8, 8))
        pixels = decode_rgb8(saved(image.convert(mode), "PNG"), "a").pixels
        assert pixels[0, [0, 7]].tolist() == [[0, 0, 0], [255, 255, 255]]

    @pytest.mark.parametrize("image_format", ["BMP", "TIFF", "PPM", "PNG"])
    def test_lossless_formats(self, image_format: str) -> None:
        decoded = decode_rgb8(saved(corners(), image_format), "a")
        assert np.array_equal(decoded.pixels, np.asarray(corners()))
        assert decoded.format == image_format
        assert decoded.pixels.dtype == np.uint8
        assert not decoded.copyable


class TestFormats:
    @pytest.mark.parametrize(
        ("image_format", "name"),
        [(name, name) for name in FORMATS if name != "HEIF"] + [("MPO", "JPEG")],
    )
    def test_recognised_by_content(self, image_format: str, name: str) -> None:
        data = saved(corners(), image_format)
        assert picture_format(data[:HEAD_BYTES]) == name
        decoded = decode_rgb8(data, "a")
        # Of JPEG 2000 and AVIF as of JPEG.
        assert np.abs(decoded.pixels[4, 4].astype(int) - RED).max() < 12
        assert decoded.size == (48, 32)

    @pytest.mark.parametrize(
        ("head", "name"),
        [
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIF"),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIF"),
            (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "AVIF"),
            (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", None),
            (b"<!DOCTYPE html>", None),
            (b"", None),
        ],
    )
    def test_first_bytes(self, head: bytes, name: str | None) -> None:
        assert picture_format(head) == name

    def test_heic_without_its_package_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pillow_heif", None)
        with pytest.raises(ImageError, match=r"HEIC picture, which needs: pip install 'fer_det"):
            decode_rgb8(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), "a.jpg")

    def test_heic(self) -> None:
        heif = pytest.importorskip("pillow_heif")
        heif.register_heif_opener()
        decoded = decode_rgb8(saved(corners(), "HEIF"), "a.jpg")
        assert np.abs(decoded.pixels[4, 4].astype(int) - RED).max() < 12
        assert decoded.pixels.shape == (32, 48, 3)

    def test_avif_with_an_old_pillow_says_what_to_install(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        data = saved(corners(), "AVIF")
        monkeypatch.setattr("PIL.features.check", lambda _: False)
        with pytest.raises(ImageError, match=r"AVIF picture, which needs Pillow 11\.3"):
            decode_rgb8(data, "a.jpg")

    @pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
    def test_the_first_of_several_pictures(self, image_format: str) -> None:
        other = Image.new("RGB", (48, 32), WHITE)
        data = saved(corners(), image_format, save_all=True, append_images=[other, corners()])
        decoded = decode_rgb8(data, "a")
        assert np.abs(decoded.pixels[4, 4].astype(int) - RED).max() < 12
        assert decoded.frames == 3
        assert decode_rgb8(saved(corners(), image_format), "a").frames == 1

    @pytest.mark.parametrize("tags", [{0x00FE: 1}, {0xC612: b"\1\4\0\0"}])
    def test_the_thumbnail_in_a_camera_s_raw_file_is_no_photo(self, tags: dict[int, Any]) -> None:
        with pytest.raises(ImageError, match="a camera's raw file"):
            decode_rgb8(saved(corners(), "TIFF", tiffinfo=tags), "a.dng")


class TestReduced:
    """Pictures of more than MAX_PIXELS."""

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("fer_det.imaging.decode.MAX_PIXELS", 48 * 32 - 1)
        monkeypatch.setattr("fer_det.imaging.decode.MAX_REDUCED_PIXELS", 50 * 33)

    @pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
    @pytest.mark.parametrize("orientation", [1, 3, 6])
    def test_half_the_size(self, mode: str, orientation: int) -> None:
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = saved(corners().convert(mode), "JPEG", exif=exif)
        decoded = decode_rgb8(data, "a", reduce=True)
        upright = (32, 48) if orientation == 6 else (48, 32)
        assert decoded.size == upright
        assert decoded.pixels.shape == (upright[1] // 2, upright[0] // 2, 3)
        with Image.open(io.BytesIO(data)) as image:
            turned = ImageOps.exif_transpose(image).convert("RGB")
        wanted = np.asarray(turned.resize((upright[0] // 2, upright[1] // 2), Image.Resampling.BOX))
        assert np.abs(decoded.pixels.astype(int) - wanted).mean() < 4

    def test_only_where_the_caller_allows_it(self) -> None:
        with pytest.raises(ImageError, match="has 48 x 32 pixels, more than 1,535"):
            decode_rgb8(saved(corners(), "JPEG"), "a")

    def test_smaller_ones_are_whole(self) -> None:
        small = saved(corners().resize((40, 32)), "JPEG")
        assert decode_rgb8(small, "a", reduce=True).pixels.shape == (32, 40, 3)

    def test_only_jpeg_and_only_up_to_the_limit(self) -> None:
        for data in (
            saved(corners(), "PNG"),
            saved(corners().resize((51, 33)), "JPEG"),
        ):
            with pytest.raises(ImageError, match="pixels, more than 1,535"):
                decode_rgb8(data, "a", reduce=True)

    def test_cut_off(self) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (33, 50, 3), dtype=np.uint8)
        data = saved(Image.fromarray(noise), "JPEG")
        with pytest.raises(ImageError, match="is broken"):
            decode_rgb8(data[: len(data) // 2], "a", reduce=True)


class TestCopyable:
    def test_rgb_and_gray_jpeg(self) -> None:
        assert decode_rgb8(saved(corners(), "JPEG"), "a").copyable
        assert decode_rgb8(saved(corners().convert("L"), "JPEG"), "a").copyable

    def test_two_pictures_in_one_jpeg_give_the_first(self) -> None:
        first, second = corners(), Image.new("RGB", (48, 32), WHITE)
        data = saved(first, "MPO", save_all=True, append_images=[second])
        decoded = decode_rgb8(data, "a")
        assert np.abs(decoded.pixels[4, 4].astype(int) - RED).max() < 8
        assert not decoded.copyable

    def test_png_named_jpg_is_judged_by_its_bytes(self, tmp_path: Path) -> None:
        path = tmp_path / "a.jpg"
        path.write_bytes(saved(corners(), "PNG"))
        assert not decode_rgb8(path.read_bytes(), "a.jpg").copyable
        assert np.array_equal(load_rgb8(path), np.asarray(corners()))


class TestRefused:
    @pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
    @pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP"])
    def test_half_a_file(self, image_format: str, share: float) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        data = saved(Image.fromarray(noise), image_format)
        with pytest.raises(ImageError, match=r"^a\.jpg .*; wanted a whole picture"):
            decode_rgb8(data[: int(len(data) * share)], "a.jpg")

    @pytest.mark.parametrize(
        ("data", "error"),
        [
            (b"", "is empty"),
            (b"<!DOCTYPE html><html>404 Not Found</html>", "is not a picture"),
            (b"\xff\xd8\xff", "is "),
            (b"\0" * 5000, "is not a picture"),
        ],
    )
    def test_what_is_no_picture(self, data: bytes, error: str, tmp_path: Path) -> None:
        path = tmp_path / "a.jpg"
        path.write_bytes(data)
        with pytest.raises(ImageError, match=error) as caught:
            load_rgb8(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("image_format", ["ICO", "EPS"])
    def test_format_off_the_list(self, image_format: str) -> None:
        with pytest.raises(ImageError, match="is not a picture we read"):
            decode_rgb8(saved(corners(), image_format), "a.jpg")

    @pytest.mark.parametrize(
        ("side", "error"),
        [
            (8_200, "has 8200 x 8200 pixels"),
            (30_000, "is far too large"),
            (100_000, "too large"),
        ],
    )
    def test_bomb_is_refused_by_its_header(self, side: int, error: str) -> None:
        with pytest.raises(ImageError) as caught:
            decode_rgb8(png_that_says(side, side), "a.png")
        assert error in caught.value.found

    def test_largest_size_is_judged_by_its_content(self) -> None:
        # Of a phone with 64 MP.
        assert MAX_PIXELS >= 9248 * 6936
        with pytest.raises(ImageError, match="broken"):
            decode_rgb8(png_that_says(100, 100), "a.png")

    def test_absent(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetNotFoundError, match=r"a\.jpg is absent"):
            load_rgb8(tmp_path / "a.jpg")

    def test_folder_in_its_place(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match="could not be read"):
            read_image_bytes(tmp_path)


class TestPlace:
    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
    def test_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "a.jpg")
        with pytest.raises(ImageError, match="no plain file"):
            read_image_bytes(tmp_path / "a.jpg")

    def test_file_without_end(self, tmp_path: Path) -> None:
        with (tmp_path / "a.jpg").open("wb") as file:
            file.truncate(MAX_BYTES + 1)
        with pytest.raises(ImageError, match="has 400,000,001 bytes"):
            read_image_bytes(tmp_path / "a.jpg")


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "I;16", "1"])
def test_bands_give_the_pixels_of_the_whole(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gray = Image.fromarray(np.arange(48 * 32, dtype=np.uint16).reshape(32, 48) * 40)
    image = gray if mode == "I;16" else corners().convert(mode)
    data = saved(image, "PNG", **({"transparency": 1} if mode == "P" else {}))
    whole = decode_rgb8(data, "a").pixels
    monkeypatch.setattr("fer_det.imaging.decode._PIXELS_AT_A_TIME", 48 * 5)
    assert np.array_equal(decode_rgb8(data, "a").pixels, whole)


class TestEncode:
    def test_same_bytes_and_near_the_same_pixels(self) -> None:
        pixels = np.asarray(corners())
        data = encode_jpeg(pixels)
        assert encode_jpeg(pixels) == data
        decoded = decode_rgb8(data, "a")
        assert decoded.copyable
        # Without chroma subsampling a sharp edge between colours stays where it is.
        assert np.abs(decoded.pixels.astype(int) - pixels).max() < 16

import hashlib
import json
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from fer_det.errors import WeightsError, WeightsNotFoundError
from fer_det.models.vgg16 import vgg16_features
from fer_det.weights.weights_file import (
    WeightsInfo,
    canonical_tensors,
    load_weights,
    model_tensors,
    save_weights,
)

INFO = WeightsInfo(
    source="a test",
    licence="CC0-1.0",
    trained_on="nothing",
    image_mean=(0.1, 0.2, 0.3),
    image_std=(0.5, 0.25, 1 / 255),
    notes={"command": "--out 'ä b'", "seed": "7"},
)
HEAD = {
    "classifier.0.weight": (8, 25088),
    "classifier.0.bias": (8,),
    "classifier.3.weight": (8, 8),
    "classifier.3.bias": (8,),
}


@pytest.fixture(scope="module")
def backbone() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {f"features.{name}": t for name, t in vgg16_features(False).state_dict().items()}


@pytest.fixture(scope="module")
def head() -> dict[str, Tensor]:
    return {name: torch.rand(shape) for name, shape in HEAD.items()}


class TestRoundTrip:
    def test_float32_is_exact(
        self, tmp_path: Path, backbone: dict[str, Tensor], head: dict[str, Tensor]
    ) -> None:
        path = tmp_path / "deep" / "a.safetensors"
        digest = save_weights(path, backbone | head, INFO, torch.float32)
        info, tensors = load_weights(path)
        assert info == replace(INFO, sha256=digest)
        assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
        assert tensors.keys() == (backbone | head).keys()
        assert all(torch.equal(tensors[name], t) for name, t in (backbone | head).items())

    def test_float16_is_half_as_large_and_near(
        self, tmp_path: Path, backbone: dict[str, Tensor]
    ) -> None:
        path = tmp_path / "a.safetensors"
        save_weights(path, backbone, INFO, torch.float16)
        assert path.stat().st_size < 30_000_000
        _, tensors = load_weights(path)
        for name, wanted in backbone.items():
            assert tensors[name].dtype == torch.float32
            # A float16 has eleven bits; far below the largest weight it has fewer.
            torch.testing.assert_close(tensors[name], wanted, rtol=2**-11, atol=2**-24)

    def test_same_content_same_bytes(self, tmp_path: Path, backbone: dict[str, Tensor]) -> None:
        names = [f"note{number}" for number in range(20)]
        hashes = {
            save_weights(
                tmp_path / f"{turn}",
                backbone,
                replace(INFO, notes=dict.fromkeys(order, "x")),
                dtype,
            )
            for turn, order in enumerate((names, names[::-1]))
            for dtype in [torch.float16]
        }
        assert len(hashes) == 1

    def test_memory_layout_does_not_matter(
        self, tmp_path: Path, backbone: dict[str, Tensor]
    ) -> None:
        last = {
            name: t.to(memory_format=torch.channels_last) if t.ndim == 4 else t
            for name, t in backbone.items()
        }
        path, other = tmp_path / "a", tmp_path / "b"
        assert save_weights(path, backbone, INFO, torch.float16) == save_weights(
            other, last, INFO, torch.float16
        )


class TestNames:
    def test_there_and_back(self, backbone: dict[str, Tensor], head: dict[str, Tensor]) -> None:
        state = model_tensors(backbone | head)
        assert "backbone.features.28.bias" in state
        assert "roi_heads.box_head.fc7.weight" in state
        found = canonical_tensors({**state, "roi_heads.box_predictor.bbox_pred.bias": head})  # type: ignore[dict-item]
        assert found.keys() == (backbone | head).keys()
        assert all(found[name] is tensor for name, tensor in (backbone | head).items())


Change = Callable[[dict[str, Tensor]], object]


class TestRefused:
    @pytest.fixture
    def whole(self, tmp_path: Path, backbone: dict[str, Tensor]) -> Path:
        path = tmp_path / "whole.safetensors"
        save_weights(path, backbone, INFO, torch.float16)
        return path

    def refused(self, path: Path) -> str:
        with pytest.raises(WeightsError) as told:
            load_weights(path)
        assert "\n" not in str(told.value)
        return str(told.value)

    def test_absent(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsNotFoundError, match="is absent; wanted a weights file"):
            load_weights(tmp_path / "a")

    @pytest.mark.parametrize("size", [0, 7, 100, 1_000_000, -1])
    def test_truncated(self, whole: Path, size: int) -> None:
        whole.write_bytes(whole.read_bytes()[:size])
        assert "is truncated, broken or no safetensors file" in self.refused(whole)

    @pytest.mark.parametrize("content", [b"PK\x03\x04" * 9, b"hello" * 9, b"\x80\x02}q\x00." * 9])
    def test_no_safetensors_file(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a").write_bytes(content)
        assert "no safetensors file" in self.refused(tmp_path / "a")

    def test_folder(self, tmp_path: Path) -> None:
        with pytest.raises(WeightsNotFoundError):
            load_weights(tmp_path)

    def test_weights_of_others(self, tmp_path: Path, backbone: dict[str, Tensor]) -> None:
        path = tmp_path / "foreign"
        save_file(backbone, path)
        assert "holds weights of another kind" in self.refused(path)
        save_file(backbone, path, {"format": "pt"})
        assert "holds weights of another kind" in self.refused(path)

    @pytest.mark.parametrize(
        "changes",
        [
            {"source": None},
            {"image_mean": None},
            {"image_std": "[1, 2]"},
            {"image_std": "nonsense"},
            {"image_mean": '"abc"'},
        ],
    )
    def test_does_not_describe_itself(self, whole: Path, changes: dict[str, str | None]) -> None:
        rewrite_metadata(whole, changes)
        assert "does not say whence it is" in self.refused(whole)

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda t: t.pop("features.17.weight"), "lacks features.17.weight;"),
            (lambda t: (t.pop("features.5.bias"), t.pop("features.7.bias")), "5.bias and 1 more;"),
            (lambda t: t.update({"features.30.weight": torch.ones(1)}), "unknown features.30"),
            (lambda t: t.update({"classifier.0.bias": torch.ones(8)}), "lacks classifier.0.weight"),
            (lambda t: t.update({"features.0.weight": torch.ones(64, 1, 3, 3)}), "[64, 1, 3, 3]"),
            (lambda t: t.update({"features.2.bias": torch.full((64,), float("nan"))}), "finite"),
            (lambda t: t.update({"features.2.bias": torch.full((64,), 1e6)}), "not finite"),
        ],
    )
    def test_tensors_that_do_not_fit(
        self, tmp_path: Path, backbone: dict[str, Tensor], change: Change, told: str
    ) -> None:
        tensors = dict(backbone)
        change(tensors)
        with pytest.raises(WeightsError) as refused:
            save_weights(tmp_path / "a", tensors, INFO, torch.float16)
        assert told in str(refused.value)
        assert not (tmp_path / "a").exists()
        save_file({n: t.half() for n, t in tensors.items()}, tmp_path / "b", METADATA)
        assert told in self.refused(tmp_path / "b")

    def test_other_types(self, tmp_path: Path, backbone: dict[str, Tensor]) -> None:
        save_file({name: t.bfloat16() for name, t in backbone.items()}, tmp_path / "a", METADATA)
        assert "as torch.bfloat16; wanted float16 or float32" in self.refused(tmp_path / "a")


METADATA = {
    "format": "fer_det weights 1",
    "source": "",
    "licence": "",
    "trained_on": "",
    "image_mean": "[0.5, 0.5, 0.5]",
    "image_std": "[0.5, 0.5, 0.5]",
}


def rewrite_metadata(path: Path, changes: dict[str, str | None]) -> None:
    """Change entries of a file's metadata, or drop those that are None."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    for name, value in changes.items():
        header["__metadata__"].pop(name)
        if value is not None:
            header["__metadata__"][name] = value
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])

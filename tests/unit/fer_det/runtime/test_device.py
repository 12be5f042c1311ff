import copy
import subprocess
import sys

import pytest
import torch
import torch._dynamo  # what it reads when it is first imported is replaced below
from torch import nn

from fer_det.errors import ConfigError
from fer_det.models import build_model
from fer_det.models.vgg16_frcnn.config import Config
from fer_det.runtime.device import (
    Hardware,
    choose_hardware,
    make_deterministic,
)
from fer_det.runtime.memory import keep_freed_memory


def set_processor(
    monkeypatch: pytest.MonkeyPatch, avx512: bool, amx: bool, used: str = "AVX512"
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: used)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)


def set_gpus(monkeypatch: pytest.MonkeyPatch, count: int, bfloat16: bool = True) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bfloat16)


def set_apple_gpu(monkeypatch: pytest.MonkeyPatch, macos: int | None) -> None:
    """Pretend to have Apple's GPU under this release of macOS, or none."""
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: macos is not None)
    monkeypatch.setattr(
        torch.backends.mps, "is_macos_or_newer", lambda major, _: (macos or 0) >= major
    )


@pytest.fixture(autouse=True)
def no_apple_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    set_apple_gpu(monkeypatch, None)


class TestOnTheProcessor:
    @pytest.fixture(autouse=True)
    def no_gpu(self, monkeypatch: pytest.MonkeyPatch) -> None:
        set_gpus(monkeypatch, 0)

    @pytest.mark.parametrize(
        ("avx512", "amx", "wanted"),
        [
            (False, False, "float32"),
            (True, False, "bfloat16"),
            (False, True, "bfloat16"),
        ],
    )
    def test_auto_takes_bfloat16_where_it_is_fast(
        self, monkeypatch: pytest.MonkeyPatch, avx512: bool, amx: bool, wanted: str
    ) -> None:
        set_processor(monkeypatch, avx512, amx)
        chosen = choose_hardware("auto", "auto")
        assert (chosen.device.type, chosen.precision) == ("cpu", wanted)

    def test_units_that_are_not_used_do_not_count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        set_processor(monkeypatch, True, True, used="AVX2")
        assert choose_hardware("cpu", "auto").precision == "float32"

    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    def test_asked_for(self, monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
        set_processor(monkeypatch, False, False)
        chosen = choose_hardware("cpu", precision)  # type: ignore[arg-type]
        assert chosen.precision == precision
        with chosen.autocast():
            product = torch.ones(2, 2) @ torch.ones(2, 2)
        assert str(product.dtype) == f"torch.{precision}"

    @pytest.mark.parametrize(
        ("device", "precision", "told"),
        [
            ("cuda", "auto", "--device cuda for process 0, and torch sees 0 GPUs"),
            ("cuda:1", "auto", "--device cuda:1 for process 0, and torch sees 0 GPUs"),
            ("toaster", "auto", "--device toaster; wanted cpu, cuda, cuda:N or mps"),
            ("cuda:x", "auto", "--device cuda:x; wanted cpu, cuda, cuda:N or mps"),
            ("meta", "auto", "--device meta; wanted cpu, cuda, cuda:N or mps"),
            ("", "auto", "--device ; wanted cpu, cuda, cuda:N or mps"),
            ("mps", "auto", "--device mps without an Apple GPU that torch can use; wanted cpu"),
            ("auto", "float16", "--precision float16 on the CPU; wanted float32 or bfloat16"),
        ],
    )
    def test_refused(self, device: str, precision: str, told: str) -> None:
        with pytest.raises(ConfigError) as error:
            choose_hardware(device, precision)  # type: ignore[arg-type]
        assert str(error.value).startswith(told)
        assert "\n" not in str(error.value)

    def test_described_with_its_threads(self) -> None:
        hardware = Hardware(torch.device("cpu"), "float32")
        assert hardware.describe() == f"cpu, float32, {torch.get_num_threads()} threads"


class TestOnGpus:
    def test_auto_takes_the_process_s_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        set_gpus(monkeypatch, 2)
        for device in ("auto", "cuda"):
            chosen = choose_hardware(device, "auto", local_rank=1)
            assert chosen == Hardware(torch.device("cuda:1"), "bfloat16")
        assert choose_hardware("cuda:0", "auto", local_rank=1).device == torch.device("cuda:0")
        assert choose_hardware("cpu", "float32", local_rank=1).device == torch.device("cpu")

    def test_auto_takes_float16_where_bfloat16_is_absent(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        set_gpus(monkeypatch, 1, bfloat16=False)
        assert choose_hardware("auto", "auto").precision == "float16"
        assert choose_hardware("auto", "float32").precision == "float32"

    def test_more_processes_than_gpus(self, monkeypatch: pytest.MonkeyPatch) -> None:
        set_gpus(monkeypatch, 2)
        with pytest.raises(ConfigError, match="--device auto for process 2, and torch sees 2 GPUs"):
            choose_hardware("auto", "auto", local_rank=2)


class TestOnApple:
    @pytest.mark.parametrize(("macos", "precision"), [(13, "float32"), (15, "bfloat16")])
    def test_auto_takes_it_and_bfloat16_where_macos_has_it(
        self, monkeypatch: pytest.MonkeyPatch, macos: int, precision: str
    ) -> None:
        set_gpus(monkeypatch, 0)
        set_apple_gpu(monkeypatch, macos)
        for device in ("auto", "mps"):
            assert choose_hardware(device, "auto") == Hardware(torch.device("mps"), precision)
        assert choose_hardware("mps", "float16").precision == "float16"
        assert choose_hardware("cpu", "float32").device == torch.device("cpu")

    def test_bfloat16_on_an_old_macos(self, monkeypatch: pytest.MonkeyPatch) -> None:
        set_apple_gpu(monkeypatch, 13)
        with pytest.raises(ConfigError, match="--precision bfloat16 on a macOS before 14; wanted"):
            choose_hardware("mps", "bfloat16")

    def test_an_nvidia_gpu_comes_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        set_gpus(monkeypatch, 1)
        set_apple_gpu(monkeypatch, 15)
        assert choose_hardware("auto", "auto").device == torch.device("cuda:0")


def test_deterministic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    try:
        make_deterministic()
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cudnn.benchmark
    finally:
        torch.use_deterministic_algorithms(False)


class TestPrepare:
    @pytest.mark.parametrize("precision", ["float32", "bfloat16"])
    def test_the_same_answers_to_the_last_digit(self, precision: str) -> None:
        torch.manual_seed(0)
        config = Config(input_size=32, head_width=16, batch_norm=False)
        model = build_model(config, ["happiness", "anger"]).eval()
        hardware = Hardware(torch.device("cpu"), precision)
        pictures = torch.rand(2, 3, 32, 32)
        with torch.inference_mode(), hardware.autocast():
            wanted = model(pictures)
            found = hardware.prepare(copy.deepcopy(model).train())(pictures)
        for before, after in zip(wanted, found, strict=True):
            assert before.keys() == after.keys()
            assert all(torch.equal(before[name], after[name]) for name in before)

    def test_no_weight_is_left_to_turn(self) -> None:
        model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Linear(2, 2))
        Hardware(torch.device("cpu"), "bfloat16").prepare(model)
        assert [p.dtype for p in model[0].parameters()] == [torch.bfloat16] * 2
        # Running statistics, and what they are applied with, keep their digits.
        assert {t.dtype for t in model[1].state_dict().values()} == {torch.float32, torch.int64}
        assert not any(p.requires_grad for p in model.parameters())


TAKES_AGAIN = """
import resource, sys
from fer_det.runtime.memory import keep_freed_memory

if sys.argv[1] == "kept":
    assert keep_freed_memory()
taken = []
for _ in range(4):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytearray(64_000_000)
    taken.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
print(taken[-1])
"""


def page_faults_of_the_fourth_time(how: str) -> int:
    told = subprocess.run(
        [sys.executable, "-c", TAKES_AGAIN, how], capture_output=True, text=True, check=True
    )
    return int(told.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="the setting is glibc's")
class TestKeepFreedMemory:
    def test_large_arrays_are_handed_back_by_default(self) -> None:
        assert page_faults_of_the_fourth_time("handed back") > 1000

    def test_freed_memory_is_taken_again(self) -> None:
        assert page_faults_of_the_fourth_time("kept") < 100


def test_other_systems_have_no_such_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed_memory()

"""`fer-det predict`: find, draw and list the faces of pictures, videos and cameras."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from fer_det.config.command import parse_config
from fer_det.config.predict import PredictConfig
from fer_det.errors import ConfigError, DatasetNotFoundError, VideoError, WeightsError
from fer_det.runtime.command import EXIT_INTERRUPTED, EXIT_OK, PROGRAM, run_command

if TYPE_CHECKING:
    from fer_det.predict.outputs import Outputs
    from fer_det.predict.pictures import Chunk, PictureDone
    from fer_det.predict.predictor import Predictor
    from fer_det.predict.results import Results
    from fer_det.predict.sources import SourceFile, Sources
    from fer_det.predict.video.frames import Camera
    from fer_det.predict.video.screen import Window

PROG = "predict.py"
SHIPPED_MODELS = ("expression_small.onnx", "expression_small.safetensors")
"""Files in weights/ that can predict, the one that starts first before the others."""
EXIT_NOT_ALL_READ = 1
VIDEO_PACKAGES = ("av", "jinja2", "matplotlib", "trackers")
"""What reads and writes videos, and tracks the faces in them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_predict, argv)


def _predict(argv: Sequence[str] | None) -> int:
    config = parse_config(PredictConfig, PROG, argv)
    if config.engine == "local":
        return _predict_all(config)
    from fer_det.runtime.ray_pool import connect

    with connect(config.address):
        # A node's task has no GPU unless --device asks for one.
        return _predict_all(replace(config, device=config.device.replace("auto", "cpu")))


def _predict_all(config: PredictConfig) -> int:
    from fer_det.engine.run_folder import RUNS
    from fer_det.io.files import claim_folder, make_folder, sweep_temporaries
    from fer_det.predict.outputs import plan_outputs, refuse_to_replace
    from fer_det.predict.pictures import plan_chunks, predict_pictures
    from fer_det.predict.results import counted, describe_ignored, open_results, say
    from fer_det.predict.resume import is_unfinished, make_header, open_progress
    from fer_det.predict.sources import find_sources
    from fer_det.runtime.memory import keep_freed_memory
    from fer_det.runtime.progress import print_line

    keep_freed_memory()
    sources = find_sources(config.sources, lambda: sys.stdin.buffer, config.out)
    cameras = _open_cameras(sources)
    if not (sources.pictures or sources.videos or cameras):
        reasons = [failure.reason for failure in sources.absent] + list(describe_ignored(sources))
        named = ", ".join(map(str, config.sources))
        raise DatasetNotFoundError(
            ", ".join(reasons) or (f"nothing in {named}" if named else "no source"),
            "pictures, videos, folders of them, or a camera's number",
            f"see {PROGRAM.get(PROG)} --help",
        )
    if sources.videos or cameras:
        _demand_video_packages()
    if config.out is not None:
        outputs = plan_outputs(sources, config.out, config.draw)
        refuse_to_replace(outputs, sources, config.overwrite or is_unfinished(config.out))
    predictor, weights = _load_predictor(config)
    window = _open_window(config, bool(cameras), bool(sources.videos))
    folder = make_folder(config.out) if config.out else claim_folder(RUNS, "predict")
    outputs = plan_outputs(sources, folder, config.draw)
    sweep_temporaries(folder)
    chunks = plan_chunks(sources.pictures, outputs, config.batch_size)
    header = make_header(config, weights, predictor.runner.describe(), sources)
    try:
        with (
            open_progress(folder, header, chunks, predictor.found_by, config.overwrite) as progress,
            open_results(outputs.jsonl, outputs.csv, predictor.expressions) as results,
        ):
            try:
                for failure in sources.absent:
                    results.add_failure(failure)
                if sources.pictures:

                    def predict(chunks: Sequence[Chunk]) -> Iterator[PictureDone]:
                        return _predict_chunks(chunks, predictor, weights, config, folder)

                    earlier = sum(map(len, chunks[: progress.done]))
                    if earlier:
                        say([f"going on after {counted(earlier, 'picture')} of an earlier run"])
                    done = progress.work(chunks, predict)
                    predict_pictures(done, len(sources.pictures), earlier, results)
                if sources.videos or cameras:
                    _predict_videos(
                        sources.videos, cameras, predictor, config, outputs, results, window
                    )
            finally:
                for line in results.describe_failures():
                    print_line(line, sys.stderr)
    except KeyboardInterrupt:
        several = f"the same command with --out {folder} continues"
        lost = "the tables and unfinished files were deleted"
        print_line(f"interrupted: {several if header['files'] > 1 else lost}", sys.stderr)
        return EXIT_INTERRUPTED
    finally:
        if window is not None:
            window.close()
    say(describe_ignored(sources))
    if config.faces == "auto" and len(+predictor.found_by) > 1:
        counts = ", ".join(f"{name} {count:,}" for name, count in predictor.found_by.items())
        say([f"pictures by who found the faces: {counts}"])
    say([f"written: {folder}"])
    return EXIT_NOT_ALL_READ if results.failures else EXIT_OK


def _demand_video_packages() -> None:
    """Raise ConfigError where a small installation lacks what only videos need."""
    absent = [name for name in VIDEO_PACKAGES if find_spec(name) is None]
    if absent:
        raise ConfigError(
            f"videos without the package{'s' * (len(absent) > 1)} {', '.join(absent)}",
            "all that requirements-predict.txt names for videos",
            f"pip install {' '.join(absent)}, or name only pictures",
        )


def _predict_chunks(
    chunks: Sequence[Chunk],
    predictor: Predictor,
    weights: Path,
    config: PredictConfig,
    folder: Path,
) -> Iterator[PictureDone]:
    """Do the work of all chunks in order, here or on the cluster."""
    from fer_det.predict.pictures import predict_chunk

    if config.engine == "local":
        for chunk in chunks:
            yield from predict_chunk(chunk, predictor, config)
        return
    from fer_det.predict.on_cluster import PredictorPlan, predict_on_cluster

    on_gpu, precision = config.device.startswith("cuda"), predictor.runner.precision
    plan = PredictorPlan(weights.absolute(), on_gpu, precision, config)
    yield from predict_on_cluster(chunks, plan, folder, predictor.found_by)


def _predict_videos(
    files: list[SourceFile],
    cameras: list[Camera],
    predictor: Predictor,
    config: PredictConfig,
    outputs: Outputs,
    results: Results,
    window: Window | None,
) -> None:
    from fer_det.predict.video.annotate import predict_videos
    from fer_det.predict.video.tables import open_track_tables

    with open_track_tables(outputs.folder, predictor.expressions) as tables:
        of_frames = predictor.for_videos()
        predict_videos(files, cameras, of_frames, config, outputs, results, tables, window)


def _load_predictor(config: PredictConfig) -> tuple[Predictor, Path]:
    """The model that --weights names, or the one that comes with fer_det, or the newest run's.

    -> the predictor, and the model's file.
    """
    # Importing torch leaves no garbage, and searching for it would take a second.
    gc.disable()
    try:
        from fer_det.engine.run_folder import find_all_weights
        from fer_det.predict.predictor import Predictor
        from fer_det.predict.results import say

        refused = []
        for path in find_all_weights(
            config.weights or find_shipped_model(config) or Path("best.pth")
        ):
            try:
                predictor = Predictor.from_checkpoint(
                    path, config.device, config.precision, config, config.backend
                )
            except WeightsError as error:
                refused.append(error)
                continue
            say(f"not used: {error.found}" for error in refused)
            say([f"weights: {path}, {predictor.runner.describe()}"])
            say([predictor.describe_search()])
            return predictor, path
        raise refused[0]
    finally:
        gc.enable()


def find_shipped_model(config: PredictConfig) -> Path | None:
    """Return the best model file that comes with fer_det, None where there is none.

    An ONNX file needs onnxruntime, and settings that it can follow.
    """
    from fer_det.io.files import find_shipped

    plain = config.mtcnn == "fast" and config.device in ("auto", "cpu")
    onnx = plain and config.precision in ("auto", "float32") and find_spec("onnxruntime")
    for name in SHIPPED_MODELS:
        is_onnx = name.endswith(".onnx")
        fits = {"auto": onnx or not is_onnx, "torch": not is_onnx}.get(config.backend, is_onnx)
        if fits:
            path = find_shipped(f"weights/{name}")
            if path is not None:
                return path
    return None


def _open_cameras(sources: Sources) -> list[Camera]:
    """Open the cameras that were named; those that cannot be opened become absent sources."""
    if not sources.cameras:
        return []
    from fer_det.predict.video.frames import Camera

    cameras = []
    for index in sources.cameras:
        try:
            cameras.append(Camera(index))
        except VideoError as error:
            sources.add_absent(f"camera {index}", error.found)
    return cameras


def _open_window(config: PredictConfig, cameras: bool, videos: bool) -> Window | None:
    wanted = {"auto": cameras, "always": cameras or videos, "never": False}[config.show]
    if not wanted:
        return None
    from fer_det.predict.video.screen import open_window

    window = open_window("fer_det")
    if window is None and config.show == "always":
        raise ConfigError(
            "--show always without a screen, or with an OpenCV that has no windows",
            "a desktop, and the package opencv-python rather than opencv-python-headless",
            "leave the flag out",
        )
    return window


if __name__ == "__main__":
    sys.exit(main())

"""tools/predict.py: a checkpoint and pictures or videos in, their faces told, drawn and listed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fer_det.config.command import parse_config
from fer_det.config.predict import PredictConfig
from fer_det.errors import ConfigError, DatasetNotFoundError, VideoError
from fer_det.io.files import make_folder, sweep_temporaries, write_bytes
from fer_det.runtime.command import EXIT_INTERRUPTED, EXIT_OK, run_command
from fer_det.runtime.progress import track

if TYPE_CHECKING:
    from fer_det.predict.outputs import Outputs
    from fer_det.predict.predictor import Predictor
    from fer_det.predict.sources import Sources
    from fer_det.predict.tables import Tables
    from fer_det.predict.tally import Tally
    from fer_det.predict.video.frames import FrameSource
    from fer_det.predict.video.window import Window

PROG = "predict.py"
EXIT_NOT_ALL_READ = 1

FEW = 20
"""Up to so many pictures each has its own line; of more, the tables tell."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; -> exit code."""
    return run_command(_predict, argv)


def _predict(argv: Sequence[str] | None) -> int:
    config = parse_config(PredictConfig, PROG, argv)
    from fer_det.engine.run_folder import find_weights, next_run_folder
    from fer_det.predict.outputs import plan_outputs, refuse_to_replace
    from fer_det.predict.predictor import Predictor
    from fer_det.predict.sources import find_sources
    from fer_det.predict.tables import open_tables
    from fer_det.predict.tally import Tally, describe_passed_over, printable
    from fer_det.runtime.device import keep_freed_memory

    keep_freed_memory()
    sources = find_sources(config.sources, lambda: sys.stdin.buffer, config.out)
    _demand_something(sources)
    outputs = plan_outputs(sources, config.out or next_run_folder("predict"), config.draw)
    refuse_to_replace(outputs, sources, config.overwrite)
    weights = find_weights(config.weights)
    predictor = Predictor.from_checkpoint(weights, config.device, config.precision)
    _say([f"weights: {weights}, {predictor.hardware.describe()}"])
    window = _open_window(config, sources)
    make_folder(outputs.folder)
    sweep_temporaries(outputs.folder)
    try:
        with open_tables(outputs.jsonl, outputs.csv, predictor.expressions) as tables:
            tally = Tally(failures=list(sources.absent))
            for failure in sources.absent:
                tables.add_failure(failure)
            _look_at_pictures(config, sources, outputs, predictor, tables, tally)
            _watch_videos(config, sources, outputs, predictor, tables, tally, window)
    except KeyboardInterrupt:
        print(
            "interrupted: drawn pictures stay; tables and half-written files are gone",
            file=sys.stderr,
        )
        return EXIT_INTERRUPTED
    finally:
        if window is not None:
            window.close()
    _say(describe_passed_over(sources))
    _say([f"written: {outputs.folder}"])
    for line in tally.describe_failures():
        print(printable(line), file=sys.stderr)
    return EXIT_NOT_ALL_READ if tally.failures else EXIT_OK


def _demand_something(sources: Sources) -> None:
    """Raise DatasetNotFoundError where nothing of what was named is there."""
    from fer_det.predict.tally import describe_passed_over

    if sources.pictures or sources.videos or sources.cameras:
        return
    reasons = [failure.reason for failure in sources.absent]
    reasons += describe_passed_over(sources)
    raise DatasetNotFoundError(
        ", ".join(reasons) or "nothing to look at",
        "pictures, videos, folders of them, or a camera's number",
        f"see {PROG} --help",
    )


def _open_window(config: PredictConfig, sources: Sources) -> Window | None:
    from fer_det.predict.video.window import open_window

    wanted = {
        "auto": bool(sources.cameras),
        "always": bool(sources.cameras or sources.videos),
        "never": False,
    }[config.show]
    window = open_window("fer_det") if wanted else None
    if wanted and window is None and config.show == "always":
        raise ConfigError(
            "--show always without a screen, or with an OpenCV that has no windows",
            "a desktop, and the package opencv-python rather than opencv-python-headless",
            "leave the flag out",
        )
    return window


def _look_at_pictures(
    config: PredictConfig,
    sources: Sources,
    outputs: Outputs,
    predictor: Predictor,
    tables: Tables,
    tally: Tally,
) -> None:
    from fer_det.imaging.decode import encode_jpeg
    from fer_det.predict.drawing import draw_detections
    from fer_det.predict.predict_files import look_at
    from fer_det.predict.sources import Failure
    from fer_det.predict.tally import describe_picture

    if not sources.pictures:
        return
    paths = [source.path for source in sources.pictures]
    answers = look_at(paths, predictor, config.min_score, config.batch_size)
    few = len(paths) <= FEW
    for each in answers if few else track(answers, len(paths), "looked at", "pictures"):
        tally.add(each)
        if each.pixels is None:
            tables.add_failure(Failure(str(each.path), each.error))
            continue
        drawn = outputs.pictures.get(each.path)
        if drawn is not None:
            make_folder(drawn.parent)
            write_bytes(drawn, encode_jpeg(draw_detections(each.pixels, each.faces)))
        height, width = each.pixels.shape[:2]
        tables.add_picture(str(each.path), drawn, (width, height), each.faces)
        if few:
            _say(describe_picture(each))
    _say(tally.describe_pictures())


def _watch_videos(
    config: PredictConfig,
    sources: Sources,
    outputs: Outputs,
    predictor: Predictor,
    tables: Tables,
    tally: Tally,
    window: Window | None,
) -> None:
    from fer_det.predict.sources import Failure
    from fer_det.predict.tally import describe_video
    from fer_det.predict.video.annotate import film
    from fer_det.predict.video.frames import open_camera, open_video
    from fer_det.predict.video.track_video import watch

    def watch_one(source: FrameSource, drawn: Path | None, timeline: Path | None) -> None:
        # A camera's frame is shown before the next one is taken.
        batch_size = 1 if source.live else config.batch_size
        frames = source.frames(config.seconds)
        watched = watch(frames, predictor, config.min_score, config.smoothing, batch_size)
        seen = film(source, watched, predictor.expressions, tables, drawn, timeline, window)
        _say(describe_video(seen))
        if seen.cut_short and config.seconds is None:
            fail(source.name, seen.cut_short)

    def fail(name: str, reason: str) -> None:
        tally.failures.append(Failure(name, reason))
        tables.add_failure(tally.failures[-1])

    for each in sources.videos:
        try:
            source = open_video(each.path)
            watch_one(source, outputs.videos.get(each.path), outputs.timelines.get(each.path))
        except VideoError as error:
            fail(str(each.path), error.found)
    for index in sources.cameras:
        if config.seconds is None:
            _say([f"camera {index}: Ctrl-C ends it"])
        try:
            source = open_camera(index)
            watch_one(source, outputs.cameras.get(index), outputs.camera_timelines.get(index))
        except VideoError as error:
            fail(f"camera {index}", error.found)


def _say(lines: Iterable[str]) -> None:
    from fer_det.predict.tally import printable

    for line in lines:
        try:
            print(printable(line), flush=True)
        except BrokenPipeError:
            # Whoever reads along has had enough; the files are wanted all the same.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())

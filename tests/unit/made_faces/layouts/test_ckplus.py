from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_data.disk import do_not_wait
from fake_data.spots import draw_spot

from fer_det.core.expression import Expression
from fer_det.errors import DatasetNotFoundError
from fer_det.imaging.decode import decode_rgb8, load_rgb8
from made_faces.layouts.assignment import SequenceAssignment, assign_sequences
from made_faces.layouts.ckplus import FRAME_SIZE, CkplusLayout, FrameTask, encode_png
from made_faces.recipe import sample_frame
from voc_builder.readers import ckplus

SEED, SEQUENCES = 2, 20


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> CkplusLayout:
    layout = CkplusLayout(tmp_path_factory.mktemp("made"), SEED, SEQUENCES, draw_spot)
    with pytest.MonkeyPatch.context() as patch:
        do_not_wait(patch)
        layout.make_folders()
        for task in layout.tasks():
            layout.make(task)
        layout.finish()
    return layout


def labelled() -> list[SequenceAssignment]:
    return [sequence for sequence in assign_sequences(SEED, SEQUENCES) if sequence.labelled]


class TestReader:
    """The reader of the real data set reads the layout unchanged."""

    def test_peaks_and_their_labels(self, layout: CkplusLayout) -> None:
        options = ckplus.Options(frames="last1", neutral=False, contempt="keep")
        samples = list(ckplus.read(layout.root, options))
        assert [(each.group, each.labels[0], each.clip.frame) for each in samples] == [
            (sequence.subject, sequence.expression, sequence.frames) for sequence in labelled()
        ]
        assert all(each.picture.exists() for each in samples)

    def test_first_frame_is_neutral(self, layout: CkplusLayout) -> None:
        samples = [each for each in ckplus.read(layout.root, ckplus.Options()) if not each.left_out]
        count = sum(sequence.expression is not Expression.CONTEMPT for sequence in labelled())
        shown = Counter(each.labels[0] for each in samples)
        assert shown[Expression.NEUTRAL] == count
        assert len(samples) == 4 * count

    def test_every_frame_has_its_intensity(self, layout: CkplusLayout) -> None:
        options = ckplus.Options(frames="all", contempt="keep")
        found: dict[str, list[float]] = {}
        for sample in ckplus.read(layout.root, options):
            own = found.setdefault(sample.clip.id, [])
            own.append(float(sample.attributes["intensity"]))
        assert len(found) == len(labelled())
        for sequence in labelled():
            own = found[f"{sequence.subject}_{sequence.name}"]
            assert (len(own), own[0]) == (sequence.frames, 0)
            assert own == sorted(own)
            assert 0.85 <= own[-1] <= 1.1

    def test_folds_share_no_subject(self, layout: CkplusLayout) -> None:
        samples = list(ckplus.read(layout.root, ckplus.Options(test_fold=0)))
        subjects = {
            split: {each.group for each in samples if each.split == split}
            for split in ("train", "test")
        }
        assert subjects["test"]
        assert not subjects["train"] & subjects["test"]

    def test_unlabelled_sequences_have_an_empty_folder(self, layout: CkplusLayout) -> None:
        folders = [path for path in (layout.root / "Emotion").glob("*/*") if path.is_dir()]
        assert len(folders) == SEQUENCES
        assert sum(not list(path.iterdir()) for path in folders) == 2

    def test_unfinished_folder_is_refused(self, tmp_path: Path) -> None:
        layout = CkplusLayout(tmp_path, SEED, SEQUENCES, draw_spot)
        layout.make_folders()
        layout.make(layout.tasks()[0])
        with pytest.raises(DatasetNotFoundError, match="and neither emotion files"):
            list(ckplus.read(tmp_path, ckplus.Options()))


class TestFiles:
    def test_emotion_is_written_as_in_the_real_ones(self, layout: CkplusLayout) -> None:
        sequence = next(
            sequence for sequence in labelled() if sequence.expression is Expression.DISGUST
        )
        folder = layout.root / "Emotion" / sequence.subject / sequence.name
        (path,) = folder.iterdir()
        assert path.name == f"{sequence.subject}_{sequence.name}_{sequence.frames:08d}_emotion.txt"
        assert path.read_text() == "   3.0000000e+00\n"

    def test_frames_are_numbered_from_1(self, layout: CkplusLayout) -> None:
        sequence = assign_sequences(SEED, SEQUENCES)[0]
        folder = layout.root / "cohn-kanade-images" / sequence.subject / sequence.name
        assert sorted(path.name for path in folder.iterdir()) == [
            f"{sequence.subject}_{sequence.name}_{number:08d}.png"
            for number in range(1, sequence.frames + 1)
        ]

    def test_landmarks_of_every_frame_lie_in_its_pixels(self, layout: CkplusLayout) -> None:
        for task in layout.tasks()[:30]:
            name = f"{task.sequence.subject}_{task.sequence.name}_{task.frame + 1:08d}"
            place = Path(task.sequence.subject) / task.sequence.name
            points = np.loadtxt(layout.root / "Landmarks" / place / f"{name}_landmarks.txt")
            assert points.shape == (68, 2)
            pixels = load_rgb8(layout.root / "cohn-kanade-images" / place / f"{name}.png")
            assert (pixels.shape[1], pixels.shape[0]) == FRAME_SIZE
            drawn = draw_spot(sample_frame(SEED, task.sequence, task.frame))
            size = np.array(decode_rgb8(drawn.jpeg, "drawn").pixels.shape[1::-1])
            assert points == pytest.approx(drawn.landmarks68 / size * FRAME_SIZE, rel=1e-4)

    def test_gray_is_one_channel(self) -> None:
        gray = np.full((4, 6, 3), 70, np.uint8)
        colour = gray.copy()
        colour[1, 2] = (200, 10, 30)
        for pixels, channels in ((gray, 1), (colour, 3)):
            data = encode_png(pixels)
            flags = cv2.IMREAD_UNCHANGED
            stored = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
            assert (1 if stored.ndim == 2 else stored.shape[2]) == channels
            assert (decode_rgb8(data, "png").pixels == pixels).all()


def test_a_task_is_a_frame() -> None:
    layout = CkplusLayout(Path("absent"), SEED, SEQUENCES, draw_spot)
    assigned = assign_sequences(SEED, SEQUENCES)
    assert layout.tasks()[0] == FrameTask(assigned[0], 0)
    assert len(layout.tasks()) == sum(sequence.frames for sequence in assigned)

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
from made_faces.layouts.assignment import SequenceRole, cast_sequences
from made_faces.layouts.ckplus import FRAME_SIZE, CkplusTree, FrameTask, encode_png
from made_faces.recipe import draw_frame
from voc_builder.readers import ckplus

SEED, SEQUENCES = 2, 20


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> CkplusTree:
    tree = CkplusTree(tmp_path_factory.mktemp("made"), SEED, SEQUENCES, draw_spot)
    with pytest.MonkeyPatch.context() as patch:
        do_not_wait(patch)
        tree.prepare()
        for task in tree.tasks():
            tree.make(task)
        tree.finish()
    return tree


def labelled() -> list[SequenceRole]:
    return [role for role in cast_sequences(SEED, SEQUENCES) if role.labelled]


class TestReader:
    """The reader of the real data set reads a made one as it is."""

    def test_peaks_and_their_labels(self, tree: CkplusTree) -> None:
        options = ckplus.Options(frames="last1", neutral=False, contempt="keep")
        samples = list(ckplus.read(tree.root, options))
        assert [(each.group, each.labels[0], each.clip.frame) for each in samples] == [
            (role.subject, role.emotion, role.frames) for role in labelled()
        ]
        assert all(each.picture.exists() for each in samples)

    def test_first_frame_is_neutral(self, tree: CkplusTree) -> None:
        samples = [each for each in ckplus.read(tree.root, ckplus.Options()) if not each.left_out]
        count = sum(role.emotion is not Expression.CONTEMPT for role in labelled())
        shown = Counter(each.labels[0] for each in samples)
        assert shown[Expression.NEUTRAL] == count
        assert len(samples) == 4 * count

    def test_folds_share_nobody(self, tree: CkplusTree) -> None:
        samples = list(ckplus.read(tree.root, ckplus.Options(test_fold=0)))
        people = {
            split: {each.group for each in samples if each.split == split}
            for split in ("train", "test")
        }
        assert people["test"]
        assert not people["train"] & people["test"]

    def test_unlabelled_sequences_have_an_empty_folder(self, tree: CkplusTree) -> None:
        folders = [path for path in (tree.root / "Emotion").glob("*/*") if path.is_dir()]
        assert len(folders) == SEQUENCES
        assert sum(not list(path.iterdir()) for path in folders) == 2

    def test_unfinished_tree_is_refused(self, tmp_path: Path) -> None:
        tree = CkplusTree(tmp_path, SEED, SEQUENCES, draw_spot)
        tree.prepare()
        tree.make(tree.tasks()[0])
        with pytest.raises(DatasetNotFoundError, match="and neither emotion files"):
            list(ckplus.read(tmp_path, ckplus.Options()))


class TestFiles:
    def test_emotion_is_written_as_in_the_real_ones(self, tree: CkplusTree) -> None:
        role = next(role for role in labelled() if role.emotion is Expression.DISGUST)
        folder = tree.root / "Emotion" / role.subject / role.name
        (path,) = folder.iterdir()
        assert path.name == f"{role.subject}_{role.name}_{role.frames:08d}_emotion.txt"
        assert path.read_text() == "   3.0000000e+00\n"

    def test_frames_are_numbered_from_1(self, tree: CkplusTree) -> None:
        role = cast_sequences(SEED, SEQUENCES)[0]
        folder = tree.root / "cohn-kanade-images" / role.subject / role.name
        assert sorted(path.name for path in folder.iterdir()) == [
            f"{role.subject}_{role.name}_{number:08d}.png" for number in range(1, role.frames + 1)
        ]

    def test_landmarks_of_every_frame_lie_in_its_pixels(self, tree: CkplusTree) -> None:
        for task in tree.tasks()[:30]:
            name = f"{task.role.subject}_{task.role.name}_{task.frame + 1:08d}"
            place = Path(task.role.subject) / task.role.name
            points = np.loadtxt(tree.root / "Landmarks" / place / f"{name}_landmarks.txt")
            assert points.shape == (68, 2)
            pixels = load_rgb8(tree.root / "cohn-kanade-images" / place / f"{name}.png")
            assert (pixels.shape[1], pixels.shape[0]) == FRAME_SIZE
            drawn = draw_spot(draw_frame(SEED, task.role, task.frame))
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
    tree = CkplusTree(Path("absent"), SEED, SEQUENCES, draw_spot)
    roles = cast_sequences(SEED, SEQUENCES)
    assert tree.tasks()[0] == FrameTask(roles[0], 0)
    assert len(tree.tasks()) == sum(role.frames for role in roles)

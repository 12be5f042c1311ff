"""A tiny CK+ with the real one's folders and files, or a CK+48 copy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from fake_data.faces import draw

FRAMES = (1, 2, 5, 6, 9)
"""Frame numbers of each sequence, not contiguous as in some of the real ones."""
FOLDERS = ("anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
"""CK+48's, in the order of the codes 1 to 7."""


def write(
    root: Path,
    subjects: int = 14,
    form: Literal["plain", "extended", "crops"] = "plain",
    litter: bool = True,
) -> None:
    """Write the data set below `root`: two labelled sequences for each subject and an unlabelled.

    Subject number k, from 0, shows the codes k % 7 + 1 and (k + 3) % 7 + 1.  form: where the
    folders lie, or CK+48.  litter: what file managers leave behind lies about as well.
    """
    for number in range(subjects):
        subject = subject_name(number)
        for sequence, code in (("001", number % 7 + 1), ("003", (number + 3) % 7 + 1)):
            if form == "crops":
                for frame in FRAMES[-3:]:
                    name = f"{subject}_{sequence}_{frame:08d}.png"
                    draw(root / "CK+48" / FOLDERS[code - 1] / name, (48, 48), [(4, 2, 44, 48)])
            else:
                _write_sequence(root, form, subject, sequence, code)
        if form != "crops":
            _write_sequence(root, form, subject, "002", None)
    if litter and form != "crops":
        folder = emotion_path(root, form, subject_name(0), "001").parent
        for place in (folder, folder.parent, images_folder(root, form)):
            (place / ".DS_Store").write_bytes(b"\0\1")
            (place / "Thumbs.db").write_bytes(b"\0\1")
        (folder / f"._{emotion_path(root, form, subject_name(0), '001').name}").write_bytes(b"\0")


def subject_name(number: int) -> str:
    """The real numbers have gaps as well."""
    return f"S{10 + 3 * number:03d}"


def images_folder(root: Path, form: str = "plain") -> Path:
    above = root / "extended-cohn-kanade-images" if form == "extended" else root
    return above / "cohn-kanade-images"


def frame_path(root: Path, subject: str, sequence: str, frame: int, form: str = "plain") -> Path:
    name = f"{subject}_{sequence}_{frame:08d}.png"
    return images_folder(root, form) / subject / sequence / name


def emotion_path(root: Path, form: str, subject: str, sequence: str) -> Path:
    above = root / "Emotion_labels" / "Emotion" if form == "extended" else root / "Emotion"
    name = f"{subject}_{sequence}_{FRAMES[-1]:08d}_emotion.txt"
    return above / subject / sequence / name


def _write_sequence(root: Path, form: str, subject: str, sequence: str, code: int | None) -> None:
    for frame in FRAMES:
        path = frame_path(root, subject, sequence, frame, form)
        draw(path, (80, 60), [(25, 8, 55, 50)])
    label = emotion_path(root, form, subject, sequence)
    label.parent.mkdir(parents=True, exist_ok=True)
    if code is not None:
        label.write_text(f"   {code:.7e}\n", encoding="ascii")

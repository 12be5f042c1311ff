"""Which data set a folder looks like by its files' names, for the message of a wrong folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

_PICTURE = r"\.(jpe?g|png|bmp|tiff?)"
SIGNS: tuple[tuple[str, str, str], ...] = (
    ("ckplus", "CK+", rf"s\d+_\d+_\d{{8}}({_PICTURE}|_emotion\.txt)"),
    ("jaffe", "JAFFE", rf"[a-z]{{2}}\.(an|di|fe|ha|ne|sa|su)\d+\.\d+{_PICTURE}"),
    ("kdef", "KDEF", rf"[ab][fm]\d\d(af|an|di|ha|ne|sa|su)(fl|fr|hl|hr|s){_PICTURE}"),
    ("rafd", "RaFD", rf"rafd\d+_\d+_.+{_PICTURE}"),
    ("bu3dfe", "BU-3DFE", rf"[fm]\d{{4}}_[a-z]{{2}}0\d[a-z]{{2}}_f2d{_PICTURE}"),
    ("multipie", "Multi-PIE", rf"\d{{3}}_\d\d_\d\d_\d{{3}}_\d\d{_PICTURE}"),
    ("oulu_casia", "Oulu-CASIA", rf"(.*/)?(strong|weak|dark)/p\d+/[^/]+/\d+{_PICTURE}"),
    ("mmi", "MMI", r"(.*/)?\d+/s\d+-\d+\.(avi|mp4|xml)"),
    ("afew", "AFEW", r"(.*/)?(train|val|test)_afew/.*"),
    ("sfew", "SFEW", rf"(.*/)?[^/]+_\d{{9}}_\d{{8}}{_PICTURE}"),
    ("dfew", "DFEW", r"(.*/)?(train|test)\(single-labell?ed\)/set_\d\.csv"),
    ("ferv39k", "FERV39k", r"(.*/)?((train|test)_all\.csv|2_clipsforfacecrop/.*)"),
    ("mafw", "MAFW", r"(.*/)?single/no_caption/set_\d/(train|test)\.txt"),
    ("affectnet", "AffectNet", r"(.*/)?(manually_annotated_[^/]+/.*|\d+_exp\.npy)"),
    ("emotionet", "EmotioNet", rf"(.*/)?n_\d{{10}}(_\d+)?{_PICTURE}"),
    ("expw", "ExpW", r"(.*/)?label\.lst"),
    ("tfd", "TFD", r"(.*/)?tfd_\d+x\d+\.mat"),
    ("ferplus", "FERPlus", r"(.*/)?(fer2013new\.csv|fer2013(train|valid|test)/.*)"),
    ("fer2013", "FER2013", r"(.*/)?(fer2013\.csv|icml_face_data\.csv|(private|public)test_\d+.*)"),
    ("rafdb_compound", "RAF-DB compound", r"(.*/)?compound/(.*/)?list_par?tition_label\.txt"),
    (
        "rafdb",
        "RAF-DB",
        rf"(.*/)?(list_par?tition_label\.txt|(train|test)_\d{{4,5}}(_aligned)?{_PICTURE})",
    ),
    ("lfw_fer", "LFW-FER", rf"(.*/)?(positive|negative)[^/]*/(.*/)?[^/]+_\d{{4}}[^/]*{_PICTURE}"),
    (
        "voc",
        "VOC, COCO or YOLO folder of another tool",
        r"(.*/)?(annotations/[^/]+\.xml|_annotations\.coco\.json|instances_[^/]+\.json)",
    ),
)
"""(flag, title, pattern of a path or a name in lower case); the first that matches is meant."""


def looks_like(paths: Iterable[PurePosixPath], title: str) -> str | None:
    """ "this looks like CK+, use --ckplus", where paths are another data set's; else None.

    title: of the data set that was asked for.
    """
    names = {text for path in paths for text in (path.as_posix().lower(), path.name.lower())}
    for flag, other, pattern in SIGNS:
        compiled = re.compile(pattern)
        if any(map(compiled.fullmatch, names)):
            return None if other == title else f"this looks like {other}, use --{flag}"
    return None

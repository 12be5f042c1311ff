"""Install the lowest versions that pyproject.toml allows into a folder, to be put on PYTHONPATH.

    python .ci/oldest.py build/oldest

PyTorch stays the installed one: its lowest version is several GB. The packages' own dependencies
stay the installed ones as well.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

NOT_PINNED = ("torch", "torchvision")


def main(folder: Path) -> int:
    """Install them unless they are there; -> pip's exit code."""
    project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = project["dependencies"] + extras["weights"] + extras["onnx"]
    pins = [re.sub(r"\[\w+\]|>=", lambda found: "==" * (found[0] == ">="), line) for line in lines]
    pins = [pin for pin in pins if pin.partition("==")[0] not in NOT_PINNED]
    stamp = folder / "installed.txt"
    if stamp.is_file() and stamp.read_text(encoding="utf-8").split() == pins:
        return 0
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-deps"]
    code = subprocess.call([*pip, "--upgrade", "--target", str(folder), *pins])
    if code == 0:
        stamp.write_text("\n".join(pins), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

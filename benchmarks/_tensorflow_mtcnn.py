"""The package mtcnn in an environment that has TensorFlow; benchmarks/mtcnn.py speaks with it.

A line in, the path of a picture; a line out, JSON: CPU seconds and the boxes found, x, y, w, h.
Needs nothing of the project.
"""

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
# The benchmark beside this file has the package's name.
sys.path.pop(0)

import numpy as np
import tensorflow as tf
from mtcnn import MTCNN
from PIL import Image

# One thread, as the other side: threads that wait in a loop would count as work.
tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
detector = MTCNN()
print(json.dumps({"versions": f"tensorflow {tf.__version__}"}), flush=True)
for line in sys.stdin:
    with Image.open(line.strip()) as image:
        pixels = np.asarray(image.convert("RGB"))
    began = time.process_time()
    faces = detector.detect_faces(pixels)
    seconds = time.process_time() - began
    print(json.dumps({"seconds": seconds, "boxes": [f["box"] for f in faces]}), flush=True)

"""Trained models as files for other programs, and the core that runs them without PyTorch.

contract    what an exported file says of itself, in its metadata
decoding    boxes and probabilities from a network's answers, in numpy
sessions    what runs a file: onnxruntime, OpenVINO or LiteRT
onnx_model  an ONNX or LiteRT file -> faces, without torch
graphs      a model as the function that is traced
exporter    what every exporter does
onnx_file   a model file -> an ONNX file
litert_file  a model file -> a LiteRT file
number_types  float16 and INT8
parity      an exported file against the model that it was made from
mtcnn       MTCNN's three networks as ONNX files
onnx_mtcnn  the face detector that they are, without torch
web_page    the folder with the page of web/ and all that it needs
"""

"""Trained models as files for other programs, and the core that runs them without PyTorch.

contract    what an exported file says of itself, in its metadata
decoding    boxes and probabilities from a network's answers, in numpy
sessions    what runs a file: onnxruntime or OpenVINO
onnx_model  an ONNX file -> faces, without torch
graphs      a model as the function that is traced
onnx_file   a model file -> an ONNX file
number_types  float16 and INT8
parity      an exported file against the model that it was made from
mtcnn       MTCNN's three networks as ONNX files
onnx_mtcnn  the face detector that they are, without torch
web_page    the folder with the page of web/ and all that it needs
"""

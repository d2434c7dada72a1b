"""Second arrow of the sentence: ONNX networks to faces and parameters, without torch."""

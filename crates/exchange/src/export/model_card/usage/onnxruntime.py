import numpy as np
import onnxruntime
from PIL import ImageIMAGE_OPS
from transformers import AutoImageProcessor, AutoTokenizer

session = onnxruntime.InferenceSession("MODEL_DIR/onnx/model.onnx")
tokenizer = AutoTokenizer.from_pretrained("MODEL_DIR")
processor = AutoImageProcessor.from_pretrained("MODEL_DIR", backend="pil")

texts = TEXTS
tokens = tokenizer(texts, padding=PADDING, truncation=True, return_tensors="np")
image = Image.open("image.jpg").convert("RGB")SQUARED
pixels = processor(images=imageRESIZED, return_tensors="np")
wanted = {entry.name for entry in session.get_inputs()}
inputs = {name: value for name, value in {**tokens, **pixels}.items() if name in wanted}
(logits,) = session.run(["logits_per_image"], inputs)
RESULT

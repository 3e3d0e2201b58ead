import torch
from PIL import ImageIMAGE_OPS
from transformers import AutoImageProcessor, AutoTokenizer, CLASS

model = CLASS.from_pretrained("MODEL_DIR").eval()
tokenizer = AutoTokenizer.from_pretrained("MODEL_DIR")
processor = AutoImageProcessor.from_pretrained("MODEL_DIR", backend="pil")

texts = TEXTS
tokens = tokenizer(texts, padding=PADDING, truncation=True, return_tensors="pt")
image = Image.open("image.jpg").convert("RGB")SQUARED
pixels = processor(images=imageRESIZED, return_tensors="pt")
with torch.no_grad():
    logits = model(input_ids=tokens.input_ids, pixel_values=pixels.pixel_values).logits_per_image
RESULT

import torch
from PIL import Image
from transformers import AutoImageProcessor, AutoTokenizer, CLASS

model = CLASS.from_pretrained("MODEL_DIR").eval()
tokenizer = AutoTokenizer.from_pretrained("MODEL_DIR")
processor = AutoImageProcessor.from_pretrained("MODEL_DIR", backend="pil")

texts = TEXTS
tokens = tokenizer(texts, padding=PADDING, truncation=True, return_tensors="pt")
pixels = processor(images=Image.open("image.jpg").convert("RGB"), return_tensors="pt")
with torch.no_grad():
    logits = model(input_ids=tokens.input_ids, pixel_values=pixels.pixel_values).logits_per_image
RESULT

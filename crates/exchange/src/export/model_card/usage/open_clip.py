import open_clip
import torch
from PIL import Image

model, _, preprocess = open_clip.create_model_and_transforms("local-dir:OPEN_CLIP_FOLDER")
tokenizer = open_clip.get_tokenizer("local-dir:OPEN_CLIP_FOLDER")
model.eval()

texts = TEXTS
with torch.no_grad():
    of_image = model.encode_image(preprocess(Image.open("image.jpg")).unsqueeze(0), normalize=True)
    of_texts = model.encode_text(tokenizer(texts), normalize=True)
    logits = model.logit_scale.exp() * of_image @ of_texts.TBIAS
RESULT

import { AutoProcessor, AutoTokenizer, CLASS, env, load_imageSOFTMAX } from '@huggingface/transformers';

env.allowRemoteModels = false; // nothing is looked for on the Hub
const folder = './MODEL_DIR'; // with the dot; the graphs read their weights from the file beside them
const model = await CLASS.from_pretrained(folder, { dtype: 'fp32' });
const tokenizer = await AutoTokenizer.from_pretrained(folder);
const processor = await AutoProcessor.from_pretrained(folder);
processor.image_processor.resample = 1; // or images are resized without antialiasing

const texts = TEXTS;
const tokens = tokenizer(texts, { padding: PADDING, truncation: true });
const pixels = await processor(await load_image('image.jpg'));
const { logits_per_image: logits } = await model({ ...tokens, ...pixels });
RESULT

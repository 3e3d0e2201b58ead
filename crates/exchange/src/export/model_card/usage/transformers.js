import { AutoProcessor, AutoTokenizer, CLASS, load_imageSOFTMAX } from '@huggingface/transformers';

const folder = '/path/to/NAME'; // on this machine: the graphs read their weights from the file beside them
const model = await CLASS.from_pretrained(folder, { dtype: 'fp32' });
const tokenizer = await AutoTokenizer.from_pretrained(folder);
const processor = await AutoProcessor.from_pretrained(folder);

const texts = TEXTS;
const tokens = tokenizer(texts, { padding: PADDING, truncation: true });
const pixels = await processor(await load_image('image.jpg'));
const { logits_per_image: logits } = await model({ ...tokens, ...pixels });
RESULT

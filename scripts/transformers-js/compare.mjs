// Compares what transformers.js embeds with the folder of a run, as it is, with what `cliptune embed` does.
//   node compare.mjs BINARIES RUN...     called by scripts/check-transformers-js
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import {
  AutoProcessor, AutoTokenizer, CLIPModel, CLIPTextModelWithProjection, CLIPVisionModelWithProjection,
  SiglipModel, SiglipTextModel, SiglipVisionModel, env, load_image,
} from '@huggingface/transformers';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import sharp from 'sharp';

env.allowRemoteModels = false;
env.useFSCache = false;

/** What transformers.js has for each family. SigLIP's text tower sees padding, too: its rows are always full. */
const FAMILIES = {
  clip: {
    text: CLIPTextModelWithProjection, vision: CLIPVisionModelWithProjection, both: CLIPModel, padding: true,
  },
  siglip: { text: SiglipTextModel, vision: SiglipVisionModel, both: SiglipModel, padding: 'max_length' },
};
/** The values of `dtype`, with the ends that the names of their files have. */
const PRECISIONS = { fp32: '', fp16: '_fp16', int8: '_int8' };
/** What 1 - cosine may reach. docs/onnx.md says what was measured, and why `resized` has no bound. */
const BOUNDS = {
  fp32: { texts: 1e-9, exact: 1e-9, antialiased: 0.01, resized: Infinity },
  fp16: { texts: 1e-5, exact: 1e-5, antialiased: 0.01, resized: Infinity },
  int8: { texts: 0.005, exact: 0.005, antialiased: 0.02, resized: Infinity },
};
const TEXTS = 200;
const IMAGES = 48;
const BATCH = 8;
/** Pillow's name for Lanczos, the one filter that transformers.js applies with antialiasing. */
const LANCZOS = 1;
/** Capitals, accents, apostrophes, digits and characters that a small vocabulary lacks. */
const ODD_TEXTS = ["It's LATE, isn't it?", 'Größe: naïve café №12 — 100 %', '日本語 and emoji 🦆🪑', 'a_b "c" (d) e/f #7'];

const [binaries, ...runs] = process.argv.slice(2);
const scratch = mkdtempSync(join(tmpdir(), 'transformers-js-'));
const faults = [];
try {
  for (const run of runs) faults.push(...(await compareRun(await openRun(resolve(run)))));
} finally {
  rmSync(scratch, { recursive: true });
}
faults.forEach((fault) => console.error(`error: ${fault}`));
process.exitCode = faults.length > 0 ? 1 : 0;

/** Opens what all precisions of a run share. */
async function openRun(folder) {
  const model = join(folder, 'model');
  const config = JSON.parse(readFileSync(join(model, 'config.json'), 'utf8'));
  const record = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
  const antialiasing = await AutoProcessor.from_pretrained(model);
  antialiasing.image_processor.resample = LANCZOS;
  return {
    folder, model, record, antialiasing,
    name: `${record.experiment}/${record.run}`,
    store: resolve(folder, '../..'),
    size: config.vision_config.image_size,
    family: FAMILIES[config.model_type] ?? fail(`${config.model_type} is no family that is known here`),
    tokenizer: await AutoTokenizer.from_pretrained(model),
    processor: await AutoProcessor.from_pretrained(model),
  };
}

/** Prints the comparison of all precisions of a run, and returns what is beyond its bound. */
async function compareRun(run) {
  const samples = [...textSamples(run), ...(await imageSamples(run))];
  console.log(`${run.name} in transformers.js ${env.version}`);
  console.log(line('', '', 'number', '1 - cosine', 'largest difference', 'bound'));
  const faults = [];
  for (const [precision, end] of Object.entries(PRECISIONS)) {
    if (!existsSync(join(run.folder, 'onnx', `text_model${end}.onnx`))) continue;
    for (const result of await comparePrecision(run, precision, samples)) {
      faults.push(...report(run, precision, result));
    }
  }
  return faults;
}

/** Returns the dataset's first texts, some odd ones, and those that the context is too short for. */
function textSamples({ store, record, tokenizer }) {
  const texts = `SELECT unnest(texts) AS text FROM items WHERE dataset = '${record.dataset}'`;
  const found = query(store, `SELECT DISTINCT text FROM (${texts}) ORDER BY text LIMIT ${TEXTS}`);
  const lines = found.map(({ text }) => text.replace(/\s+/g, ' ').trim());
  const limit = tokenizer.model_max_length;
  const fits = (text) => tokenizer.encode(text).length <= limit;
  const all = unique(lines).filter(Boolean);
  const long = all.filter((text) => !fits(text)).concat(Array(limit).fill(ODD_TEXTS[0]).join(' '));
  const sample = (what, list) => ({ what, list, column: 'text', bound: 'texts' });
  return [sample('texts', all.filter(fits)), sample('odd texts', ODD_TEXTS.filter(fits)), sample('long texts', long)]
    .filter(({ list }) => list.length > 0);
}

/** Returns the dataset's first images, and what becomes of them when neither side has to resize them. */
async function imageSamples({ name, store, record, size, processor, antialiasing }) {
  const images = `SELECT DISTINCT folder, image FROM items WHERE dataset = '${record.dataset}'`;
  const found = query(store, `${images} ORDER BY folder, image LIMIT ${IMAGES}`);
  const folders = record.plan.data.images.map((place) => resolve(store, place));
  const files = found.map(({ folder, image }) => join(folders[folder], image)).filter(existsSync);
  if (files.length === 0) fail(`the images of ${name} are no files on this machine`);
  const sample = (what, list, bound, by) => ({ what, list, column: 'path', bound, processor: by });
  const exact = sample('images of the exact size', await exactImages(files, size), 'exact', processor);
  const { cliptune_image_fit: fit, cliptune_pipeline: pipeline } = processor.image_processor.config;
  // transformers.js has no centred padding. The graph refuses what it makes of an image that is not square.
  if (fit === 'pad') return [exact];
  // Like transformers, it may crop a pixel beside torchvision.
  const crops = pipeline === undefined ? 'antialiased' : 'resized';
  return [
    exact,
    sample('images, resample = 1', files, crops, antialiasing),
    sample('images', files, 'resized', processor),
  ];
}

/** Makes PNGs of the size that the model sees. */
async function exactImages(files, size) {
  const folder = mkdtempSync(join(scratch, 'exact-'));
  const make = async (file, at) => {
    const image = join(folder, `${at}.png`);
    await sharp(file).resize(size, size).flatten().toColourspace('srgb').png().toFile(image);
    return image;
  };
  return Promise.all(files.map(make));
}

/** Compares the towers in a precision, and in fp32 the whole model as well. */
async function comparePrecision(run, precision, samples) {
  const options = { subfolder: '../onnx', dtype: precision };
  const text = await run.family.text.from_pretrained(run.model, options);
  const vision = await run.family.vision.from_pretrained(run.model, options);
  const embedders = {
    text: async (batch) => (await text({ input_ids: tokens(run, batch).input_ids })).text_embeds,
    path: async (batch, processor) => (await vision(await pixels(processor, batch))).image_embeds,
  };
  const results = [];
  for (const sample of samples) {
    const theirs = [];
    for (let at = 0; at < sample.list.length; at += BATCH) {
      const batch = sample.list.slice(at, at + BATCH);
      theirs.push(...(await embedders[sample.column](batch, sample.processor)).tolist());
    }
    results.push({ ...sample, ...differences(await embed(run, precision, sample), theirs) });
  }
  return precision === 'fp32' ? results.concat(await compareWhole(run, samples)) : results;
}

/** Compares the embeddings that `model.onnx` gives. */
async function compareWhole(run, samples) {
  const whole = await run.family.both.from_pretrained(run.model, { subfolder: '../onnx', dtype: 'fp32' });
  const few = (wanted) => {
    const sample = samples.find(({ column }) => column === wanted);
    return { ...sample, what: `${sample.what}, model.onnx`, list: sample.list.slice(0, BATCH) };
  };
  const [texts, images] = [few('text'), few('path')];
  const output = await whole({ ...tokens(run, texts.list), ...(await pixels(run.processor, images.list)) });
  return [
    { ...texts, ...differences(await embed(run, 'fp32', texts), output.text_embeds.tolist()) },
    { ...images, ...differences(await embed(run, 'fp32', images), output.image_embeds.tolist()) },
  ];
}

/** Makes tokens of texts. transformers.js cuts the end token off a long text; it has to be put back. */
function tokens({ tokenizer, family }, texts) {
  const inputs = tokenizer(texts, { padding: family.padding, truncation: true });
  const { data, dims: [rows, width] } = inputs.input_ids;
  const [end, padding] = [BigInt(tokenizer.eos_token_id), BigInt(tokenizer.pad_token_id)];
  for (let row = 0; width === tokenizer.model_max_length && row < rows; row++) {
    const last = (row + 1) * width - 1;
    if (data[last] !== padding) data[last] = end;
  }
  return inputs;
}

/** Makes pixels of image files. */
async function pixels(processor, files) {
  const { pixel_values } = await processor(await Promise.all(files.map((file) => load_image(file))));
  return { pixel_values };
}

/** Returns cliptune's embeddings of a sample, in its order. */
async function embed(run, precision, { list, column }) {
  const folder = mkdtempSync(join(scratch, 'embed-'));
  const [lines, to] = [join(folder, 'texts.txt'), join(folder, 'embeddings.parquet')];
  if (column === 'text') writeFileSync(lines, list.join('\n'));
  const inputs = column === 'text' ? [lines] : list;
  cliptune('embed', '--quiet', '--store', run.store, '--precision', precision, '--to', to, run.folder, ...inputs);
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(to) });
  const found = new Map(rows.map((row) => [row[column], row.embedding]));
  return list.map((input) => found.get(input) ?? fail(`cliptune has no embedding of ${input}`));
}

/** Compares our unit vectors with theirs, which have any length. 1 - cosine is half the square of the distance. */
function differences(ours, theirs) {
  let [cosine, difference] = [0, 0];
  ours.forEach((row, at) => {
    const length = Math.hypot(...theirs[at]);
    const apart = theirs[at].map((value, dimension) => value / length - row[dimension]);
    cosine = Math.max(cosine, apart.reduce((sum, value) => sum + value * value, 0) / 2);
    difference = Math.max(difference, ...apart.map(Math.abs));
  });
  return { cosine, difference };
}

/** Prints a result, and returns the fault where 1 - cosine is beyond its bound. */
function report(run, precision, { what, list, bound, cosine, difference }) {
  const most = BOUNDS[precision][bound];
  const limit = most === Infinity ? '' : most.toExponential(0);
  console.log(line(precision, what, list.length, cosine.toExponential(1), difference.toExponential(1), limit));
  const isWithin = cosine <= most; // which NaN is not
  return isWithin ? [] : [`${run.name}: ${precision}, ${what}: 1 - cosine is ${cosine}, more than ${most}`];
}

function line(precision, what, number, cosine, difference, bound) {
  const numbers = [String(number).padStart(6), cosine.padStart(10), difference.padStart(18), bound.padStart(7)];
  return `  ${precision.padEnd(4)}  ${what.padEnd(36)}  ${numbers.join('  ')}`;
}

function query(store, sql) {
  return JSON.parse(cliptune('query', '--quiet', '--store', store, '--json', sql));
}

function cliptune(...args) {
  return execFileSync(join(binaries, 'cliptune'), args, { encoding: 'utf8', maxBuffer: 1 << 28 });
}

function unique(list) {
  return [...new Set(list)];
}

function fail(message) {
  throw new Error(message);
}

#!/usr/bin/env python3
"""Writes the token ids, by family, that the tests of `cliptune-clip` compare with, and the small vocabularies for them.

    pip install transformers==5.23.0 tokenizers==0.23.3 sentencepiece==0.2.3 protobuf ftfy==6.3.1 regex
    pip install --no-deps open_clip_torch==3.3.0
    python scripts/references/families.py        # writes crates/clip/tests/references/text

open_clip's own vocabulary comes with its package; SigLIP's and SigLIP 2's are too large to commit, so small ones of the
same kind are trained here. open_clip needs torch only to pack ids into a tensor, so `open_clip/tokenizer.py` is loaded
alone, with an empty module in torch's place.
"""

import html
import importlib.util
import io
import json
import shutil
import sys
import types
import unicodedata
from importlib.metadata import version
from pathlib import Path

import ftfy
import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import CLIPTokenizer, GemmaTokenizer, Siglip2Tokenizer, SiglipTokenizer, T5Tokenizer

from texts import TEXTS, random_texts

FOLDER = Path(__file__).resolve().parents[2] / "crates/clip/tests/references/text"
CORPUS = [
    "a photo of a cat sitting on the mat while the weather is nothing but rain",
    "the doctor can not see the patient now and we will have the café special naïve waiter",
    "i said no he said twice with quoted dashes and underscores bold html amp quot",
    "漫画家は猫が好き 고양이 قطة تجلس schön grüß straße 12345 67890 2024 <>&#;/",
    "waiting sitting weather nothing seeing saying having being other than the dog and the cat",
    "two coffees three croissants and a waiter in the street where they have been standing since morning",
    "an old photograph of a steam train crossing a bridge over the river in winter",
    "children playing football on a beach with a red kite above the sea and white clouds",
    "close up of fresh vegetables on a wooden table next to a knife and a glass of water",
    "a man in a blue jacket riding his bicycle through the city at night under street lights",
    "the president speaks to reporters outside the building before the meeting with the minister",
] * 20


def open_clip_tokenizer():
    """The module `open_clip.tokenizer`, without the rest of open_clip and without torch."""
    torch = types.ModuleType("torch")
    torch.Tensor = torch.LongTensor = object
    sys.modules.setdefault("torch", torch)
    folder = Path(importlib.util.find_spec("open_clip").submodule_search_locations[0])
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer", folder / "tokenizer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


OPEN_CLIP = open_clip_tokenizer()


def write(name, reference, rows, padding, context):
    """One JSON file: where the ids come from, and a line for every text."""
    versions = {package: version(package) for package in reference["packages"]}
    head = {"reference": reference["call"], "versions": versions, "context_length": context, "padding": padding}
    lines = ",\n".join(json.dumps({"text": text, "ids": ids}) for text, ids in rows)
    (FOLDER / name).write_text(json.dumps(head)[:-1] + ',\n"texts": [\n' + lines + "\n]}\n")



# --- open_clip over its own vocabulary ---------------------------------------------------------------------------


def simple_ids(tokenizer, text):
    """`SimpleTokenizer.__call__` without the tensor."""
    ids = [tokenizer.sot_token_id] + tokenizer.encode(text) + [tokenizer.eot_token_id]
    if len(ids) > tokenizer.context_length:
        ids = ids[: tokenizer.context_length]
        ids[-1] = tokenizer.eot_token_id
    return ids


def open_clip_config(target, text_cfg):
    target.mkdir(exist_ok=True)
    (target / "open_clip_config.json").write_text(json.dumps({"model_cfg": {"text_cfg": text_cfg}}) + "\n")


def clip_over_open_clip(texts):
    for clean in ("lower", "whitespace", "canonicalize"):
        tokenizer = OPEN_CLIP.SimpleTokenizer(clean=clean)
        rows = [(text, simple_ids(tokenizer, text)) for text in texts]
        call = {"call": f"open_clip SimpleTokenizer(clean={clean!r})", "packages": ["open_clip_torch", "ftfy", "regex"]}
        write(f"open_clip.{clean}.json", call, rows, 0, 77)
        open_clip_config(FOLDER / f"open_clip.{clean}", {"context_length": 77, "tokenizer_kwargs": {"clean": clean}})
    open_clip_config(FOLDER / "open_clip.lower", {"context_length": 77, "vocab_size": 49408})


# --- CLIP in transformers ----------------------------------------------------------------------------------------


def clip_padded_with_a_mark(texts):
    """As the text encoders of Stable Diffusion 2 have it: padded with `!`, which transformers then takes out of texts."""
    folder = FOLDER / "clip.padded"
    folder.mkdir(exist_ok=True)
    for name in ("vocab.json", "merges.txt"):
        shutil.copy(FOLDER.parent / "tokenizer" / name, folder)
    config = {"tokenizer_class": "CLIPTokenizer", "pad_token": "!", "model_max_length": 77}
    (folder / "tokenizer_config.json").write_text(json.dumps(config) + "\n")
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    rows = [(text, framed(tokenizer, text, 77)) for text in texts]
    call = {"call": "transformers CLIPTokenizer, pad_token '!'", "packages": ["transformers", "tokenizers"]}
    write("clip.padded.json", call, rows, tokenizer.pad_token_id, 77)


# --- SigLIP ------------------------------------------------------------------------------------------------------


def charsmap_rules():
    """A small character map with every kind of rule: to a space, to nothing, from several characters, to several."""
    singles = [*range(0xC0, 0x180), *range(0xFF01, 0xFF5F), *range(0x2460, 0x2470), 0xFB01, 0xFB02, 0x2122, 0xB2, 0xBD]
    rules = {}
    for code in singles:
        for form in ("NFKC", "NFD"):
            source = unicodedata.normalize("NFD", chr(code)) if form == "NFD" else chr(code)
            target = unicodedata.normalize("NFKC", chr(code))
            if source != target:
                rules[source] = target
    rules["\u1112\u1161"] = "\ud558"
    rules["\u1112\u1161\u11ab"] = "\ud55c"
    for code in (0x200B, 0x00AD, 0x2028, 0x3000):
        rules[chr(code)] = " "
    for code in (*range(1, 9), 0xB, *range(0xE, 0x20), 0x7F, 0xFEFF):
        rules[chr(code)] = ""
    codes = lambda text: " ".join(f"{ord(c):X}" for c in text)
    return "".join(f"{codes(source)}\t{codes(target)}\n" for source, target in sorted(rules.items()))


def train_siglip(folder):
    """A unigram model with the options of SigLIP's (T5's): pad 0, end 1, unknown 2, no start."""
    folder.mkdir(exist_ok=True)
    rules = folder / "rules.tsv"
    rules.write_text(charsmap_rules())
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_writer=model, vocab_size=300, model_type="unigram",
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, normalization_rule_tsv=str(rules), hard_vocab_limit=False,
        minloglevel=2,
    )  # fmt: skip
    rules.unlink()
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    proto.normalizer_spec.ClearField("normalization_rule_tsv")
    (folder / "spiece.model").write_bytes(proto.SerializeToString())
    return proto


def framed(tokenizer, text, context=64):
    """The ids in their frame; with padding they are the same and the padding."""
    ids = tokenizer(text, truncation=True, max_length=context)["input_ids"]
    full = tokenizer(text, truncation=True, max_length=context, padding="max_length", padding_side="right")["input_ids"]
    assert full == ids + [tokenizer.pad_token_id] * (context - len(ids)), text
    return ids


def siglip(texts):
    folder = FOLDER / "siglip"
    proto = train_siglip(folder)
    tokenizer = SiglipTokenizer(str(folder / "spiece.model"))
    tokenizer.save_pretrained(folder)
    tokenizer = SiglipTokenizer.from_pretrained(folder)
    rows = [(text, framed(tokenizer, text)) for text in texts]
    call = {"call": "transformers SiglipTokenizer", "packages": ["transformers", "sentencepiece"]}
    write("siglip.json", call, rows, tokenizer.pad_token_id, 64)
    return proto


def open_clip_over_hf(tokenizer, clean, text):
    """`open_clip.HFTokenizer.__call__` without the tensor."""
    return framed(tokenizer, OPEN_CLIP.get_clean_fn(clean)(text))


def siglip_over_open_clip(texts, proto):
    """As the timm/*-SigLIP folders have it: a T5 tokenizer padded with its end."""
    folder = FOLDER / "open_clip.siglip"
    folder.mkdir(exist_ok=True)
    tokenizer = T5Tokenizer(
        vocab=[(piece.piece, piece.score) for piece in proto.pieces], extra_ids=0, pad_token="</s>",
        _spm_precompiled_charsmap=proto.normalizer_spec.precompiled_charsmap, model_max_length=64,
    )  # fmt: skip
    tokenizer.save_pretrained(folder)
    tokenizer = T5Tokenizer.from_pretrained(folder)
    rows = [(text, open_clip_over_hf(tokenizer, "canonicalize", text)) for text in texts]
    packages = ["open_clip_torch", "transformers", "tokenizers", "ftfy"]
    call = {"call": "open_clip HFTokenizer(clean='canonicalize') over transformers T5Tokenizer", "packages": packages}
    write("open_clip.siglip.json", call, rows, tokenizer.pad_token_id, 64)
    open_clip_config(folder, {"context_length": 64, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP",
                              "tokenizer_kwargs": {"clean": "canonicalize"}, "no_causal_mask": True,
                              "pool_type": "last"})  # fmt: skip


# --- SigLIP 2 ----------------------------------------------------------------------------------------------------


def train_gemma():
    """A BPE over marked text that falls back on bytes, numbered as Gemma's: pad, end, start, unknown, mask, bytes."""
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    fallback = [f"<0x{byte:02X}>" for byte in range(256)]
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=600, special_tokens=specials + fallback))
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(merge) for merge in model["merges"]]


def siglip2(texts):
    vocabulary, merges = train_gemma()
    folder = FOLDER / "siglip2"
    options = dict(add_bos_token=False, add_eos_token=True, padding_side="right", model_max_length=64)
    Siglip2Tokenizer(vocab=vocabulary, merges=merges, **options).save_pretrained(folder)
    tokenizer = Siglip2Tokenizer.from_pretrained(folder)
    rows = [(text, framed(tokenizer, text)) for text in texts]
    call = {"call": "transformers Siglip2Tokenizer", "packages": ["transformers", "tokenizers"]}
    write("siglip2.json", call, rows, tokenizer.pad_token_id, 64)
    return vocabulary, merges, options


def siglip2_over_open_clip(texts, vocabulary, merges, options):
    folder = FOLDER / "open_clip.siglip2"
    GemmaTokenizer(vocab=vocabulary, merges=merges, **options).save_pretrained(folder)
    tokenizer = GemmaTokenizer.from_pretrained(folder)
    rows = [(text, open_clip_over_hf(tokenizer, "canonicalize", text)) for text in texts]
    packages = ["open_clip_torch", "transformers", "tokenizers", "ftfy"]
    call = {"call": "open_clip HFTokenizer(clean='canonicalize') over transformers GemmaTokenizer", "packages": packages}
    write("open_clip.siglip2.json", call, rows, tokenizer.pad_token_id, 64)
    open_clip_config(folder, {"context_length": 64, "hf_tokenizer_name": "timm/ViT-B-16-SigLIP2",
                              "tokenizer_kwargs": {"clean": "canonicalize"}, "no_causal_mask": True,
                              "pool_type": "last"})  # fmt: skip


# --- cleaning ----------------------------------------------------------------------------------------------------


def cleaned(texts):
    """ftfy and html alone, where a token could hide a difference."""
    lines = [json.dumps({"text": text, "ftfy": ftfy.fix_text(text), "html": html.unescape(text)}) for text in texts]
    versions = {"ftfy": version("ftfy"), "python": sys.version.split()[0]}
    (FOLDER / "cleaned.json").write_text(
        json.dumps({"versions": versions})[:-1] + ',\n"texts": [\n' + ",\n".join(lines) + "\n]}\n"
    )


def mojibake(text):
    """Whether ftfy repairs an encoding in the text, which cliptune does not."""
    return ftfy.fix_text(text) != ftfy.fix_text(text, fix_encoding=False)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = TEXTS + random_texts(100, seed=1)
    trusted = [text for text in texts if not mojibake(text)]
    clip_over_open_clip(trusted)
    clip_padded_with_a_mark(texts)
    proto = siglip(texts)
    siglip_over_open_clip(trusted, proto)
    siglip2_over_open_clip(trusted, *siglip2(texts))
    cleaned(trusted + [text for text in random_texts(300, seed=2) if not mojibake(text)])


if __name__ == "__main__":
    main()

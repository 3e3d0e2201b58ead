#!/usr/bin/env python3
"""Writes the tiny towers that the tests of `cliptune-score` run, and what they must give.

    pip install onnx==1.23.2 numpy==2.4.6
    python scripts/references/tiny_onnx.py      # writes crates/score/tests/references

The files have the inputs, outputs and metadata of an export, and formulas small enough to compute by hand:

    text_model.onnx     text_embeds[t, d] = sum over tokens i of sin(ids[t, i] * FREQUENCIES[d]), without the end token
                        (the highest id of the text) and all that follows with the same id
    vision_model.onnx   image_embeds[i] = mean over pixels of pixel_values[i] @ COLOURS; says no logit_scale
    model.onnx          both, normalised, with logits; attention_mask is applied to the tokens
    expected.json       inputs, and numpy's outputs for them in float64
"""

import json
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

FOLDER = Path(__file__).parents[2] / "crates/score/tests/references"
FREQUENCIES = np.array([0.01, 0.02, 0.05, 0.11], np.float32)
COLOURS = np.array([[1.0, 0.2, -0.3, 0.5], [-0.4, 1.0, 0.1, 0.3], [0.3, -0.2, 1.0, -0.6]], np.float32)
LOGIT_SCALE = 10.0

node = helper.make_node


def text_nodes(masked):
    nodes = [
        node("ReduceMax", ["input_ids", "one"], ["end"], keepdims=1),
        node("Equal", ["input_ids", "end"], ["is_end"]),
        node("Not", ["is_end"], ["is_token"]),
        node("Cast", ["is_token"], ["kept_all" if masked else "kept"], to=TensorProto.FLOAT),
        node("Cast", ["input_ids"], ["ids"], to=TensorProto.FLOAT),
        node("Unsqueeze", ["ids", "two"], ["ids_column"]),
        node("Mul", ["ids_column", "frequencies"], ["angles"]),
        node("Sin", ["angles"], ["sines"]),
        node("Unsqueeze", ["kept", "two"], ["kept_column"]),
        node("Mul", ["sines", "kept_column"], ["terms"]),
        node("ReduceSum", ["terms", "one"], ["text_raw"], keepdims=0),
    ]
    if masked:
        nodes.insert(4, node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT))
        nodes.insert(5, node("Mul", ["kept_all", "mask"], ["kept"]))
    return nodes


def vision_nodes():
    return [
        node("ReduceMean", ["pixel_values", "sides"], ["colour"], keepdims=0),
        node("MatMul", ["colour", "colours"], ["image_raw"]),
    ]


def normalise(raw, out):
    return [node("ReduceL2", [raw, "one"], [f"{raw}_norm"], keepdims=1), node("Div", [raw, f"{raw}_norm"], [out])]


CONSTANTS = {
    "one": np.array([1], np.int64),
    "two": np.array([2], np.int64),
    "sides": np.array([2, 3], np.int64),
    "frequencies": FREQUENCIES,
    "colours": COLOURS,
    "scale": np.array(LOGIT_SCALE, np.float32),
}
PORTS = {
    "input_ids": (TensorProto.INT64, ["texts", "tokens"]),
    "attention_mask": (TensorProto.INT64, ["texts", "tokens"]),
    "pixel_values": (TensorProto.FLOAT, ["images", 3, "height", "width"]),
    "text_embeds": (TensorProto.FLOAT, ["texts", 4]),
    "image_embeds": (TensorProto.FLOAT, ["images", 4]),
    "logits_per_image": (TensorProto.FLOAT, ["images", "texts"]),
    "logits_per_text": (TensorProto.FLOAT, ["texts", "images"]),
}


def write(file, nodes, inputs, outputs, metadata):
    used = {name for one in nodes for name in one.input}
    constants = [numpy_helper.from_array(value, name) for name, value in CONSTANTS.items() if name in used]
    port = lambda name: helper.make_tensor_value_info(name, *PORTS[name])
    graph = helper.make_graph(nodes, file, [port(n) for n in inputs], [port(n) for n in outputs], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, metadata)
    save(model, FOLDER / f"{file}.onnx")


def write_models():
    scale = {"logit_scale": f"{LOGIT_SCALE:g}"}
    rename = lambda raw, out: [node("Identity", [raw], [out])]
    write("text_model", text_nodes(False) + rename("text_raw", "text_embeds"), ["input_ids"], ["text_embeds"], scale)
    write("vision_model", vision_nodes() + rename("image_raw", "image_embeds"), ["pixel_values"], ["image_embeds"], {})
    combined = text_nodes(True) + vision_nodes()
    combined += normalise("text_raw", "text_embeds") + normalise("image_raw", "image_embeds")
    combined += [
        node("Transpose", ["text_embeds"], ["text_columns"], perm=[1, 0]),
        node("MatMul", ["image_embeds", "text_columns"], ["cosines"]),
        node("Mul", ["cosines", "scale"], ["logits_per_image"]),
        node("Transpose", ["logits_per_image"], ["logits_per_text"], perm=[1, 0]),
    ]
    outputs = ["logits_per_image", "logits_per_text", "text_embeds", "image_embeds"]
    write("model", combined, ["input_ids", "pixel_values", "attention_mask"], outputs, scale)


def write_expected():
    ids = np.array([[500, 7, 90, 501, 501], [500, 33, 4, 260, 501]])
    pixels = (np.arange(2 * 3 * 2 * 2).reshape(2, 3, 2, 2) * 5 % 13 - 6) / 4
    sines = np.sin(ids[:, :, None] * FREQUENCIES.astype(np.float64))
    text = (sines * (ids != 501)[:, :, None]).sum(1)
    image = pixels.mean((2, 3)) @ COLOURS.astype(np.float64)
    unit = lambda rows: rows / np.linalg.norm(rows, axis=1, keepdims=True)
    expected = {
        "input_ids": ids.ravel(),
        "pixel_values": pixels.ravel(),
        "text_embeds": text.ravel(),
        "image_embeds": image.ravel(),
        "logits_per_image": (LOGIT_SCALE * unit(image) @ unit(text).T).ravel(),
    }
    lists = {name: values.tolist() for name, values in expected.items()}
    (FOLDER / "expected.json").write_text(json.dumps(lists, indent=1) + "\n")


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    write_models()
    write_expected()

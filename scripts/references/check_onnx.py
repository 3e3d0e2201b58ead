#!/usr/bin/env python3
"""Runs ONNX's official checker over an exported folder and compares names, types and axes with Optimum's.

check_onnx.py FOLDER      needs the `onnx` package; scripts/check-onnx calls this.
"""

import sys
from pathlib import Path

import onnx

TEXT, IMAGE, TOKENS = "text_batch_size", "image_batch_size", "sequence_length"
IMAGE_AXES = ["num_channels", "height", "width"]
EMBEDDING = int  # a static size

# As optimum.exporters.onnx.model_configs.CLIPOnnxConfig has them, and as the published text_model.onnx and
# vision_model.onnx (CLIPTextModelWithProjection, CLIPVisionModelWithProjection) do.
EXPECTED = {
    "text_model.onnx": (
        [("input_ids", "INT64", ["batch_size", TOKENS])],
        [("text_embeds", "FLOAT", ["batch_size", EMBEDDING])],
    ),
    "vision_model.onnx": (
        [("pixel_values", "FLOAT", ["batch_size", *IMAGE_AXES])],
        [("image_embeds", "FLOAT", ["batch_size", EMBEDDING])],
    ),
    "model.onnx": (
        [
            ("input_ids", "INT64", [TEXT, TOKENS]),
            ("pixel_values", "FLOAT", [IMAGE, *IMAGE_AXES]),
            ("attention_mask", "INT64", [TEXT, TOKENS]),
        ],
        [
            ("logits_per_image", "FLOAT", [IMAGE, TEXT]),
            ("logits_per_text", "FLOAT", [TEXT, IMAGE]),
            ("text_embeds", "FLOAT", [TEXT, EMBEDDING]),
            ("image_embeds", "FLOAT", [IMAGE, EMBEDDING]),
        ],
    ),
}
# Made from the graphs above, with the same ports: `text_model_int8.onnx`.
REDUCED = ["fp16", "int8"]
METADATA = [
    *["family", "text_activation", "vision_activation", "eos_rule", "context_length", "image_size", "preprocessing"],
    *["sha256:model.safetensors", "logit_scale", "cliptune", "flavour"],
]


def described(values) -> list[tuple]:
    def axis(dim):
        return dim.dim_param or int

    def kind(tensor):
        return onnx.TensorProto.DataType.Name(tensor.elem_type)

    tensors = [(value.name, value.type.tensor_type) for value in values]
    return [(name, kind(tensor), [axis(dim) for dim in tensor.shape.dim]) for name, tensor in tensors]


def graphs(folder: Path) -> list[tuple[str, str]]:
    """The files to look at, each with the name of the graph whose ports it has."""
    whole = [(name, name) for name in EXPECTED]
    reduced = [(name.replace(".onnx", f"_{kind}.onnx"), name) for name in EXPECTED for kind in REDUCED]
    return whole + [(name, original) for name, original in reduced if (folder / name).exists()]


def problems(path: Path, original: str) -> list[str]:
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path)
    inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    inputs, outputs = EXPECTED[original]
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    if metadata.get("family") == "siglip":  # SiglipOnnxConfig: no mask
        inputs = [given for given in inputs if given[0] != "attention_mask"]
    found = []
    for what, expected, actual in [
        ("inputs", inputs, described(inferred.graph.input)),
        ("outputs", outputs, described(inferred.graph.output)),
        ("operator sets", [""], [opset.domain for opset in model.opset_import]),
    ]:
        if actual != expected:
            found.append(f"{path.name}: {what} are {actual}, expected {expected}")
    found += [f"{path.name}: no metadata {key}" for key in METADATA if key not in metadata]
    typed = {value.name for value in [*inferred.graph.value_info, *inferred.graph.output]}
    made = [name for node in model.graph.node for name in node.output]
    found += [f"{path.name}: no shape can be inferred for {name}" for name in made if name not in typed]
    return found


def main(folder: Path) -> int:
    files = graphs(folder)
    found = [problem for name, original in files for problem in problems(folder / name, original)]
    for problem in found:
        print(f"error: {problem}", file=sys.stderr)
    if not found:
        print(f"onnx {onnx.__version__}: {', '.join(name for name, _ in files)} are valid")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))

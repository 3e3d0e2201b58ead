#!/usr/bin/env python3
"""Writes the reference images that the tests of `cliptune-clip` compare with.

    pip install pillow==12.2.0 transformers==5.23.0
    python scripts/references/images.py         # writes crates/clip/tests/references/images

Made with exactly these (libjpeg-turbo 3.1.4.1, numpy 2.4.6). Pillow before 13: since 13 some resizings that shrink
the height more than the width go vertically first, which differs by a few levels (Pillow pull request 9549).

    SOURCE.png|jpg|webp             an input
    SOURCE.FILTER.SIZE.png          transformers' convert_to_rgb, then Pillow's resize((SIZE, SIZE), FILTER)
    SOURCE.crop.SIZE.f32            CLIPImageProcessor(size=SIZE, crop_size=SIZE), little-endian, 3 x SIZE x SIZE
    SOURCE.decoded.png              Pillow: convert("RGB"), for JPEG
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from transformers.image_transforms import convert_to_rgb
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

OUT = Path(__file__).resolve().parents[2] / "crates/clip/tests/references/images"
SIZES = (12, 33)
CROP = 12
BILINEAR = ("gray", "rgb", "column")
CROPPED = ("gray", "rgb", "rgba", "palette", "column")


def drawing(width, height, channels, seed):
    """Smooth shades with hard black and white edges, so that bicubic overshoots, and a little noise."""
    rng = np.random.default_rng(seed)
    y, x, c = np.mgrid[0:height, 0:width, 0:channels]
    shades = 128 + 90 * np.sin(0.21 * x + c) * np.cos(0.17 * y - c)
    edges = ((x // 5 + y // 7 + c) % 3 == 0) * 255
    mixed = np.where((x + 2 * y) % 11 < 4, edges, shades + rng.integers(-9, 10, shades.shape))
    return np.clip(mixed, 0, 255).astype(np.uint8)


def sources():
    gray = Image.fromarray(drawing(37, 23, 1, 0)[..., 0])
    colour = Image.fromarray(drawing(31, 45, 3, 1))
    yield "gray", gray
    yield "rgb", colour
    yield "rgba", Image.fromarray(drawing(29, 17, 4, 2), "RGBA")
    yield "gray-alpha", Image.fromarray(drawing(19, 27, 2, 3), "LA")
    yield "palette", Image.fromarray(drawing(33, 21, 3, 4)).quantize(16)
    transparent = Image.fromarray(drawing(21, 33, 3, 5)).quantize(8)
    transparent.info["transparency"] = 2
    yield "palette-transparent", transparent
    yield "bilevel", gray.convert("1")
    yield "column", Image.fromarray(drawing(1, 13, 3, 6))
    yield "row", Image.fromarray(drawing(50, 1, 1, 7)[..., 0])
    yield "dot", Image.fromarray(drawing(1, 1, 3, 8))


def png(image):
    """PNG bytes; what is gray in RGB is stored as gray."""
    if image.mode == "RGB" and np.ptp(np.array(image), axis=2).max() == 0:
        image = image.getchannel(0)
    data = io.BytesIO()
    image.save(data, "PNG", optimize=True)
    return data.getvalue()


def write(name, data):
    (OUT / name).write_bytes(data)


def write_references(name, data):
    """What Pillow and transformers make of the encoded image `data`."""
    image = Image.open(io.BytesIO(data))
    rgb = Image.fromarray(convert_to_rgb(image, return_numpy=True))
    for size in SIZES:
        write(f"{name}.bicubic.{size}.png", png(rgb.resize((size, size), Image.BICUBIC)))
        if name in BILINEAR:
            write(f"{name}.bilinear.{size}.png", png(rgb.resize((size, size), Image.BILINEAR)))
    if name in CROPPED:
        processor = CLIPImageProcessorPil(size={"shortest_edge": CROP}, crop_size={"height": CROP, "width": CROP})
        values = processor(image, return_tensors="np")["pixel_values"][0]
        write(f"{name}.crop.{CROP}.f32", values.astype("<f4").tobytes())


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    for name, image in sources():
        data = png(image)
        write(f"{name}.png", data)
        write_references(name, data)

    lossless = io.BytesIO()
    Image.fromarray(drawing(31, 45, 3, 1)).save(lossless, "WEBP", lossless=True, exact=True)
    write("rgb-lossless.webp", lossless.getvalue())

    for name, channels, options in [
        ("jpeg-rgb", 3, {"subsampling": "4:2:0"}),
        ("jpeg-rgb-444", 3, {"subsampling": "4:4:4"}),
        ("jpeg-gray", 1, {}),
        ("jpeg-progressive", 3, {"progressive": True}),
    ]:
        smooth = Image.fromarray(drawing(70, 50, channels, 9).squeeze()).resize((45, 33), Image.BILINEAR)
        data = io.BytesIO()
        smooth.save(data, "JPEG", quality=85, **options)
        write(f"{name}.jpg", data.getvalue())
        write(f"{name}.decoded.png", png(Image.open(io.BytesIO(data.getvalue())).convert("RGB")))


if __name__ == "__main__":
    main()

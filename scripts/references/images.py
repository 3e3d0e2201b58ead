#!/usr/bin/env python3
"""Writes the reference images that the tests of `cliptune-clip` compare with.

    pip install pillow==12.2.0 transformers==5.23.0 imagehash==4.3.2
    python scripts/references/images.py         # writes crates/clip/tests/references/images

Made with exactly these (libjpeg-turbo 3.1.4.1, libwebp 1.6.0, numpy 2.4.6). Pillow before 13: since 13 some resizings
that shrink the height more than the width go vertically first, which differs by a few levels (pull request 9549).

    SOURCE.png|jpg|webp             an input
    SOURCE.FILTER.SIZE.png          transformers' convert_to_rgb, then Pillow's resize((SIZE, SIZE), FILTER)
    SOURCE.crop.SIZE.f32            CLIPImageProcessorPil(size=SIZE, crop_size=SIZE), little-endian, 3 x SIZE x SIZE
    SOURCE.open_clip.FIT.png        open_clip's transforms up to RGB, to 12 pixels, with FIT for its resize_mode
    SOURCE.open_clip.f32            the same to the end, with resize_mode "shortest"
    SOURCE.decoded.png              Pillow: convert("RGB"), for JPEG and lossy WebP

    hashes.expected.txt             the name of each input and ImageHash's phash of it

The BMP, GIF and TIFF files and the animations come from `containers.py`; for these, SOURCE.bicubic.12.png and
SOURCE.open_clip.shortest.png are written.
"""

import io
import struct
import zlib
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image, ImageOps
from transformers.image_transforms import convert_to_rgb
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from containers import containers

OUT = Path(__file__).resolve().parents[2] / "crates/clip/tests/references/images"
SIZES = (12, 33)
CROP = 12
FILL = 60
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


def deep(width, height, channels, seed, levels):
    """The same in 16 bits, of `levels` levels."""
    fine = np.random.default_rng(seed).random((height, width, channels))
    return ((drawing(width, height, channels, seed) + fine) / 256 * (levels - 1)).astype(np.uint16)


def saved(image, **options):
    data = io.BytesIO()
    image.save(data, "PNG", optimize=True, **options)
    return data.getvalue()


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def raw_png(rows, size, depth, colour, extra=b"", interlaced=False):
    """A PNG of what Pillow cannot write, from the bytes of its rows."""
    header = struct.pack(">IIBBBBB", *size, depth, colour, 0, 0, interlaced)
    pixels = chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(row) for row in rows)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + pixels + chunk(b"IEND", b"")


def deep_png(samples, colour, extra=b""):
    return raw_png((row.astype(">u2").tobytes() for row in samples), samples.shape[1::-1], 16, colour, extra)


def interlaced_png(samples):
    """Adam7 of 8-bit RGB."""
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = [row.tobytes() for x, y, dx, dy in passes for row in samples[y::dy, x::dx] if row.size]
    return raw_png(rows, samples.shape[1::-1], 8, 2, interlaced=True)


def sources():
    """Names and PNG files."""
    gray = Image.fromarray(drawing(37, 23, 1, 0)[..., 0])
    colour = Image.fromarray(drawing(31, 45, 3, 1))
    yield "gray", saved(gray)
    yield "rgb", saved(colour)
    yield "rgba", saved(Image.fromarray(drawing(29, 17, 4, 2), "RGBA"))
    yield "gray-alpha", saved(Image.fromarray(drawing(19, 27, 2, 3), "LA"))
    yield "palette", saved(Image.fromarray(drawing(33, 21, 3, 4)).quantize(16))
    transparent = Image.fromarray(drawing(21, 33, 3, 5)).quantize(8)
    yield "palette-transparent", saved(transparent, transparency=2)
    yield "palette-alpha", saved(transparent, transparency=bytes([0, 40, 90, 128, 180, 230, 255]))
    yield "bilevel", saved(gray.convert("1"))
    yield "bilevel-key", saved(gray.convert("1"), transparency=0)
    yield "gray-key", saved(Image.fromarray(drawing(23, 29, 1, 10)[..., 0]), transparency=255)
    yield "rgb-key", saved(Image.fromarray(drawing(27, 35, 3, 11) // 86 * 85), transparency=(0, 170, 85))
    yield "column", saved(Image.fromarray(drawing(1, 13, 3, 6)))
    yield "row", saved(Image.fromarray(drawing(50, 1, 1, 7)[..., 0]))
    yield "dot", saved(Image.fromarray(drawing(1, 1, 3, 8)))
    four = drawing(26, 18, 1, 12)[..., 0] // 16
    yield "gray-4-bits", raw_png(four[:, ::2] << 4 | four[:, 1::2], (26, 18), 4, 0)
    yield "gray-4-bits-key", raw_png(four[:, ::2] << 4 | four[:, 1::2], (26, 18), 4, 0, chunk(b"tRNS", b"\0\x0f"))
    yield "palette-short", raw_png(four, (26, 18), 8, 3, chunk(b"PLTE", bytes(range(30, 60))))
    yield "interlaced", interlaced_png(drawing(19, 22, 3, 13))
    yield "deep-gray", deep_png(deep(24, 31, 1, 14, 600), 0)
    yield "deep-gray-bright", deep_png(deep(24, 31, 1, 15, 65536), 0)
    yield "deep-gray-alpha", deep_png(deep(20, 25, 2, 16, 65536), 4)
    yield "deep-rgb", deep_png(deep(25, 20, 3, 17, 65536), 2)
    yield "deep-rgb-key", deep_png(deep(25, 20, 3, 17, 65536) & 0xC0FF, 2, chunk(b"tRNS", bytes([9, 0, 9, 64, 9, 128])))
    yield "deep-rgba", deep_png(deep(22, 28, 4, 18, 65536), 6)


def png(image):
    """PNG bytes of the pixels alone; what is gray in RGB is stored as gray."""
    image = Image.fromarray(np.asarray(image))
    if image.mode == "RGB" and np.ptp(np.array(image), axis=2).max() == 0:
        image = image.getchannel(0)
    return saved(image)


def write(name, data):
    (OUT / name).write_bytes(data)


def opened(data):
    return Image.open(io.BytesIO(data))


def write_transformers(name, data):
    rgb = Image.fromarray(convert_to_rgb(opened(data), return_numpy=True))
    for size in SIZES:
        write(f"{name}.bicubic.{size}.png", png(rgb.resize((size, size), Image.BICUBIC)))
        if name in BILINEAR:
            write(f"{name}.bilinear.{size}.png", png(rgb.resize((size, size), Image.BILINEAR)))
    if name in CROPPED:
        processor = CLIPImageProcessorPil(size={"shortest_edge": CROP}, crop_size={"height": CROP, "width": CROP})
        values = processor(opened(data), return_tensors="np")["pixel_values"][0]
        write(f"{name}.crop.{CROP}.f32", values.astype("<f4").tobytes())


def centred(excess):
    return int(round(excess / 2.0))


def shortest(image, size):
    """torchvision 0.29 `Resize(size)`, `CenterCrop(size)`, on PIL images."""
    width, height = image.size
    short, long = min(width, height), max(width, height)
    new_long = int(size * long / short)
    width, height = (size, new_long) if width <= height else (new_long, size)
    image = image.resize((width, height), Image.BICUBIC)
    left, top = centred(width - size), centred(height - size)
    return image.crop((left, top, left + size, top + size))


def longest(image, size):
    """open_clip 3.3 `ResizeKeepRatio(size, longest=1)`, `CenterCropOrPad(size, fill=FILL)`."""
    ratio = max(image.size) / size
    width, height = (max(1, round(side / ratio)) for side in image.size)
    image = image.resize((width, height), Image.BICUBIC)
    left, top = (size - width) // 2, (size - height) // 2
    border = (left, top, size - width - left, size - height - top)
    fill = FILL if len(image.getbands()) == 1 else (FILL,) * len(image.getbands())
    if image.mode != "P":
        return ImageOps.expand(image, border, fill)
    # torchvision's pad: expand, then the palette again.
    palette = image.getpalette()
    image = ImageOps.expand(image, border, fill)
    image.putpalette(palette)
    return image


def squash(image, size):
    return image.resize((size, size), Image.BICUBIC)


def write_open_clip(name, data):
    for fit in (shortest, longest, squash):
        write(f"{name}.open_clip.{fit.__name__}.png", png(fit(opened(data), CROP).convert("RGB")))
    # torchvision's ToTensor and Normalize, in single precision.
    values = np.asarray(shortest(opened(data), CROP).convert("RGB")).transpose(2, 0, 1).astype(np.float32)
    mean, std = (np.array(side, np.float32)[:, None, None] for side in (OPENAI_CLIP_MEAN, OPENAI_CLIP_STD))
    write(f"{name}.open_clip.f32", ((values / np.float32(255) - mean) / std).astype("<f4").tobytes())


def without_adobe_marker(data):
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + struct.unpack(">H", data[at + 2 : at + 4])[0] :]


def as_ycck(data):
    """Says that the four components of a CMYK JPEG are YCCK."""
    at = data.index(b"Adobe") + 11
    return data[:at] + b"\2" + data[at + 1 :]


def resampled(data, factors):
    """Says that the first component is sampled by other factors: as many blocks in another order, so another image."""
    at = data.index(b"\xff\xc0") + 11
    return data[:at] + bytes([factors]) + data[at + 1 :]


def jpegs():
    """Names and JPEG files, square and of odd size."""
    gray, colour, four = (
        Image.fromarray(drawing(70, 50, channels, 9).squeeze()).resize((41, 41), Image.BILINEAR) for channels in (1, 3, 4)
    )
    orientation = Image.Exif()
    orientation[0x0112] = 6
    cmyk = Image.frombytes("CMYK", four.size, four.tobytes())
    files = {
        "gray": (gray, {}),
        "gray-progressive": (gray, {"progressive": True}),
        "rgb-444": (colour, {"subsampling": "4:4:4"}),
        "rgb-422": (colour, {"subsampling": "4:2:2"}),
        "rgb-420": (colour, {"subsampling": "4:2:0"}),
        "rgb-restart": (colour, {"subsampling": "4:2:0", "restart_marker_blocks": 2}),
        "rgb-progressive": (colour, {"progressive": True}),
        "rgb-stored": (colour, {"keep_rgb": True}),
        "rgb-rotated": (colour, {"exif": orientation}),
        "cmyk": (cmyk, {}),
    }
    for name, (image, options) in files.items():
        data = io.BytesIO()
        image.save(data, "JPEG", quality=85, **options)
        yield name, data.getvalue()
        if name == "rgb-422":
            yield "rgb-440", resampled(data.getvalue(), 0x12)
        if name == "gray":
            yield "gray-sampled", resampled(data.getvalue(), 0x22)
    yield "cmyk-unmarked", without_adobe_marker(data.getvalue())
    yield "ycck", as_ycck(data.getvalue())


def write_decoded(name, kind, data):
    write(f"{name}.{kind}", data)
    write(f"{name}.decoded.png", png(opened(data).convert("RGB")))


def large_jpegs():
    """JPEGs that are large enough for the hash to be computed from an eighth of their size."""
    image = Image.fromarray(drawing(40, 36, 3, 70)).resize((331, 290), Image.BICUBIC)
    for name, options in [("420", {}), ("progressive", {"progressive": True}), ("stored", {"keep_rgb": True})]:
        data = io.BytesIO()
        image.save(data, "JPEG", quality=20, **options)
        yield f"large-{name}", data.getvalue()


def phash(name, data):
    """The hash of an image in gray, of its mean over squares of 8 x 8 pixels if it is large."""
    image = opened(data)
    width, height = image.size
    if name == "large-420.jpg":
        image.draft("L", (1, 1))
    else:
        image = Image.fromarray(convert_to_rgb(image, return_numpy=True)).convert("L")
        if min(width, height) < 128:
            return imagehash.phash(image)
        image = image.reduce(8)
    # The squares at the right and the bottom may be cut, so that the image ends within them.
    return imagehash.phash(image.resize((32, 32), Image.LANCZOS, box=(0, 0, width / 8, height / 8)))


def write_hashes():
    inputs = sorted(path for path in OUT.iterdir() if path.name.count(".") == 1)
    lines = (f"{path.name} {phash(path.name, path.read_bytes())}\n" for path in inputs)
    write("hashes.expected.txt", "".join(lines).encode())


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        old.unlink()
    for name, data in sources():
        write(f"{name}.png", data)
        write_transformers(name, data)
        write_open_clip(name, data)
    for name, data in jpegs():
        write_decoded(f"jpeg-{name}", "jpg", data)
        if "cmyk" in name:
            write_open_clip(f"jpeg-{name}", data)

    for name, channels, options in [
        ("webp-lossless", 3, {"lossless": True, "exact": True}),
        ("webp-lossless-alpha", 4, {"lossless": True, "exact": True}),
        ("webp-lossy", 3, {"quality": 80}),
    ]:
        data = io.BytesIO()
        Image.fromarray(drawing(45, 45, channels, 1)).save(data, "WEBP", **options)
        write_decoded(name, "webp", data.getvalue())

    for name, kind, data in containers(drawing, deep):
        write(f"{name}.{kind}", data)
        rgb = Image.fromarray(convert_to_rgb(opened(data), return_numpy=True))
        write(f"{name}.bicubic.{CROP}.png", png(rgb.resize((CROP, CROP), Image.BICUBIC)))
        write(f"{name}.open_clip.shortest.png", png(shortest(opened(data), CROP).convert("RGB")))

    for name, data in large_jpegs():
        write(f"{name}.jpg", data)
    write_hashes()


if __name__ == "__main__":
    main()

"""BMP, GIF and TIFF files of every kind that Pillow reads, and animations; many of them Pillow itself cannot write."""

import io
import struct

import numpy as np
from PIL import Image


def saved(image, kind, **options):
    data = io.BytesIO()
    image.save(data, kind, **options)
    return data.getvalue()


def packed(samples, bits):
    """Rows of samples of less than 8 bits as bytes."""
    return [
        bytes(int("".join(f"{value:0{bits}b}" for value in row[at : at + 8 // bits]).ljust(8, "0"), 2)
              for at in range(0, len(row), 8 // bits))
        for row in samples
    ]


# BMP

COLOURS = bytes((37 * at + 91 * part) % 256 for at in range(256) for part in range(3))


def bmp_palette(colours, entry):
    return b"".join(COLOURS[3 * at : 3 * at + 3] + bytes(entry - 3) for at in range(colours))


def bmp(size, bits, pixels, compression=0, palette=b"", colours=0, masks=b"", top_down=False):
    height = -size[1] if top_down else size[1]
    header = struct.pack("<IiiHHIIiiII", 40, size[0], height, 1, bits, compression, len(pixels), 0, 0, colours, 0)
    if len(masks) == 16:
        header = struct.pack("<I", 56) + header[4:]
    offset = 14 + len(header) + len(masks) + len(palette)
    return struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset) + header + masks + palette + pixels


def rows(lines):
    """Rows from the lower one up, each padded to four bytes."""
    return b"".join(bytes(line) + bytes(-len(line) % 4) for line in reversed(list(lines)))


def run_lengths(lines, four_bits):
    """Runs of equal indices, literal ones for what is left of each row, and a jump over the start of the last row."""
    data = b""
    for at, line in enumerate(reversed(list(lines))):
        line = list(line)
        if at == len(lines) - 1:
            data += bytes([0, 2, 3, 0])
            line = line[3:]
        half = len(line) // 2
        for value in line[:half]:
            data += bytes([1, value << 4 | value if four_bits else value])
        rest = line[half:]
        rest = rest[: len(rest) // 4 * 4] if four_bits else rest
        literal = packed([rest], 4)[0] if four_bits else bytes(rest)
        data += bytes([0, len(rest)]) + literal + bytes(len(literal) % 2)
        data += bytes([0, 0])
    return data + bytes([0, 1])


def bmps(drawing):
    size = (21, 17)
    index = drawing(*size, 1, 30)[..., 0]
    colour = drawing(*size, 3, 31)
    four = np.dstack([colour, drawing(*size, 1, 32)[..., 0]])
    bgr = colour[..., ::-1]
    five = colour.astype(np.uint32) >> 3
    words = lambda shift: (five[..., 0] << shift | five[..., 1] << (shift - 5) | five[..., 2]).astype("<u2")
    black_and_white = bytes([0, 0, 0, 0, 255, 255, 255, 0])
    gray = b"".join(bytes([at, at, at, 0]) for at in range(256))
    yield "bilevel", bmp(size, 1, rows(packed(index >> 7, 1)), palette=black_and_white)
    yield "bilevel-coloured", bmp(size, 1, rows(packed(index >> 7, 1)), palette=bmp_palette(2, 4))
    yield "palette-16", bmp(size, 4, rows(packed(index >> 4, 4)), palette=bmp_palette(16, 4))
    yield "palette-10", bmp(size, 8, rows(index >> 4), palette=bmp_palette(10, 4), colours=10)
    yield "palette-256", bmp(size, 8, rows(index), palette=bmp_palette(256, 4))
    yield "gray", bmp(size, 8, rows(index), palette=gray)
    yield "run-lengths-8", bmp(size, 8, run_lengths(index, False), 1, bmp_palette(256, 4))
    yield "run-lengths-4", bmp(size, 4, run_lengths(index >> 4, True), 2, bmp_palette(16, 4))
    yield "rgb-555", bmp(size, 16, rows(row.tobytes() for row in words(10)))
    masks = struct.pack("<III", 0xF800, 0x7E0, 0x1F)
    yield "rgb-565", bmp(size, 16, rows(row.tobytes() for row in words(11) + 0x20), 3, masks=masks)
    yield "rgb", bmp(size, 24, rows(row.tobytes() for row in bgr))
    yield "rgb-top-down", bmp(size, 24, rows(row.tobytes() for row in bgr[::-1]), top_down=True)
    four_bytes = rows(row.tobytes() for row in four[..., [2, 1, 0, 3]])
    yield "rgb-32", bmp(size, 32, four_bytes)
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    yield "rgba", bmp(size, 32, four_bytes, 3, masks=masks)
    pixels = rows(row.tobytes() for row in bgr)
    yield "os2", struct.pack("<2sIHHIIHHHH", b"BM", 26 + len(pixels), 0, 0, 26, 12, *size, 1, 24) + pixels


# GIF


def gifs(drawing):
    colour = Image.fromarray(drawing(23, 19, 3, 40)).quantize(16)
    yield "palette", saved(colour, "GIF", interlace=0)
    yield "interlaced", saved(colour, "GIF", interlace=1)
    yield "transparent", saved(colour, "GIF", transparency=3)
    yield "gray", saved(Image.fromarray(drawing(23, 19, 1, 41)[..., 0]), "GIF")
    yield "gray-transparent", saved(Image.fromarray(drawing(23, 19, 1, 41)[..., 0]), "GIF", transparency=255)
    others = [Image.fromarray(drawing(23, 19, 3, seed)).quantize(8) for seed in (42, 43)]
    yield "animated", saved(colour, "GIF", save_all=True, append_images=others, duration=90, loop=0)
    # The first frame covers a part of the screen.
    for name, transparency in [("part", {}), ("part-transparent", {"transparency": 3})]:
        data = bytearray(saved(Image.fromarray(drawing(23, 19, 3, 44)).quantize(16), "GIF", interlace=0, **transparency))
        data[6:10] = struct.pack("<HH", 31, 29)
        at = data.index(struct.pack("<BHHHH", 0x2C, 0, 0, 23, 19))
        data[at + 1 : at + 5] = struct.pack("<HH", 5, 6)
        yield name, bytes(data)


# TIFF

SIZES = {1: 1, 3: 2, 4: 4}


def tiff(order, tags, chunks, tiles=False):
    """A file of a directory, tag to (type, values), and strips or tiles of bytes."""
    place = 8 + 2 + 12 * (len(tags) + 2) + 4
    data, offsets = b"", []
    for chunk in chunks:
        offsets.append(place + len(data))
        data += chunk + bytes(len(chunk) % 2)
    tags = dict(tags)
    tags[324 if tiles else 273] = (4, offsets)
    tags[325 if tiles else 279] = (4, [len(chunk) for chunk in chunks])
    entries = b""
    for tag, (kind, values) in sorted(tags.items()):
        contents = struct.pack(order + {1: "B", 3: "H", 4: "I"}[kind] * len(values), *values)
        if len(contents) > 4:
            value = struct.pack(order + "I", place + len(data))
            data += contents + bytes(len(contents) % 2)
        else:
            value = contents.ljust(4, b"\0")
        entries += struct.pack(order + "HHI", tag, kind, len(values)) + value
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return start + struct.pack(order + "H", len(tags)) + entries + bytes(4) + data


def raw(order, samples, photometric, depth=8, **more):
    """An uncompressed file in strips of five rows."""
    height, width, channels = samples.shape
    tags = {256: (3, [width]), 257: (3, [height]), 258: (3, [depth] * channels), 262: (3, [photometric])}
    tags |= {277: (3, [channels]), 278: (3, [5])} | more.get("tags", {})
    if depth < 8:
        lines = packed(samples[..., 0], depth)
    else:
        lines = [row.astype(order + f"u{depth // 8}").tobytes() for row in samples]
    return tiff(order, tags, [b"".join(lines[at : at + 5]) for at in range(0, height, 5)])


def tiled(samples, side):
    height, width, channels = samples.shape
    tags = {256: (3, [width]), 257: (3, [height]), 258: (3, [8] * channels), 262: (3, [2]), 277: (3, [channels])}
    tags |= {322: (3, [side]), 323: (3, [side])}
    whole = np.zeros((-(-height // side) * side, -(-width // side) * side, channels), np.uint8)
    whole[:height, :width] = samples
    tiles = [whole[y : y + side, x : x + side].tobytes() for y in range(0, height, side) for x in range(0, width, side)]
    return tiff(">", tags, tiles, tiles=True)


def tiffs(drawing, deep):
    size = (27, 22)
    gray, colour, four = (drawing(*size, channels, 50 + channels) for channels in (1, 3, 4))
    images = {
        "bilevel": Image.fromarray(gray[..., 0]).convert("1"),
        "gray": Image.fromarray(gray[..., 0]),
        "gray-alpha": Image.fromarray(drawing(*size, 2, 52), "LA"),
        "palette": Image.fromarray(colour).quantize(16),
        "rgb": Image.fromarray(colour),
        "rgba": Image.fromarray(four, "RGBA"),
        "cmyk": Image.frombytes("CMYK", size, four.tobytes()),
    }
    for name, compression, info in [
        ("bilevel", "group4", {}), ("bilevel", "group3", {}), ("bilevel", "packbits", {}), ("bilevel", "raw", {}),
        ("gray", "tiff_lzw", {}), ("gray-alpha", "tiff_adobe_deflate", {}), ("palette", "tiff_lzw", {}),
        ("rgb", "raw", {}), ("rgb", "tiff_lzw", {317: 2}), ("rgb", "tiff_adobe_deflate", {}), ("rgb", "packbits", {}),
        ("rgb", "jpeg", {}), ("gray", "jpeg", {}), ("rgba", "tiff_adobe_deflate", {317: 2}), ("cmyk", "tiff_lzw", {}),
    ]:
        short = compression.removeprefix("tiff_").removeprefix("adobe_")
        yield f"{name}-{short}", saved(images[name], "TIFF", compression=compression, tiffinfo=info)
    yield "big", saved(images["rgb"], "TIFF", compression="tiff_lzw", big_tiff=True)
    sixteen = deep(*size, 1, 56, 600)
    yield "deep-gray", raw("<", sixteen, 1, 16)
    yield "deep-gray-big-endian", raw(">", sixteen, 1, 16)
    yield "deep-rgb", raw(">", deep(*size, 3, 57, 65536), 2, 16)
    yield "deep-rgba", raw("<", deep(*size, 4, 58, 65536), 2, 16, tags={338: (3, [2])})
    yield "white-is-zero", raw("<", gray, 0)
    yield "bilevel-white-is-zero", raw("<", gray >> 7, 0, 1)
    yield "gray-4-bits", raw("<", gray >> 4, 1, 4)
    yield "gray-2-bits", raw(">", gray >> 6, 1, 2)
    yield "palette-4-bits", raw("<", gray >> 4, 3, 4, tags={320: (3, [at * 1357 % 65536 for at in range(48)])})
    yield "fill-order", raw("<", gray >> 7, 1, 1, tags={266: (3, [2])})
    yield "associated-alpha", raw("<", four, 2, tags={338: (3, [1])})
    yield "unnamed-fourth", raw("<", four, 2)
    yield "unused-fourth", raw("<", four, 2, tags={338: (3, [0])})
    for orientation in (2, 5, 6, 7, 8):
        yield f"orientation-{orientation}", raw("<", colour, 2, tags={274: (3, [orientation])})
    planes = [colour[..., at].tobytes() for at in range(3)]
    tags = {256: (3, [size[0]]), 257: (3, [size[1]]), 258: (3, [8] * 3), 262: (3, [2]), 277: (3, [3]), 284: (3, [2])}
    yield "planes", tiff("<", tags | {278: (3, [size[1]])}, planes)
    yield "tiles", tiled(colour, 16)


# Animations in other files


def animations(drawing):
    frames = [Image.fromarray(drawing(29, 31, 4, seed), "RGBA") for seed in (60, 61)]
    yield "apng", "png", saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    opaque = [frame.convert("RGB") for frame in frames]
    yield "apng-default", "png", saved(opaque[0], "PNG", save_all=True, append_images=opaque[1:], default_image=True)
    options = {"save_all": True, "lossless": True, "exact": True, "duration": 80}
    yield "webp-animated", "webp", saved(opaque[0], "WEBP", append_images=opaque[1:], **options)
    yield "webp-animated-alpha", "webp", saved(frames[0], "WEBP", append_images=frames[1:], **options)


def containers(drawing, deep):
    """Names, kinds and bytes of files."""
    for kind, files in [("bmp", bmps(drawing)), ("gif", gifs(drawing)), ("tif", tiffs(drawing, deep))]:
        for name, data in files:
            yield f"{kind}-{name}", kind, data
    yield from animations(drawing)

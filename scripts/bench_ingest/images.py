"""Draws JPEG files `NUMBER.jpeg`, each decided by its number alone."""

import io

import numpy as np
from PIL import Image


def _noise(draws, size, octaves):
    """Gray smooth noise: of each octave a grid of so many columns, mixed into the one before with that weight."""
    mixed = None
    for columns, weight in octaves:
        grid = draws.integers(0, 256, (columns * 3 // 4, columns), dtype=np.uint8)
        octave = Image.fromarray(grid).resize(size, Image.BILINEAR)
        mixed = Image.blend(mixed, octave, weight) if mixed else octave
    return mixed


def _save(image, place, number, quality):
    image.save(place / f"{number}.jpeg", quality=quality)


def cartoons(place, numbers):
    """Gray, 323 to 617 pixels wide and about 10 to 50 KB, as those of the contest."""
    for number in numbers:
        draws = np.random.default_rng(number)
        width = int(draws.integers(323, 618))
        _save(_noise(draws, (width, width * 3 // 4), ((8, 1), (60, 0.4), (300, 0.25))), place, number, 75)


def photos(place, numbers):
    """Coloured, 600 × 450, about 60 KB."""
    for number in numbers:
        draws = np.random.default_rng(number)
        light = _noise(draws, (600, 450), ((8, 1), (60, 0.3), (300, 0.3)))
        colours = [_noise(draws, (600, 450), ((8, 1),)) for _ in range(2)]
        _save(Image.merge("YCbCr", [light, *colours]), place, number, 80)


def tiny(place, numbers):
    """Gray, 32 × 24, less than a KB."""
    for number in numbers:
        _save(_noise(np.random.default_rng(number), (32, 24), ((4, 1), (8, 0.4))), place, number, 75)


def stamps(place, numbers):
    """One picture of 8 × 8 with the number in a comment: distinct files, whose content does not matter."""
    picture = io.BytesIO()
    Image.new("L", (8, 8), 128).save(picture, "jpeg")
    start, rest = picture.getvalue()[:2], picture.getvalue()[2:]
    for number in numbers:
        comment = str(number).encode()
        (place / f"{number}.jpeg").write_bytes(start + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + rest)

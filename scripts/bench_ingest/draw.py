"""Draws the images and the table of a workload: the same bytes on every machine with the same packages.

The tables are made like the caption contest's: a caption is the right one of one question and a wrong one of four
others, all of the same block of neighbouring images, so that a split by component has something to hold together.
"""

import random
from concurrent.futures import ProcessPoolExecutor

import duckdb

import images

WORDS = 400
#: How many questions away a question's five captions come from; an image has at most six questions.
AWAY = (0, 7, 13, 17, 23)
FILES_IN_A_JOB = 1000


def draw(kind, size, folder):
    """Draws `folder/images` and `folder/table/rows.parquet`."""
    drawer, many, table = KINDS[kind]
    (folder / "images").mkdir(parents=True)
    (folder / "table").mkdir()
    with ProcessPoolExecutor() as workers:
        jobs = [workers.submit(drawer, place, numbers) for place, numbers in _jobs(folder / "images", size.images, many)]
        for job in jobs:
            job.result()
    with duckdb.connect() as connection:
        connection.execute(f"CREATE MACRO words(number, what, least, most) AS {_words()}")
        connection.execute(f"COPY ({table(size)}) TO '{folder / 'table' / 'rows.parquet'}' (FORMAT parquet)")


def _jobs(folder, count, many):
    """Which numbers go where: a thousand files at a time, each thousand in a folder of its own where there are many."""
    for job, first in enumerate(range(1, count + 1, FILES_IN_A_JOB)):
        place = folder / f"{job:03}" if many else folder
        place.mkdir(exist_ok=True)
        yield place, range(first, min(first + FILES_IN_A_JOB, count + 1))


def _words():
    """SQL for a sentence of `least` to `most` drawn words."""
    draws = random.Random(0)
    syllables = lambda: "".join(draws.choice("bdfgklmnprst") + draws.choice("aeiou") for _ in range(draws.randint(1, 4)))
    words = "['" + "', '".join(syllables() for _ in range(WORDS)) + "']"
    length = "least + (hash(number, what) % (most - least + 1)::UBIGINT)::INT"
    return f"array_to_string([{words}[1 + (hash(number, what, spot) % {WORDS})::INT] for spot in range({length})], ' ')"


def _questions(size, block, questions_of):
    """SQL for questions: image `g` has `questions_of` it, a block of about `block` images shares its captions."""
    blocks = max(3, round(size.images / block))
    shared = ", ".join(f"captions[1 + (place + {away}) % len(captions)]" for away in AWAY)
    return f"""
        WITH asked AS (
            SELECT g, g * {blocks} // {size.images} AS block, unnest(range({questions_of})) AS nth FROM range({size.images}) AS t(g)
        ), placed AS (
            SELECT *, row_number() OVER (ORDER BY g, nth) AS q, row_number() OVER (PARTITION BY block ORDER BY g, nth) - 1 AS place
            FROM asked
        ), captioned AS (
            SELECT *, list(words(q, 'caption', 6, 18)) OVER (
                PARTITION BY block ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS captions
            FROM placed
        ), chosen AS (
            SELECT g, q, [{shared}] AS own_first, (hash(q, 'label') % 5)::INT AS answer FROM captioned
        )
        SELECT g, q, chr(65 + answer) AS label,
            [own_first[1 + (letter - answer + 5) % 5] for letter in range(5)] AS caption_choices
        FROM chosen"""


def contest(size):
    """The columns of the contest's table; each question six times, by three describers and two locators."""
    six = f"(3 + 3 * ((g + 1) * 122 // 422 - g * 122 // 422))"
    return f"""
        SELECT (g + 1)::INT AS contest_number,
            words(g, 'location' || copy % 2, 1, 3) AS image_location,
            words(g, 'description' || copy // 2, 15, 40) AS image_description,
            words(g, 'uncanny' || copy // 2, 10, 30) AS image_uncanny_description,
            ['https://example.org/wiki/' || words(g, 'entity' || k || copy % 2, 1, 1) for k in range(2 + g % 2)] AS entities,
            [words(g, 'question' || copy % 2, 6, 12) || '?'] AS questions,
            caption_choices,
            concat_ws(' ', 'scene:', image_location, 'description:', image_description, 'uncanny:', image_uncanny_description,
                'entities:', array_to_string(entities, ', '), array_to_string(caption_choices, ' ')) AS from_description,
            label, 1::INT AS n_tokens_label, md5(q || '/' || copy) AS instance_id, (g + 1) || '.jpeg' AS filename
        FROM ({_questions(size, 21, six)}), range(6) AS t(copy) ORDER BY q, copy"""


def photos(size):
    """Five questions an image, each twice. A hundredth of the images has no rows, and as many rows have no image."""
    missed = max(1, size.images // 100)
    return f"""
        SELECT (g + 1)::INT AS contest_number, (g + 1 + {missed}) || '.jpeg' AS filename, caption_choices, label,
            md5(q || '/' || copy) AS instance_id
        FROM ({_questions(size, 50, 5)}), range({size.rows // size.images // 5}) AS t(copy) ORDER BY q, copy"""


def captions(size):
    """As many captions for each image; one in a hundred is that of the twenty images around it. Some match nothing."""
    missed, each = max(1, size.images // 100), size.rows // size.images
    return f"""
        SELECT i AS id, (i // {each} + 1 + {missed}) || '.jpeg' AS filename,
            CASE WHEN hash(i, 'shared') % 100 = 0 THEN words(i // {20 * each}, 'shared', 6, 12) ELSE words(i, 'caption', 6, 12) END AS caption
        FROM range({size.rows}) AS t(i) ORDER BY i"""


#: What draws the images, whether they are many, and the table.
KINDS = {
    "contest": (images.cartoons, False, contest),
    "photos": (images.photos, False, photos),
    "names": (images.stamps, True, captions),
    "tiny": (images.tiny, True, captions),
}

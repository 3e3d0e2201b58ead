"""DataChain's merge of a folder of images with a table, and its save.

    datachain_side.py IMAGES TABLE KEY ID            merges on the file name and saves
    datachain_side.py --pairs TO ID                  writes what was saved as pairs of path and row id
"""

import sys

import datachain
from datachain import func


def merge(images, table, key, _):
    files = datachain.read_storage(images)
    rows = datachain.read_parquet(table)
    files.merge(rows, on=func.path.name("file.path"), right_on=key, inner=True).save("joined")


def pairs(to, row_id):
    datachain.read_dataset("joined").select("file.path", row_id).to_parquet(to)


if __name__ == "__main__":
    pairs(*sys.argv[2:]) if sys.argv[1] == "--pairs" else merge(*sys.argv[1:])

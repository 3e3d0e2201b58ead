"""The same in pandas: list the files, read the table, merge on the file name, fold equal items, write parquet.

    pandas_side.py IMAGES TABLE KEY ID FOLD TO       FOLD: the columns, with commas, that make rows the same item
"""

import os
import sys

import pandas


def files(folder):
    found = [
        (os.path.relpath(os.path.join(place, name), folder), name)
        for place, _, names in os.walk(folder)
        for name in names
    ]
    return pandas.DataFrame(found, columns=["image", "name"])


def main(images, table, key, row_id, fold, to):
    joined = files(images).merge(pandas.read_parquet(table), left_on="name", right_on=key)
    keys = ["image"]
    for column in fold.split(","):
        lists = len(joined) and not isinstance(joined[column].iloc[0], str) and hasattr(joined[column].iloc[0], "__len__")
        joined[f"key {column}"] = joined[column].map(tuple) if lists else joined[column]
        keys.append(f"key {column}")
    items = joined.groupby(keys, sort=False).agg(ids=(row_id, list), **{c: (c, "first") for c in fold.split(",")})
    items.reset_index()[["image", "ids", *fold.split(",")]].to_parquet(to)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Whether all sides found the same: every joined row with its image, and the same items."""

import sys

import duckdb


def referee(folder, workload):
    """The joined rows as plain SQL has them, whatever the sides say."""
    row_id = workload.columns["id"]
    return f"""
        SELECT path, id FROM (
            SELECT file[{len(str(folder / 'images')) + 2}:] AS path, parse_filename(file) AS name
            FROM glob('{folder}/images/**/*.jpeg')
        ) JOIN (SELECT filename, "{row_id}"::VARCHAR AS id FROM '{folder}/table/rows.parquet') ON name = filename"""


def expect_same(sides, folder, workload):
    """Ends the program when a side has a row too many or too few, or when two make different items."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE expected AS {referee(folder, workload)}")
        (rows,) = connection.execute("SELECT count(*) FROM expected").fetchone()
        items = None
        for side in sides:
            connection.execute(f"CREATE OR REPLACE TABLE found AS {side.pairs()}")
            _expect_equal(connection, side.name, "joined rows", "expected", "found")
            if side.items() is None:
                continue
            connection.execute(f"CREATE OR REPLACE TABLE {'items' if items else 'first_items'} AS {side.items()}")
            if items:
                _expect_equal(connection, side.name, "items", "first_items", "items")
            (items,) = connection.execute("SELECT count(*) FROM first_items").fetchone()
    return {"joined_rows": rows, "items": items}


def _expect_equal(connection, name, what, expected, found):
    count = lambda sql: connection.execute(f"SELECT count(*) FROM ({sql})").fetchone()[0]
    missing = count(f"FROM {expected} EXCEPT ALL FROM {found}")
    surplus = count(f"FROM {found} EXCEPT ALL FROM {expected}")
    if missing or surplus:
        sys.exit(f"error: {name} has other {what}: {missing} are missing, {surplus} are too many")

"""The peer of the loader over SQL: a bare driver streams a table into Arrow batches and keeps none.

python -m bench.bare_sql PORT PASSWORD
"""

import sys

import pyarrow as pa
import pymysql
from pymysql.cursors import SSCursor

BATCH_ROWS = 20_000


def main(port: int, password: str) -> None:
    with pymysql.connect(host="127.0.0.1", port=port, user="root", password=password, cursorclass=SSCursor) as connection:
        cursor = connection.cursor()
        cursor.execute("set session time_zone = '+00:00'")
        cursor.execute("select * from hq.events")
        names = [column[0] for column in cursor.description]
        count = 0
        while rows := cursor.fetchmany(BATCH_ROWS):
            batch = pa.record_batch([pa.array(column) for column in zip(*rows, strict=True)], names=names)
            count += batch.num_rows
        print(count)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

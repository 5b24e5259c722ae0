"""The gallery's tables through time, one file a change, run by `studio.works.database.bring_up_to_date`.

To change a table: change `studio/works/tables.py`, add `versions/000N_what_changed.py` whose `down_revision`
is the last one, and set `HEAD` in `studio/works/database.py`. A test compares the tables after all migrations
with those of `tables.py`.
"""

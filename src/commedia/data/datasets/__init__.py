"""Published data sets of faces, each read from its own on-disk format into the same items, one file per data set.

`open_dataset` in `table.py` is the door; `filters.py` leaves out what paper 1 leaves out; `samples.py` turns items into
training samples. Nothing here downloads anything, and nothing in a data set's files is believed without a check.
"""

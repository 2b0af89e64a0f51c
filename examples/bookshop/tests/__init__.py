"""The tests of the bookshop: run ``pytest bookshop``."""

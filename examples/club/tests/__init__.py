"""The tests of the club: run ``pytest club``."""

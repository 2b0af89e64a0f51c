"""The tests of the guestbook: run ``pytest guestbook``."""

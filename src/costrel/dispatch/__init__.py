"""Run a matched request: hooks, view, error handlers, response, teardown functions."""

"""Start, supervise and stop server processes: `costrel run` and `app.run()`."""

"""Start, watch and stop server processes: `costrel run`, `app.run()`."""

"""Run the ``costrel`` command as if uvicorn were not installed."""

import sys

sys.modules["uvicorn"] = None  # type: ignore[assignment]  # not to be found

from costrel.cli import main  # noqa: E402  after that

main()

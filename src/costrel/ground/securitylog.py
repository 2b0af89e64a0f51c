"""The logger of what Costrel refuses, and of what it warns of."""

from __future__ import annotations

import logging

security_log = logging.getLogger("costrel.security")
"""Has no handler of its own: `costrel.logging` gives it one with the application's."""

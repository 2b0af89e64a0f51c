"""``flask.sansio``: the paths under which extensions import Flask's base classes.

Costrel keeps an application, a blueprint and what they share in one module each; these
façades show them under the names of Flask 3. Replacing a name here reaches only those who
import it from here, as in Flask.
"""

from __future__ import annotations

from . import app as app
from . import blueprints as blueprints
from . import scaffold as scaffold

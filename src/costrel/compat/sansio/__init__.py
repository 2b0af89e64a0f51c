"""``flask.sansio``: the paths under which extensions import Flask's base classes.

Costrel has one module each for the application, the blueprint and what they share. These
façades provide them under the names of Flask 3. Replacing a name here affects only code that
imports it from here, as in Flask.
"""

from __future__ import annotations

from . import app as app
from . import blueprints as blueprints
from . import scaffold as scaffold

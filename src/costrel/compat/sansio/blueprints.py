"""``flask.sansio.blueprints``: the blueprint and the state of its registration."""

from __future__ import annotations

from costrel.blueprints import Blueprint as Blueprint
from costrel.blueprints import BlueprintSetupState as BlueprintSetupState
from costrel.blueprints import DeferredSetupFunction as DeferredSetupFunction
from costrel.registration.scaffold import Scaffold as Scaffold
from costrel.registration.scaffold import _endpoint_from_view_func as _endpoint_from_view_func
from costrel.registration.scaffold import setupmethod as setupmethod

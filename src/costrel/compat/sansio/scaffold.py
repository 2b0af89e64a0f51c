"""``flask.sansio.scaffold``: what an application and a blueprint share."""

from __future__ import annotations

from costrel.registration.scaffold import F as F
from costrel.registration.scaffold import Scaffold as Scaffold
from costrel.registration.scaffold import T_after_request as T_after_request
from costrel.registration.scaffold import T_before_request as T_before_request
from costrel.registration.scaffold import T_error_handler as T_error_handler
from costrel.registration.scaffold import T_route as T_route
from costrel.registration.scaffold import T_teardown as T_teardown
from costrel.registration.scaffold import (
    T_template_context_processor as T_template_context_processor,
)
from costrel.registration.scaffold import T_url_defaults as T_url_defaults
from costrel.registration.scaffold import T_url_value_preprocessor as T_url_value_preprocessor
from costrel.registration.scaffold import _endpoint_from_view_func as _endpoint_from_view_func
from costrel.registration.scaffold import _find_package_path as _find_package_path
from costrel.registration.scaffold import find_package as find_package
from costrel.registration.scaffold import get_root_path as get_root_path
from costrel.registration.scaffold import setupmethod as setupmethod

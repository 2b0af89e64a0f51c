"""``flask.sansio.app``: the state of an application."""

from __future__ import annotations

from costrel.registration.application import App as App
from costrel.registration.application import T_shell_context_processor as T_shell_context_processor
from costrel.registration.application import T_template_filter as T_template_filter
from costrel.registration.application import T_template_global as T_template_global
from costrel.registration.application import T_template_test as T_template_test
from costrel.registration.application import _make_timedelta as _make_timedelta
from costrel.registration.scaffold import Scaffold as Scaffold
from costrel.registration.scaffold import T_teardown as T_teardown
from costrel.registration.scaffold import _endpoint_from_view_func as _endpoint_from_view_func
from costrel.registration.scaffold import find_package as find_package
from costrel.registration.scaffold import setupmethod as setupmethod

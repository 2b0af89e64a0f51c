"""``flask.sansio.app``: the state of an application."""

from __future__ import annotations

from costrel.application import App as App
from costrel.application import T_shell_context_processor as T_shell_context_processor
from costrel.application import T_template_filter as T_template_filter
from costrel.application import T_template_global as T_template_global
from costrel.application import T_template_test as T_template_test
from costrel.application import _make_timedelta as _make_timedelta
from costrel.scaffold import Scaffold as Scaffold
from costrel.scaffold import T_teardown as T_teardown
from costrel.scaffold import _endpoint_from_view_func as _endpoint_from_view_func
from costrel.scaffold import find_package as find_package
from costrel.scaffold import setupmethod as setupmethod

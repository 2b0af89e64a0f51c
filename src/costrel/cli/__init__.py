"""The ``costrel`` command, and the parts for writing custom commands.

The names are those of ``flask.cli``. `show_server_banner` may be replaced on
this module; the code that prints the banner looks it up here each time.
"""

from __future__ import annotations

import click as click

from ..commands.discovery import find_app_by_string, find_best_app, locate_app, prepare_import
from ..commands.envfiles import load_dotenv
from ..commands.groups import (
    AppGroup,
    NoAppException,
    ScriptInfo,
    pass_script_info,
    with_appcontext,
)
from ..ground.current import current_app
from ..ground.environment import get_debug_flag, get_load_dotenv
from ..servers.banner import show_server_banner
from .entry import cli, main
from .group import FlaskGroup
from .options import get_version, version_option
from .params import CertParamType, SeparatedPathType
from .routes import routes_command
from .run import run_command
from .shell import shell_command

__all__ = [
    "AppGroup",
    "CertParamType",
    "FlaskGroup",
    "NoAppException",
    "ScriptInfo",
    "SeparatedPathType",
    "cli",
    "current_app",
    "find_app_by_string",
    "find_best_app",
    "get_debug_flag",
    "get_load_dotenv",
    "get_version",
    "load_dotenv",
    "locate_app",
    "main",
    "pass_script_info",
    "prepare_import",
    "routes_command",
    "run_command",
    "shell_command",
    "show_server_banner",
    "version_option",
    "with_appcontext",
]

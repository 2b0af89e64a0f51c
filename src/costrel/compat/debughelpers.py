"""``flask.debughelpers``: the errors and explanations of debug mode."""

from __future__ import annotations

from costrel.debughints import DebugFilesKeyError as DebugFilesKeyError
from costrel.debughints import FormDataRoutingRedirect as FormDataRoutingRedirect
from costrel.debughints import UnexpectedUnicodeError as UnexpectedUnicodeError
from costrel.debughints import attach_enctype_error_multidict as attach_enctype_error_multidict
from costrel.debughints import (
    explain_template_loading_attempts as explain_template_loading_attempts,
)

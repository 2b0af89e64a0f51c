"""``flask.debughelpers``: the errors and explanations of debug mode."""

from __future__ import annotations

from costrel.ground.debughints import DebugFilesKeyError as DebugFilesKeyError
from costrel.ground.debughints import FormDataRoutingRedirect as FormDataRoutingRedirect
from costrel.ground.debughints import UnexpectedUnicodeError as UnexpectedUnicodeError
from costrel.ground.debughints import (
    attach_enctype_error_multidict as attach_enctype_error_multidict,
)
from costrel.ground.debughints import (
    explain_template_loading_attempts as explain_template_loading_attempts,
)

"""What protects an application, as the features and an audit read it."""

from __future__ import annotations

from ..ground.protection import EXTENSION as EXTENSION
from ..ground.protection import ORDER as ORDER
from ..ground.protection import SAFE_METHODS as SAFE_METHODS
from ..ground.protection import Check as Check
from ..ground.protection import Exemption as Exemption
from ..ground.protection import Finisher as Finisher
from ..ground.protection import Security as Security
from ..ground.protection import add_template_global as add_template_global
from ..ground.protection import exemptions_of as exemptions_of
from ..ground.protection import protection_of as protection_of
from ..ground.protection import security_of as security_of

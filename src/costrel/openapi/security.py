"""Security schemes, and which of them an operation requires."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from ..api.operation import Operation
    from ..api.security import SecurityScheme


class Security:
    """Collect the security schemes of operations."""

    def __init__(self) -> None:
        #: The schemes by name.
        self.schemes: dict[str, dict[str, t.Any]] = {}

    def of(
        self, operation: Operation, login: SecurityScheme | None
    ) -> list[dict[str, list[str]]] | None:
        """Return what an operation requires: each entry suffices; None if nothing is said.

        Those of ``security=`` are alternatives. What the view depends on is required with each, and
        so is `login`, if it is for users who are logged in.
        """
        said = operation.options.get("security")
        needed = () if operation.dependencies is None else operation.dependencies.security
        if login is not None:
            needed = (*needed, login)
        if said is None and not needed:
            return None
        together = dict(map(self._requirement, needed))
        alternatives = [{**dict([self._requirement(one)]), **together} for one in said or ()]
        return alternatives or ([together] if together else [])

    def _requirement(self, marker: SecurityScheme) -> tuple[str, list[str]]:
        known = self.schemes.setdefault(marker.name, marker.scheme)
        if known != marker.scheme:
            raise TypeError(
                f"Two security schemes have the name {marker.name!r}, but differ: {known} and"
                f" {marker.scheme}. Pass name=... to one of them."
            )
        return marker.name, list(marker.scopes)

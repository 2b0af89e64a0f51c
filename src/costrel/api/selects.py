"""Selects of SQLAlchemy 2, which is not imported: who has a select has loaded it."""

from __future__ import annotations

import inspect
import sys
import typing as t

from ..ground.current import current_app


def selection_of(source: t.Any, session: t.Any) -> Selection | None:
    """Return a select with what runs it; None for anything else.

    Raises `TypeError` without a session.
    """
    module = sys.modules.get("sqlalchemy.sql.selectable")
    if module is None or not isinstance(source, module.GenerativeSelect):
        return None
    if session is None:
        session = getattr(current_app.extensions.get("sqlalchemy"), "session", None)
    if session is None:
        raise TypeError(
            "A select needs SQLAlchemy's session. Pass session=..., unless the application uses"
            " Flask-SQLAlchemy."
        )
    return Selection(source, session)


class Selection:
    """The rows of a select.

    Attributes:
        statement: The select.
        entity: The class of the objects that the rows are; None if they are rows of columns.
        is_single: Whether a row is one value: an object or a column.
    """

    def __init__(self, statement: t.Any, session: t.Any) -> None:
        self.statement = statement
        self._session = session
        columns: t.Any = getattr(statement, "column_descriptions", ())
        self.is_single = len(columns) == 1
        only = columns[0] if self.is_single else {}
        entity = only.get("entity")
        self.entity = entity if entity is not None and only.get("expr") is entity else None

    def count(self) -> int:
        """Return how many rows there are."""
        sa: t.Any = sys.modules["sqlalchemy"]
        rows = self.statement.order_by(None).subquery()
        result = self._execute(sa.select(sa.func.count()).select_from(rows))
        return int(result.scalar_one())

    def fetch(self, statement: t.Any) -> list[t.Any]:
        """Return the rows of this select, or of one made from it.

        They are objects, values of the only column, or mappings of several columns.
        """
        result = self._execute(statement)
        if self.entity is not None:
            # Rows repeat an object that is loaded together with a collection.
            return list(result.unique().scalars())
        if self.is_single:
            return list(result.scalars())
        return list(result.mappings())

    def _execute(self, statement: t.Any) -> t.Any:
        result = self._session.execute(statement)
        if inspect.iscoroutine(result):
            result.close()
            raise TypeError(
                "Pages are read by a sync session. With an AsyncSession, write: await"
                " session.run_sync(lambda sync: paginate(select, page, size, session=sync))"
            )
        return result

    def column(self, name: str) -> t.Any:
        """Return a column of the objects or rows; raises `TypeError` if there is none."""
        found = (
            self.statement.selected_columns.get(name)
            if self.entity is None
            else getattr(self.entity, name, None)
        )
        if found is None:
            raise TypeError(f"key: what is selected has no column {name!r}.")
        return found

    def primary_key(self) -> list[str]:
        """Return the names of the objects' primary key; empty for rows of columns."""
        if self.entity is None:
            return []
        sa: t.Any = sys.modules["sqlalchemy"]
        mapper = sa.inspect(self.entity).mapper
        return [mapper.get_property_by_column(column).key for column in mapper.primary_key]

"""A lazy attribute is made once, when first touched, and may be replaced."""

from __future__ import annotations

import pytest

from costrel.ground.lazy import lazy


class Thing:
    """Count how often its attribute is made."""

    def __init__(self):
        self.made = 0

    @lazy
    def part(self):
        """Explain the part."""
        self.made += 1
        return [self.made]


def test_attribute_is_made_once_and_kept():
    """The second access gives the object of the first."""
    thing = Thing()
    assert "part" not in vars(thing)
    assert thing.part is thing.part
    assert thing.made == 1


def test_instances_do_not_share_the_value():
    """Each instance makes its own."""
    assert Thing().part is not Thing().part


def test_assigned_value_is_not_made():
    """Assignment replaces the value, before and after the first access."""
    thing = Thing()
    thing.part = "mine"
    assert thing.part == "mine"
    assert thing.made == 0


def test_deleted_value_is_made_again():
    """Deleting the attribute forgets the value only."""
    thing = Thing()
    first = thing.part
    del thing.part
    assert thing.part is not first


def test_failure_is_not_kept():
    """An error reaches the caller, and the next access tries again."""

    class Failing:
        tries = 0

        @lazy
        def part(self):
            self.tries += 1
            if self.tries == 1:
                raise ZeroDivisionError
            return self.tries

    thing = Failing()
    with pytest.raises(ZeroDivisionError):
        thing.part  # noqa: B018  touching it makes it
    assert thing.part == 2


def test_class_gives_the_descriptor_with_its_docstring():
    """The docstring reaches `help` and documentation tools."""
    assert isinstance(Thing.part, lazy)
    assert Thing.part.__doc__ == "Explain the part."

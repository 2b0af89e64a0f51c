"""Registries are plain lists and dicts that say when they change."""

from __future__ import annotations

import copy
import pickle

import pytest

from costrel.ground.registry import Epoch, TrackedDict, TrackedList, TrackedLists


def bumps(epoch, change):
    """Return by how much a change moves the epoch."""
    before = epoch.value
    change()
    return epoch.value - before


@pytest.mark.parametrize(
    "change",
    [
        lambda items: items.append(4),
        lambda items: items.extend([4, 5]),
        lambda items: items.insert(0, 4),
        lambda items: items.remove(2),
        lambda items: items.pop(),
        lambda items: items.clear(),
        lambda items: items.sort(reverse=True),
        lambda items: items.reverse(),
        lambda items: items.__setitem__(0, 9),
        lambda items: items.__setitem__(slice(None), [9]),
        lambda items: items.__delitem__(0),
        lambda items: items.__iadd__([4]),
        lambda items: items.__imul__(2),
    ],
)
def test_list_changed_in_any_way_moves_the_epoch(change):
    """Whatever a list can be changed by is noticed, and changes it as it does any list."""
    epoch = Epoch()
    tracked, plain = TrackedList(epoch, [3, 1, 2]), [3, 1, 2]
    assert bumps(epoch, lambda: change(tracked)) >= 1
    change(plain)
    assert tracked == plain


@pytest.mark.parametrize(
    "change",
    [
        lambda items: items.__setitem__("b", 2),
        lambda items: items.__delitem__("a"),
        lambda items: items.__ior__({"b": 2}),
        lambda items: items.pop("a"),
        lambda items: items.popitem(),
        lambda items: items.clear(),
        lambda items: items.update(b=2),
        lambda items: items.setdefault("b", 2),
    ],
)
def test_dict_changed_in_any_way_moves_the_epoch(change):
    """Whatever a dict can be changed by is noticed, and changes it as it does any dict."""
    epoch = Epoch()
    tracked, plain = TrackedDict(epoch, {"a": 1}), {"a": 1}
    assert bumps(epoch, lambda: change(tracked)) >= 1
    change(plain)
    assert tracked == plain


def test_reading_moves_nothing():
    """Looking at a registry throws no plan away."""
    epoch = Epoch()
    items = TrackedList(epoch, [1])
    views = TrackedDict(epoch, {"a": 1})
    lists = TrackedLists(epoch)

    def read():
        assert items[0] == len(items) == items.count(1)
        assert views["a"] == views.get("a")
        assert "b" not in views
        assert lists.get("b") is None
        assert list(lists) == []

    assert bumps(epoch, read) == 0


def test_change_that_raises_moves_the_epoch_all_the_same():
    """What failed half way has changed something, perhaps."""
    epoch = Epoch()
    items = TrackedList(epoch)

    def failing():
        yield 1
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        items.extend(failing())
    assert epoch.value == 1


def test_key_asked_for_brings_a_tracked_list_without_a_change():
    """An empty list changes no plan; what is put into it does."""
    epoch = Epoch()
    lists = TrackedLists(epoch)
    assert bumps(epoch, lambda: lists["a"]) == 0
    assert bumps(epoch, lambda: lists["a"].append(1)) == 1
    assert lists.tracked()


def test_setdefault_of_an_empty_list_gives_a_tracked_one():
    """The usual way of extensions to add a hook is noticed."""
    epoch = Epoch()
    lists = TrackedLists(epoch)
    assert bumps(epoch, lambda: lists.setdefault(None, []).append(1)) == 1
    assert lists.setdefault(None, [2]) == [1]
    assert lists.tracked()


def test_setdefault_of_a_list_with_items_keeps_it():
    """A list that is not empty may still be somebody else's, so it stays that object."""
    lists = TrackedLists(Epoch())
    mine = [1]
    assert lists.setdefault("a", mine) is mine


@pytest.mark.parametrize(
    "change",
    [
        lambda lists: lists.__setitem__(None, [1]),
        lambda lists: lists.__delitem__("a"),
        lambda lists: lists.__ior__({None: [1]}),
        lambda lists: lists.pop("a"),
        lambda lists: lists.popitem(),
        lambda lists: lists.clear(),
        lambda lists: lists.update({None: [1]}),
    ],
)
def test_lists_changed_in_any_way_move_the_epoch(change):
    """Whatever a registry of hooks can be changed by is noticed."""
    epoch = Epoch()
    lists = TrackedLists(epoch)
    lists["a"].append(0)
    assert bumps(epoch, lambda: change(lists)) >= 1


def test_plain_list_as_a_value_is_reported_untracked():
    """A list that can change unseen stays the object it is, and is told of."""
    lists = TrackedLists(Epoch())
    lists["a"].append(1)
    assert lists.tracked()
    mine = [1]
    lists["b"] = mine
    assert lists["b"] is mine
    assert not lists.tracked()


def test_augmented_assignment_keeps_a_list_tracked():
    """``registry[key] += [f]`` reads, changes and stores the same list."""
    lists = TrackedLists(Epoch())
    lists["a"] += [1]
    assert lists == {"a": [1]}
    assert lists.tracked()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])  # noqa: S301  made here
def test_copy_is_plain(duplicate):
    """A copy belongs to no application, so it has no epoch to move."""
    epoch = Epoch()
    lists = TrackedLists(epoch)
    lists["a"].append(1)
    items, views = TrackedList(epoch, [1]), TrackedDict(epoch, {"a": 1})
    for original, kind in ((items, list), (views, dict)):
        made = duplicate(original)
        assert made == original
        assert type(made) is kind
    made = duplicate(lists)
    assert made == {"a": [1]}
    assert made["b"] == []
    assert type(made["a"]) is list

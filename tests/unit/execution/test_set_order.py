"""Sets come back in the order they had, though pickle fills their table in another way."""

from hypothesis import given
from hypothesis import strategies as st

from nbflow.execution.runtime import sets

WORDS = st.sets(st.text("abcdefgh", min_size=1, max_size=4), min_size=1, max_size=60)
NUMBERS = st.sets(st.integers(-500, 5000), min_size=1, max_size=60)


def refilled(value: set) -> list:
    copy = {*list(value)}
    plan = sets.plan(value)
    if plan is not None:
        sets.fill(copy, plan)
    assert copy == value
    return list(copy)


@given(WORDS)
def test_a_set_of_words_keeps_its_order(words):
    assert refilled(words) == list(words)


@given(NUMBERS, NUMBERS)
def test_results_of_set_operations_keep_their_order(one, other):
    for value in (one | other, one & other, one - other, one ^ other):
        assert refilled(value) == list(value)


@given(WORDS, st.data())
def test_a_set_that_shrank_keeps_its_order(words, data):
    for word in data.draw(st.lists(st.sampled_from(sorted(words)), max_size=40)):
        words.discard(word)
    assert refilled(words) == list(words)


def test_objects_hashed_by_address_are_left_to_pickle():
    assert sets.plan({object() for _ in range(40)}) is None

"""A policy that is replaced while threads evaluate it."""

import copy
import gc
import pickle
import sys
import threading
import time
import weakref

import pytest

from corsac import Policy, PolicyCell, PolicyError

APP = "https://app.example.com"
PREFLIGHT = ("OPTIONS", {"Origin": APP, "Access-Control-Request-Method": "PUT"})


def first():
    return Policy(allow_origins=[APP], allow_methods=["PUT"], allow_credentials=True, max_age=1)


def second():
    return Policy(allow_origins=["https://*.example.com"], max_age=2)


@pytest.fixture
def hurried():
    """Threads take turns after microseconds, not milliseconds."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


def test_a_cell_decides_by_the_policy_assigned_last():
    policy = first()
    cell = PolicyCell(policy)
    assert cell.policy is policy
    assert cell.generation == 1
    assert cell.evaluate(*PREFLIGHT) == policy.evaluate(*PREFLIGHT)
    assert cell.allows_origin(APP)
    cell.policy = second()
    assert cell.generation == 2
    assert cell.evaluate(*PREFLIGHT) == second().evaluate(*PREFLIGHT)
    assert not cell.allows_origin(APP)
    assert cell.allows_origin(APP, credentials=False)
    assert policy.evaluate(*PREFLIGHT).allowed


def test_a_cell_can_be_made_with_its_policy_by_name():
    assert PolicyCell(policy=first()).policy == first()


@pytest.mark.parametrize("wrong", [None, "{}", {"allow_origins": "*"}, 5, Policy, PolicyCell(first())])
def test_nothing_but_a_policy_gets_into_a_cell(wrong):
    cell = PolicyCell(first())
    with pytest.raises(TypeError, match=r"^policy must be Policy, not \w+$"):
        cell.policy = wrong
    with pytest.raises(TypeError, match=r"^policy must be Policy, not \w+$"):
        PolicyCell(wrong)
    assert cell.policy == first()
    assert cell.generation == 1


def test_a_policy_cannot_be_taken_out():
    cell = PolicyCell(first())
    with pytest.raises((AttributeError, TypeError)):
        del cell.policy
    with pytest.raises(AttributeError):
        cell.generation = 7
    with pytest.raises(AttributeError):
        cell.polcy = second()
    assert cell.policy == first()


def test_a_document_with_problems_leaves_the_policy_as_it_is():
    policy = first()
    cell = PolicyCell(policy)
    with pytest.raises(PolicyError):
        cell.policy = Policy(allow_origins=[APP + "/"])
    assert cell.policy is policy
    assert cell.generation == 1


def test_a_replaced_policy_ends_with_its_last_reference():
    cell = PolicyCell(first())
    alive = weakref.ref(cell.policy)
    gc.collect()
    assert alive() is not None
    cell.policy = second()
    gc.collect()
    assert alive() is None


def test_wrong_arguments_are_told_as_a_policy_tells_them():
    cell = PolicyCell(first())
    for call in (lambda it: it.evaluate("GET", 5), lambda it: it.evaluate(5, {}), lambda it: it.allows_origin(5)):
        with pytest.raises(TypeError) as of_policy:
            call(first())
        with pytest.raises(TypeError) as of_cell:
            call(cell)
        assert str(of_cell.value) == str(of_policy.value)


def test_a_policy_may_be_replaced_in_the_middle_of_a_decision():
    cell = PolicyCell(first())

    def headers():
        yield "Origin", APP
        cell.policy = second()
        yield "Access-Control-Request-Method", "PUT"

    assert cell.evaluate("OPTIONS", headers()) == first().evaluate(*PREFLIGHT)
    assert cell.evaluate(*PREFLIGHT) == second().evaluate(*PREFLIGHT)


def test_a_cell_has_an_identity():
    cell = PolicyCell(first())
    assert cell == cell
    assert cell != PolicyCell(first())
    assert repr(cell) == f"PolicyCell({first()!r})"
    # A copy would not see what is assigned to the original.
    for copying in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            copying(cell)


def test_each_decision_of_32_threads_belongs_wholly_to_one_policy(hurried):
    makers = [first, second]
    expected = {make().evaluate(*PREFLIGHT) for make in makers}
    assert len(expected) == 2
    cell = PolicyCell(first())
    done = threading.Event()
    start = threading.Barrier(33)
    seen = [set() for _ in range(32)]
    generations = [[] for _ in range(32)]

    def evaluate(index):
        start.wait()
        while not done.is_set():
            generations[index].append(cell.generation)
            seen[index].add(cell.evaluate(*PREFLIGHT))
            # A generator, so that threads take turns in the middle of a decision too.
            method, headers = PREFLIGHT
            seen[index].add(cell.evaluate(method, (pair for pair in headers.items())))

    threads = [threading.Thread(target=evaluate, args=(index,)) for index in range(32)]
    for thread in threads:
        thread.start()
    start.wait()
    swaps = 0
    end = time.monotonic() + 0.5
    while swaps < 100 or time.monotonic() < end or set().union(*map(set, seen)) != expected:
        swaps += 1
        cell.policy = makers[swaps % 2]()
    done.set()
    for thread in threads:
        thread.join()
    assert set().union(*seen) == expected
    assert all(numbers == sorted(numbers) for numbers in generations)
    assert cell.generation == 1 + swaps


def test_generations_count_what_threads_assign_at_once(hurried):
    cell = PolicyCell(first())
    policies = [first(), second()]

    def assign():
        for index in range(500):
            cell.policy = policies[index % 2]

    threads = [threading.Thread(target=assign) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cell.generation == 4001

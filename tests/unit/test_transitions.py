"""Tables of moves: what is sent, what is accepted, and what is said about all else."""

from __future__ import annotations

from enum import StrEnum

import pytest

from connector.transitions import IllegalMoveError, MoveTable


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    DARK = "dark"


class Press(StrEnum):
    GO = "go"
    STOP = "stop"
    BREAK = "break"


class Hand(StrEnum):
    LEFT = "left"
    RIGHT = "right"


TABLE = MoveTable(
    "lamp",
    [
        (None, Press.GO, Hand.LEFT, Light.RED),
        (Light.RED, Press.GO, Hand.LEFT, Light.GREEN),
        (Light.GREEN, Press.STOP, Hand.RIGHT, Light.RED),
        (Light.GREEN, Press.BREAK, Hand.RIGHT, Light.DARK),
    ],
    tolerated=[(Light.RED, Press.BREAK, Hand.LEFT, Light.DARK)],
)


def test_a_drawn_move_leads_where_the_table_says() -> None:
    assert Light.GREEN == TABLE.after(Light.RED, Press.GO, Hand.LEFT)
    assert Light.GREEN == TABLE.after_sending(Light.RED, Press.GO, Hand.LEFT)


def test_a_tolerated_move_is_accepted_but_never_sent() -> None:
    assert Light.DARK == TABLE.after(Light.RED, Press.BREAK, Hand.LEFT)
    with pytest.raises(IllegalMoveError):
        TABLE.after_sending(Light.RED, Press.BREAK, Hand.LEFT)


def test_the_wrong_hand_is_told_who_may_do_what() -> None:
    with pytest.raises(IllegalMoveError) as caught:
        TABLE.after(Light.GREEN, Press.STOP, Hand.LEFT)

    assert str(caught.value) == (
        "lamp: the left may not send stop in state green\n"
        "  why: allowed here: break by right, stop by right\n"
        "  fix: ask for the state of the process and go on from there,"
        " or terminate it and start a new one"
    )


def test_a_final_state_says_that_nothing_is_left() -> None:
    with pytest.raises(IllegalMoveError, match="nothing, the state is final"):
        TABLE.after(Light.DARK, Press.GO, Hand.LEFT)


@pytest.mark.parametrize(
    ("state", "is_final"), [(None, False), (Light.RED, False), (Light.DARK, True)]
)
def test_a_state_is_final_when_no_move_leaves_it(state: Light | None, is_final: bool) -> None:
    assert is_final == TABLE.is_final(state)

"""The progress bar: on a terminal, on a long start, gone afterwards."""

from __future__ import annotations

from simulator.cli.progress import CLEAR_LINE, ProgressBar, bar


class Screen:
    def __init__(self, terminal: bool = True) -> None:
        self.text = ""
        self.terminal = terminal

    def is_terminal(self) -> bool:
        return self.terminal

    def write(self, text: str) -> bool:
        self.text += text
        return True


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def progress(screen):
    clock = Clock()
    return clock, ProgressBar(screen, clock, "listeners")


def test_bar_says_share_and_numbers():
    assert bar(500, 1000, "listeners") == "[###############---------------]  50%  500 of 1000 listeners"
    assert bar(0, 0, "listeners").startswith("[" + "#" * 30)


def test_a_short_start_shows_nothing():
    clock, shown = progress(screen := Screen())
    clock.now = 0.4
    shown(900, 1000)
    shown.close()
    assert screen.text == ""


def test_a_long_start_shows_a_bar_and_wipes_it():
    clock, shown = progress(screen := Screen())
    clock.now = 0.6
    shown(100, 1000)
    clock.now = 0.61
    shown(110, 1000)  # too soon to draw again
    shown.close()
    assert screen.text == CLEAR_LINE + bar(100, 1000, "listeners") + CLEAR_LINE


def test_no_terminal_no_bar():
    clock, shown = progress(screen := Screen(terminal=False))
    clock.now = 9
    shown(100, 1000)
    assert screen.text == ""

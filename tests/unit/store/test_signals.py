"""Word that something has changed reaches whoever waits, from any thread."""

from __future__ import annotations

import asyncio
import threading

from connector.store.signals import Signals


async def test_who_watches_is_told() -> None:
    signals = Signals()
    with signals.watching("a") as watch:
        signals.notify("a")

        assert await watch.changed(0)


async def test_another_thread_is_heard() -> None:
    signals = Signals()
    with signals.watching("a") as watch:
        waiting = asyncio.create_task(watch.changed(5))
        thread = threading.Thread(target=signals.notify, args=("a",))
        thread.start()

        assert await waiting
        thread.join()


async def test_news_about_others_are_not_ours() -> None:
    signals = Signals()
    with signals.watching("a") as watch:
        signals.notify("b")

        assert not await watch.changed(0.01)


async def test_news_are_told_once_to_each_who_watches() -> None:
    signals = Signals()
    with signals.watching("a") as one, signals.watching("a") as two:
        signals.notify("a")

        assert await one.changed(0)
        assert await two.changed(0)
        assert not await one.changed(0.01)


async def test_nobody_is_remembered_who_watches_no_more() -> None:
    signals = Signals()
    with signals.watching("a"):
        pass
    signals.notify("a")

    assert {} == signals._watches

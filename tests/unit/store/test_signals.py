"""Word that something has changed reaches whoever waits, from any thread."""

from __future__ import annotations

import asyncio
import threading

from connector.store.signals import Signals, Watch


async def test_who_watches_is_told() -> None:
    signals = Signals()
    with signals.watching("a") as watch:
        signals.notify("a")

        assert await watch.changed(5)


async def test_who_watches_goes_on_after_what_is_due_in_the_turn_after_the_news() -> None:
    order: list[str] = []
    signals = Signals()

    async def wait(watch: Watch) -> None:
        await watch.changed(5)
        order.append("watcher")

    async def send() -> None:
        order.append("sender")

    with signals.watching("a") as watch:
        waiting = asyncio.create_task(wait(watch))
        await asyncio.sleep(0)
        signals.notify("a")
        sending = asyncio.create_task(send())
        await asyncio.gather(waiting, sending)

    assert ["sender", "watcher"] == order


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

        assert await one.changed(5)
        assert await two.changed(5)
        assert not await one.changed(0.01)


async def test_nobody_is_remembered_who_watches_no_more() -> None:
    signals = Signals()
    with signals.watching("a"):
        pass
    signals.notify("a")

    assert {} == signals._watches

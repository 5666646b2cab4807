"""What the window asks the gateway for, and what a person is told about it; also runs the window's coroutines.

Decides nothing: it sends requests, and says what was done, refused or failed.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from PySide6 import QtCore

from engine import logs
from engine.errors import EngineError, RequestRefused
from engine.model.condition import ConditionAction, ConditionCommand
from engine.model.market import HaltDepth
from engine.model.order import Order, OrderStatus, Reason
from engine.wire.messages import (
    AdoptPosition,
    AskBroker,
    CancelAll,
    CancelOrder,
    Flatten,
    ReplaceOrder,
    SetHalt,
    SetLimits,
    SettleOrder,
)
from terminal import i18n

log = logs.get(__name__)

Request = Callable[[object], Coroutine[Any, Any, Any]]
"""Sends a request and gives its answer; raises EngineError where it is refused or nobody answers."""
_LAST_WAIT_S: Final = 5.0


class Asking(QtCore.QObject):
    """Sends requests and runs coroutines of the window.

    Args:
        say: shows a sentence, with its log level.
        link: gives how to send a request now; None while nobody is logged in.
    """

    def __init__(self, say: Callable[[str, str], None], link: Callable[[], Request | None]) -> None:
        super().__init__()
        self._say, self._link = say, link
        self.tasks: set[asyncio.Task[None]] = set()

    # --- coroutines ----------------------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs a coroutine of the window; what it refuses to do is told to the person."""
        task = asyncio.get_running_loop().create_task(self._told(work))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except RequestRefused as error:
            reason = i18n.text(Reason(error.code)) if error.code in set(Reason) else error.code
            self._say(f"{reason}: {error}", "warning")
        except EngineError as error:
            self._say(str(error), "warning")
        except Exception as error:
            log.exception("the window failed at something")
            self._say(f"{type(error).__name__}: {error}", "error")

    async def let_tasks_end(self) -> None:
        """A login that is on its way finds out by itself that the window closes; nothing may outlive the loop."""
        others = self.tasks - {asyncio.current_task()}
        if others:
            _, pending = await asyncio.wait(others, timeout=_LAST_WAIT_S)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    # --- requests ------------------------------------------------------------------------------------------------

    def ask(self, request: object) -> None:
        """Sends a request to the gateway; its answer or refusal is shown."""
        self.spawn(self.answered(request))

    async def answered(self, request: object) -> None:
        """Sends a request, waits for its answer and shows it.

        Raises:
            EngineError: it was refused, or nobody answered.
        """
        send = self._link()
        if send is None:
            return
        answer = await send(request)
        log.info("carried out", request=type(request).__name__, answer=getattr(answer, "text", ""))
        if text := self._done_text(request):
            told = getattr(answer, "text", "") if isinstance(request, Flatten | CancelAll) else ""
            self._say(f"{text} ({told})" if told else text, "info")
        if isinstance(answer, Order) and answer.status in (OrderStatus.DENIED, OrderStatus.REJECTED):
            self._say(f"{i18n.text(answer.status)}: {i18n.text(answer.reason)}: {answer.text}", "warning")

    def _done_text(self, request: object) -> str:
        """What a person is told when the gateway has taken a request; what comes of it shows in the tables."""
        match request:
            case CancelOrder() | CancelAll():
                return self.tr("Cancel sent; an order is cancelled when the exchange says so.")
            case ReplaceOrder():
                return self.tr("Change sent; it holds when the exchange says so.")
            case Flatten():
                return self.tr("Flatten is pursued; watch the positions until they are flat.")
            case SetHalt(depth=HaltDepth.NONE):
                return self.tr("Trading resumed: new entries pass again.")
            case SetHalt():
                return self.tr("Trading halted: no new entries; exits and cancels still pass.")
            case AskBroker():
                return self.tr("The broker is asked; its answer shows in the tables.")
            case SettleOrder():
                return self.tr("The order is declared dead.")
            case AdoptPosition():
                return self.tr("The broker's figure is taken over.")
            case SetLimits():
                return self.tr("The limits of risk are set.")
            case ConditionCommand(action=ConditionAction.GUARD):
                return self.tr("The lots are put under guard.")
            case ConditionCommand(action=ConditionAction.ARM):
                return self.tr("Condition armed.")
            case ConditionCommand():
                return self.tr("Condition changed.")
        return ""

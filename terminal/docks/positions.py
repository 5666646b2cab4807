"""Positions with their profit and loss after fees and tax, and the sum of all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.instrument import Instrument
from engine.model.position import Position
from engine.model.tick import Tick
from terminal.dialogs.flatten import ask_flatten
from terminal.models.coverage import Key
from terminal.models.positions import (
    POSITION_COLUMNS,
    Holding,
    money_colour,
    money_text,
    total,
)
from terminal.models.table import TableModel
from terminal.theme import Theme
from terminal.widgets.dock import Dock, row, set_tone
from terminal.widgets.pace import Pace
from terminal.widgets.table import Table


class PositionsDock(Dock):
    """Net positions of all contracts and accounts.

    Signals:
        flatten_requested(str): close everything in the contract with this code; already confirmed.
        guard_requested(str, str): account and contract whose lots are to be put under guard.
    """

    flatten_requested = QtCore.Signal(str)
    guard_requested = QtCore.Signal(str, str)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__("positions", parent)
        self._instruments: dict[str, Instrument] = {}
        self._last: dict[str, int] = {}
        self._unheld: dict[Key, int] = {}
        self.pace = Pace(self._show_prices, self)
        self.model: TableModel[Holding] = TableModel(POSITION_COLUMNS, lambda h: h.key, self)
        self.table = Table(self.model, sort_by="symbol", buttons=("guard", "flatten"))
        self.table.button_clicked.connect(self._on_button_clicked)
        self.guard_action, self.flatten_action = QtGui.QAction(self), QtGui.QAction(self)
        for column, action in (("guard", self.guard_action), ("flatten", self.flatten_action)):
            action.triggered.connect(
                lambda _=False, column=column: self._on_button_clicked(self.table.current_key(), column)
            )
            self.table.addAction(action)
        self.table.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.ActionsContextMenu)
        self.table.current_changed.connect(self._enable)
        self._names = [QtWidgets.QLabel() for _ in range(4)]
        self.totals = [QtWidgets.QLabel() for _ in range(4)]
        pairs = [label for pair in zip(self._names, self.totals, strict=True) for label in pair]
        for name in self._names:
            set_tone(name, "muted")
            name.setIndent(16)
        strip = row(None, *pairs, margin=5, spacing=8)
        self.place(self.table)
        box = self.widget().layout()
        assert isinstance(box, QtWidgets.QVBoxLayout)
        box.addLayout(strip)
        self.retranslate()

    def set_instruments(self, instruments: Mapping[str, Instrument]) -> None:
        """The contracts by their code; positions in others are not valued."""
        self._instruments = dict(instruments)
        self.model.set_rows([self._holding(held.position) for held in self.model.rows()])
        self._show_total()

    def set_positions(self, positions: Iterable[Position]) -> None:
        """Replaces all positions."""
        self.model.set_rows([self._holding(position) for position in positions])
        self._show_total()

    def update_position(self, position: Position) -> None:
        """A position is new or has changed."""
        self.model.put(self._holding(position))
        self._show_total()

    def update_ticks(self, ticks: Sequence[Tick]) -> None:
        """A batch of prints: positions of their contracts are valued anew."""
        self.update_last({tick.symbol: tick.price for tick in ticks})

    def update_last(self, prices: Mapping[str, int]) -> None:
        """Last prices, scaled, by contract code."""
        self._last.update(prices)
        self.pace.request()

    def set_unheld(self, lots: Mapping[Key, int]) -> None:
        """Lots that no condition holds, by account and contract."""
        if lots != self._unheld:
            self._unheld = dict(lots)
            for held in self.model.rows():
                self.model.put(self._holding(held.position))
            self._enable()

    @property
    def pnl(self) -> Decimal | None:
        """Profit and loss of all positions after costs, TWD; None where one cannot be valued."""
        return total(self.model.rows()).pnl

    def set_theme(self, theme: Theme) -> None:
        """Colours of profit and loss."""
        super().set_theme(theme)
        self.model.set_theme(theme)

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.setWindowTitle(self.tr("Positions"))
        words = (
            self.tr("Unrealised"),
            self.tr("Realised"),
            self.tr("Fees and tax"),
            self.tr("Total P&L (TWD)"),
        )
        for label, word in zip(self._names, words, strict=True):
            label.setText(word)
        self.guard_action.setText(self.tr("Guard this position…"))
        self.flatten_action.setText(self.tr("Flatten…"))
        self.table.set_empty_text(self.tr("No positions."))
        self.model.retranslate()
        self.table.fit_columns()
        self._enable()
        self._show_total()

    def _show_prices(self) -> None:
        has_changed = False
        for held in self.model.rows():
            price = self._last.get(held.position.symbol, 0)
            if price != held.last:
                self.model.put(replace(held, last=price))
                has_changed = True
        if has_changed:
            self._show_total()

    def _holding(self, position: Position) -> Holding:
        symbol = position.symbol
        return Holding(
            position=position,
            instrument=self._instruments.get(symbol),
            last=self._last.get(symbol, 0),
            unheld=self._unheld.get((position.account, symbol), 0),
        )

    def _enable(self) -> None:
        held = self.model.get(self.table.current_key())
        self.guard_action.setEnabled(held is not None and held.unheld > 0)
        self.flatten_action.setEnabled(held is not None and not held.position.is_flat)

    def _show_total(self) -> None:
        summed = total(self.model.rows())
        shown = (summed.unrealised, summed.realised, summed.costs, summed.pnl)
        for at, (label, amount) in enumerate(zip(self.totals, shown, strict=True)):
            is_cost = at == 2
            text = money_text(amount)
            label.setText(text.lstrip("+") if is_cost else text)
            tone = "" if is_cost else money_colour(amount)
            set_tone(label, "" if tone == "muted" else tone)

    def _on_button_clicked(self, key: str, column: str) -> None:
        held = self.model.get(key)
        if held is None or held.position.is_flat:
            return
        symbol = held.position.symbol
        if column == "guard":
            self.guard_requested.emit(held.position.account, symbol)
            return
        ask_flatten(self, symbol, abs(held.position.net), lambda: self.flatten_requested.emit(symbol))

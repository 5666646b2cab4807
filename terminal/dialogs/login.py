"""The login: which world, who, and where. It keeps no secret and does not log in itself."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.recorded import RecordedPart
from terminal import i18n
from terminal.widgets.choice import Choice
from terminal.widgets.dock import set_tone
from terminal.widgets.path_edit import PathEdit
from terminal.widgets.stored_days import StoredDayPicker

SPEEDS: Final = (1.0, 10.0, 60.0, 120.0, 0.0)
"""Speeds of a replay on offer; 0 = as fast as possible."""
_NARROW: Final = 460
_WIDE: Final = 640


class Recorded(Enum):
    """Where a recorded day comes from."""

    FILE = "file"
    STORE = "store"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerChoice:
    """A world that one can log in to.

    Attributes:
        key: ``simulated``, ``replay``, ``pfcf_dll``, ``pfcf_wheel``.
        is_available: it can be used on this machine.
        why_not: the reason, where it cannot.
        fields: what it needs of ``user``, ``password``, ``url``, ``certificate``, ``replay_file``, ``speed``;
            with ``stored_day`` a day of the market store can be chosen in place of the file.
        urls: servers or environments on offer.
        title: its name where the key has none of its own.
        takes_anyone: any user name will do.
    """

    key: str
    is_available: bool = True
    why_not: str = ""
    fields: frozenset[str] = frozenset()
    urls: tuple[str, ...] = ()
    title: str = ""
    takes_anyone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginRequest:
    """What a person entered. Secrets are not shown by ``repr``.

    Attributes:
        broker: key of the choice.
        user: login name.
        password: secret.
        url: server or environment.
        certificate: path of the certificate file.
        certificate_password: secret.
        replay_file: path of the recorded day.
        stored_day: in its place, what to replay of the market store.
        speed: of the replay; 0 = as fast as possible.
        is_paused: the replay waits at its beginning.
        must_remember: the secrets go into the system's keyring once the login has succeeded.
    """

    broker: str
    user: str = ""
    password: str = field(default="", repr=False)
    url: str = ""
    certificate: str = ""
    certificate_password: str = field(default="", repr=False)
    replay_file: str = ""
    speed: float = 1.0
    must_remember: bool = False
    stored_day: RecordedPart | None = None
    is_paused: bool = False

    def without_secrets(self) -> "LoginRequest":
        """The part that may be remembered."""
        return replace(self, password="", certificate_password="")


class LoginDialog(QtWidgets.QDialog):
    """Asks for broker and credentials.

    Signals:
        login_requested(LoginRequest): a person wants to log in; answer with :meth:`show_error` or ``accept()``.
        secrets_wanted(LoginRequest): broker, environment or user changed; the keyring may hold the secrets of this
            login: answer with :meth:`offer_secrets`.
        login_abandoned(): the person gave up while a login was on its way.
        shelf_wanted(): a stored day is to be chosen: answer with ``stored_days.show_shelf()``.

    Args:
        choices: the brokers; those not available are shown with their reason.
        last: what to begin with, without secrets.

    Until :meth:`set_keyring` says that there is a keyring, nothing can be remembered.
    """

    login_requested = QtCore.Signal(object)
    secrets_wanted = QtCore.Signal(object)
    login_abandoned = QtCore.Signal()
    shelf_wanted = QtCore.Signal()

    def __init__(
        self,
        choices: Iterable[BrokerChoice],
        last: LoginRequest | None = None,
        parent: QtWidgets.QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._choices = {choice.key: choice for choice in choices}
        self._is_busy = False
        self._trouble = ""
        self._is_offered = False
        self.broker = QtWidgets.QComboBox()
        self.user = QtWidgets.QLineEdit()
        self.password = QtWidgets.QLineEdit()
        self.url = QtWidgets.QComboBox()
        self.certificate = PathEdit()
        self.certificate_password = QtWidgets.QLineEdit()
        self.remember = QtWidgets.QCheckBox()
        self.no_keyring = QtWidgets.QLabel()
        self.source = Choice(tuple(Recorded), self._source_text)
        self.replay_file = PathEdit()
        self.stored_days = StoredDayPicker()
        self.paused = QtWidgets.QCheckBox()
        self._is_shelf_wanted = False
        self.speed = QtWidgets.QComboBox()
        self.why_not = QtWidgets.QLabel()
        self.error = QtWidgets.QLabel()
        self.progress = QtWidgets.QProgressBar()
        self.login_button = QtWidgets.QPushButton()
        self.cancel_button = QtWidgets.QPushButton()
        self._lay_out()
        self._connect()
        self._fill()
        self.retranslate()
        self._begin_with(last or LoginRequest(broker=next(iter(self._choices), "")))

    def request(self) -> LoginRequest:
        """What is entered now; fields that the broker does not need are empty."""
        needs = self._choice().fields

        def given(name: str, value: str) -> str:
            return value.strip() if name in needs else ""

        return LoginRequest(
            broker=self._choice().key,
            user=given("user", self.user.text()),
            password=self.password.text() if "password" in needs else "",
            url=given("url", self.url.currentText()),
            certificate=given("certificate", self.certificate.edit.text()),
            certificate_password=self.certificate_password.text() if "certificate" in needs else "",
            replay_file="" if self._takes_stored_day() else given("replay_file", self.replay_file.edit.text()),
            stored_day=self.stored_days.chosen() if self._takes_stored_day() else None,
            speed=float(self.speed.currentData()) if "speed" in needs else 1.0,
            is_paused="speed" in needs and self.paused.isChecked(),
            must_remember="password" in needs and self.remember.isEnabled() and self.remember.isChecked(),
        )

    def _takes_stored_day(self) -> bool:
        return "stored_day" in self._choice().fields and self.source.value is Recorded.STORE

    def _on_source_changed(self) -> None:
        """Shows the file or the days of the store, which is asked for them once."""
        has_choice, is_store = "stored_day" in self._choice().fields, self._takes_stored_day()
        self._form.setRowVisible(self.source, has_choice)
        self._form.setRowVisible(self.stored_days, is_store)
        self._form.setRowVisible(self.replay_file, "replay_file" in self._choice().fields and not is_store)
        self._form.setRowVisible(self.paused, "speed" in self._choice().fields)
        if is_store and not self._is_shelf_wanted:
            self._is_shelf_wanted = True
            self.stored_days.show_reading()
            # Who answers is connected after the dialog was built.
            QtCore.QTimer.singleShot(0, self, self.shelf_wanted.emit)
        self.error.clear()
        self._refresh()
        self._fit()

    def _fit(self) -> None:
        """As large as what is shown needs."""
        self.setMinimumWidth(_WIDE if self._takes_stored_day() else _NARROW)
        self.adjustSize()

    def _source_text(self, source: "Recorded") -> str:
        return {
            Recorded.FILE: self.tr("TAIFEX daily file"),
            Recorded.STORE: self.tr("Market store"),
        }[source]

    def set_keyring(self, trouble: str = "") -> None:
        """There is a keyring that can remember secrets, or there is trouble with it, which is shown.

        Args:
            trouble: a value of :class:`terminal.secrets.Trouble`, empty = none.
        """
        self._trouble = trouble
        self.remember.setEnabled(not trouble)
        self._show_trouble()

    def offer_secrets(self, broker: str, url: str, user: str, password: str, certificate_password: str) -> None:
        """Fills in what the keyring holds, where nothing was entered and it is still the same login."""
        now = self.request()
        if (now.broker, now.url, now.user) != (broker, url, user) or now.password or self._is_busy:
            return
        self.password.setText(password)
        self.certificate_password.setText(certificate_password)
        self.remember.setChecked(True)
        self._is_offered = True

    def _on_place_changed(self) -> None:
        """What the keyring gave for one login is of no use for another, and none of its business."""
        if self._is_offered:
            self._is_offered = False
            self.password.clear()
            self.certificate_password.clear()
            self.remember.setChecked(False)
        self.secrets_wanted.emit(self.request())

    def _show_trouble(self) -> None:
        self.no_keyring.setText(i18n.keyring_text(self._trouble) if self._trouble else "")
        self.no_keyring.setVisible(bool(self._trouble) and "password" in self._choice().fields)

    def set_busy(self, is_busy: bool, text: str = "") -> None:
        """A login is on its way, with a word on how far it is."""
        self._is_busy = is_busy
        self.progress.setVisible(is_busy)
        self._form_widget.setEnabled(not is_busy)
        set_tone(self.error, "muted")
        self.error.setText(text if is_busy else "")
        self._refresh()

    def show_error(self, text: str) -> None:
        """The login failed; the sentence says why. Passwords have to be entered again."""
        self.set_busy(False)
        set_tone(self.error, "error")
        self.error.setText(text)
        self.password.clear()
        self.certificate_password.clear()

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.setWindowTitle(self.tr("Log in"))
        words = {
            "broker": self.tr("Broker"),
            "user": self.tr("User"),
            "password": self.tr("Password"),
            "url": self.tr("Environment"),
            "certificate": self.tr("Certificate"),
            "certificate_password": self.tr("Certificate password"),
            "source": self.tr("Recorded day"),
            "replay_file": self.tr("File"),
            "speed": self.tr("Speed"),
        }
        self.source.retranslate()
        self.stored_days.retranslate()
        self.paused.setText(self.tr("Begin paused"))
        for name, label in self._labels.items():
            label.setText(words[name])
        for at, key in enumerate(self._choices):
            self.broker.setItemText(at, self._choices[key].title or i18n.broker_text(key))
        for at, speed in enumerate(SPEEDS):
            text = self.tr("{factor}×").format(factor=f"{speed:g}")
            self.speed.setItemText(at, text if speed else self.tr("As fast as possible"))
        self.remember.setText(self.tr("Remember the password in the system's keyring"))
        self._show_trouble()
        self.certificate.pattern = self.tr("Certificates (*.pfx *.p12);;All files (*)")
        self.replay_file.pattern = self.tr("TAIFEX daily files (*.zip *.csv *.rpt);;All files (*)")
        self._show_hint()
        self.login_button.setText(self.tr("Log in"))
        self.cancel_button.setText(self.tr("Cancel"))

    def reject(self) -> None:
        """Closes; a login on its way is given up."""
        if self._is_busy:
            self.login_abandoned.emit()
        super().reject()

    def done(self, result: int) -> None:
        """Closes, and forgets the secrets."""
        self.password.clear()
        self.certificate_password.clear()
        super().done(result)

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Follows the language."""
        if event.type() is QtCore.QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _lay_out(self) -> None:
        for secret in (self.password, self.certificate_password):
            secret.setEchoMode(QtWidgets.QLineEdit.EchoMode.Password)
        self.url.setEditable(True)
        self._parts: dict[str, QtWidgets.QWidget] = {
            "broker": self.broker,
            "user": self.user,
            "password": self.password,
            "url": self.url,
            "certificate": self.certificate,
            "certificate_password": self.certificate_password,
            "source": self.source,
            "replay_file": self.replay_file,
            "speed": self.speed,
        }
        self.remember.setEnabled(False)
        self._labels = {name: QtWidgets.QLabel() for name in self._parts}
        self._form_widget = QtWidgets.QWidget()
        self._form = QtWidgets.QFormLayout(self._form_widget)
        self._form.setContentsMargins(0, 0, 0, 0)
        self._form.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for name, part in self._parts.items():
            set_tone(self._labels[name], "muted")
            self._form.addRow(self._labels[name], part)
            if name == "replay_file":
                self._form.addRow(self.stored_days)
        self._form.addRow(self.paused)
        self._form.addRow(self.remember)
        self._form.addRow(self.no_keyring)
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(4)
        self.progress.hide()
        for label, tone in ((self.why_not, "muted"), (self.no_keyring, "muted"), (self.error, "error")):
            label.setWordWrap(True)
            set_tone(label, tone)
        set_tone(self.login_button, "accent")
        self.login_button.setDefault(True)
        buttons = QtWidgets.QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.login_button)
        box = QtWidgets.QVBoxLayout(self)
        box.setContentsMargins(16, 16, 16, 16)
        box.setSpacing(10)
        for widget in (self._form_widget, self.why_not, self.progress, self.error):
            box.addWidget(widget)
        box.addStretch(1)
        box.addLayout(buttons)
        self.setMinimumWidth(_NARROW)

    def _fill(self) -> None:
        model = self.broker.model()
        for at, choice in enumerate(self._choices.values()):
            self.broker.addItem("", choice.key)
            self.broker.setItemData(at, choice.why_not, QtCore.Qt.ItemDataRole.ToolTipRole)
            if not choice.is_available and isinstance(model, QtGui.QStandardItemModel):
                model.item(at).setEnabled(False)
        for speed in SPEEDS:
            self.speed.addItem("", speed)

    def _connect(self) -> None:
        self.broker.currentIndexChanged.connect(self._on_broker_changed)
        for edit in (self.user, self.replay_file.edit, self.certificate.edit):
            edit.textChanged.connect(self._refresh)
        self.url.currentTextChanged.connect(self._refresh)
        self.source.chosen.connect(self._on_source_changed)
        self.stored_days.changed.connect(self._refresh)
        self.url.currentTextChanged.connect(self._on_place_changed)
        self.user.textEdited.connect(self._on_place_changed)
        self.broker.currentIndexChanged.connect(self._on_place_changed)
        self.login_button.clicked.connect(self._on_login)
        self.cancel_button.clicked.connect(self.reject)

    def _begin_with(self, last: LoginRequest) -> None:
        known = self._choices.get(last.broker)
        usable = [choice.key for choice in self._choices.values() if choice.is_available]
        key = last.broker if known and known.is_available else next(iter(usable), last.broker)
        self.broker.setCurrentIndex(max(self.broker.findData(key), 0))
        self.user.setText(last.user)
        self.certificate.edit.setText(last.certificate)
        self.replay_file.edit.setText(last.replay_file)
        self.speed.setCurrentIndex(SPEEDS.index(last.speed) if last.speed in SPEEDS else 0)
        self.paused.setChecked(last.is_paused)
        if last.stored_day is not None:
            self.stored_days.prefer(last.stored_day)
            self.source.choose(Recorded.STORE)
        self._on_broker_changed()
        if last.url:
            self.url.setCurrentText(last.url)
        if "user" in self._choice().fields:
            (self.password if last.user else self.user).setFocus()

    def _choice(self) -> BrokerChoice:
        return self._choices[self.broker.currentData()]

    def _on_broker_changed(self) -> None:
        choice = self._choice()
        for name in self._parts:
            needed = "certificate" if name == "certificate_password" else name
            self._form.setRowVisible(self._parts[name], name == "broker" or needed in choice.fields)
        self._form.setRowVisible(self.remember, "password" in choice.fields)
        self._show_hint()
        self._show_trouble()
        self.url.clear()
        self.url.addItems(choice.urls)
        reasons = [
            f"{c.title or i18n.broker_text(c.key)}: {c.why_not}"
            for c in self._choices.values()
            if not c.is_available and c.why_not
        ]
        self.why_not.setText("\n".join(reasons))
        self.why_not.setVisible(bool(reasons))
        self._on_source_changed()

    def _show_hint(self) -> None:
        self.user.setPlaceholderText(self.tr("Any name") if self._choice().takes_anyone else "")

    def _is_complete(self) -> bool:
        choice, request = self._choice(), self.request()
        given = {
            "user": request.user,
            "url": request.url or not choice.urls,
            "certificate": request.certificate,
            "replay_file": request.stored_day if self._takes_stored_day() else request.replay_file,
        }
        return choice.is_available and all(given.get(name, True) for name in choice.fields)

    def _refresh(self) -> None:
        self.login_button.setEnabled(not self._is_busy and self._is_complete())

    def _on_login(self) -> None:
        request = self.request()
        if request.replay_file and not Path(request.replay_file).is_file():
            self.show_error(self.tr("There is no file {path}.").format(path=request.replay_file))
            return
        self.set_busy(True, self.tr("Logging in…"))
        self.login_requested.emit(request)

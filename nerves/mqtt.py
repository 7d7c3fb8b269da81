"""The bus over MQTT; the only file that imports paho.

Everything of paho happens in one thread of ours, which connects, moves bytes, calls `receive`, acknowledges,
and publishes what other threads put in the tray. So no answer overtakes its question, no callback can
deadlock, the reason of a failed connection is known, and the protocol can change between two connections.
"""

import contextlib
import logging
import random
import select
import socket
import time
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from nerves.address import Address
from nerves.errors import BrokerUnavailable
from nerves.link import BusMessage, Receipt, Receive, ReceiveBusMessage
from nerves.log_once import LogOnce
from nerves.send_queue import OutgoingMessage, SendQueue
from nerves.topics import matches

__all__ = ["MqttLink"]

KEEPALIVE_S = 10
SESSION_S = 7 * 86400
PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
FLUSH_S = 5.0
LEAVE_S = 1.0
CLOSE_S = 5.0
LARGEST = 268_000_000

NEW, OLD = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
BAD_PROTOCOL, BAD_LOGIN, NOT_AUTHORIZED = 0x84, 0x86, 0x87

CHECK_LOGIN = "check mqtt.url and KINWATCH_MQTT_PASSWORD"

logger = logging.getLogger(__name__)


class MqttLink:
    """A `Link` to the broker at `url`; `name` is the client id, which no other process may use.

    Durable: the broker keeps for 7 days what comes while we are away, and repeats what was not acknowledged.
    """

    def __init__(
        self,
        url: str,
        name: str,
        *,
        durable: bool,
        last_will: tuple[str, bytes] | None = None,
        birth_message: tuple[str, bytes] | None = None,
        password: str | None = None,
    ) -> None:
        self._address = Address.parse(url, password)
        self._name, self._durable, self._will, self._hello = name, durable, last_will, birth_message
        self._protocol = NEW
        self._listeners: list[tuple[str, Receive, int]] = []
        self._overheard: list[tuple[str, ReceiveBusMessage]] = []
        self._tray = SendQueue()
        self._stopping = Event()
        self._receive_failed, self._why = False, ""
        self._posted: dict[int, Receipt] = {}
        self._offered: dict[int, str] = {}
        self._asked: dict[int | None, str] = {}
        self._largest = LARGEST
        self._greeted = False
        self._since: float | None = None
        self._connections = 0
        self._complaint = LogOnce(f"not connected to {self._address} yet")

    def __enter__(self) -> Self:
        client = self._new_client()
        self._bell, self._ear = socket.socketpair()
        self._bell.settimeout(0)
        self._thread = Thread(target=self._run, args=[client], name=f"mqtt {self._name}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        until = time.monotonic() + FLUSH_S
        while self.connected and not self._tray.is_settled and time.monotonic() < until:
            time.sleep(0.01)
        self._stopping.set()
        self._wake()
        self._thread.join(CLOSE_S)  # a look-up of the broker's name may take longer: it ends alone

    @property
    def connected(self) -> bool:
        """Whether the broker can be reached now."""
        return self._tray.is_open

    @property
    def connections(self) -> int:
        """How often it has connected."""
        return self._connections

    @property
    def trouble(self) -> str:
        """Why it is not connected, in one line; empty while it is."""
        return self._complaint.text

    def wait_connected(self, timeout_s: float) -> bool:
        """Return whether the broker was reached within the time."""
        return self._tray.wait_open(timeout_s)

    def listen(self, pattern: str, receive: Receive, *, qos: int) -> None:
        """Have `receive` called for what comes on `pattern`; what fits two patterns may come twice."""
        self._listeners.append((pattern, receive, qos))

    def monitor(self, pattern: str, receive: ReceiveBusMessage) -> None:
        """Have `hear` called for what comes on `pattern`, as it was sent; call it before `with`."""
        self._overheard.append((pattern, receive))

    def offer(self, topic: str, payload: bytes) -> bool:
        """Send now, at most once; False while the last one on this topic is unsent or the broker is away."""
        taken = self._tray.offer(topic, payload)
        if taken:
            self._wake()
        return taken

    def post(self, topic: str, payload: bytes, *, retain: bool = False) -> Receipt:
        """Send at least once; `BrokerUnavailable` while the broker is away."""
        receipt = self._tray.post(topic, payload, retain=retain)
        if receipt is None:
            raise BrokerUnavailable(self.trouble or f"the connection to {self._address} has just gone")
        self._wake()
        return receipt

    def _wake(self) -> None:
        """End the network thread's wait for bytes."""
        with contextlib.suppress(OSError):  # rung often enough already, or nobody is left to hear it
            self._bell.send(b"!")

    # The rest runs in the network thread.

    def _run(self, client: paho.Client) -> None:
        """Connect again and again until told to stop."""
        pause = PAUSE_S
        while not self._stopping.is_set():
            lived_s = self._live(client, patience_s=2 * pause)
            if client.protocol != self._protocol:
                client = self._new_client()
                continue
            # A connection that dies at once was no success: a full disk, or another process with the same id.
            pause = PAUSE_S if lived_s > 1 else pause
            self._stopping.wait(pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(2 * pause, LONGEST_PAUSE_S)
        self._bell.close()
        self._ear.close()

    def _live(self, client: paho.Client, patience_s: float) -> float:
        """Connect once, stay until the connection ends, and return how many seconds it was of use."""
        self._receive_failed, self._why, self._greeted = False, "", False
        try:
            client.reconnect()
            self._pump(client, patience_s)
            if not (self._greeted or self._stopping.is_set() or self._protocol == OLD):
                self._sound_out(patience_s)
        except OSError as error:
            self._why = self._address.explain(error)
        except Exception as error:
            logger.exception("nobody expected this of %s", self._address)
            self._why = f"the connection to {self._address} broke: {error!r}"
        return self._gone()

    def _pump(self, client: paho.Client, patience_s: float) -> None:
        """Move bytes until the connection ends, or no greeting comes."""
        until = time.monotonic() + patience_s
        is_leaving = False
        while (sock := client.socket()) and (time.monotonic() < until or (self._greeted and not is_leaving)):
            if self.connected:
                for parcel in self._tray.take_all():
                    self._publish(client, parcel)
            if not is_leaving and (self._stopping.is_set() or self._receive_failed):
                is_leaving, until = True, time.monotonic() + LEAVE_S
                client.disconnect()
            self._turn(client, sock)

    def _sound_out(self, patience_s: float) -> None:
        """Ask, in a greeting so short that even amqtt answers it, whether the broker is an old one."""
        answers: list[ReasonCode] = []
        probe = self._bare_client("")
        probe.on_connect = lambda _client, _data, _flags, reason, _properties: answers.append(reason)
        probe.connect(self._address.host, self._address.port, KEEPALIVE_S)
        until = time.monotonic() + patience_s
        while not answers and probe.socket() and time.monotonic() < until and not self._stopping.is_set():
            probe.loop(0.1)
        probe.disconnect()
        if answers and answers[0].value == BAD_PROTOCOL:
            self._turned_away(answers[0])

    def _turn(self, client: paho.Client, sock: Any) -> None:  # noqa: ANN401  (a socket, or TLS around one)
        """Wait until something can be read or written, and do it."""
        buffered = sock.pending() if self._address.tls else 0  # select does not see what TLS has read ahead
        writing = [sock] if client.want_write() else []
        readable, writable, _ = select.select([sock, self._ear], writing, [], 0 if buffered else 0.5)
        if self._ear in readable:
            self._ear.recv(4096)
        if sock in readable or buffered:
            client.loop_read()
        if sock in writable:
            client.loop_write()
        client.loop_misc()

    def _gone(self) -> float:
        """Note that there is no connection, and return how many seconds there was one."""
        lived_s = time.monotonic() - self._since if self._since else 0.0
        if self._receive_failed:
            self._why = "what arrived could not be kept and is asked for again: see the error above"
        elif self._since and self._complaint.count_loss():
            self._why = f"{self._address} keeps ending the connection: does another process use the id {self._name}?"
        elif not self._why:
            self._why = f"what answers at {self._address} does not speak MQTT, or hangs: check host and port"
        if self._stopping.is_set():
            self._complaint.text = f"the connection to {self._address} is closed"
        else:
            self._complaint.log(self._why)
        self._since = None
        self._tray.close()
        self._offered.clear()
        self._asked.clear()
        return lived_s

    def _publish(self, client: paho.Client, parcel: OutgoingMessage) -> None:
        size = len(parcel.payload) + len(parcel.topic.encode()) + 64
        if size > self._largest:
            self._refuse(parcel, f"larger than the {self._largest} bytes the broker takes")
            return
        info = client.publish(parcel.topic, parcel.payload, 1 if parcel.receipt else 0, parcel.retain)
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            self._refuse(parcel, "too many messages are unanswered")
        elif parcel.receipt:
            self._posted[info.mid] = parcel.receipt
        else:
            self._offered[info.mid] = parcel.topic

    def _refuse(self, parcel: OutgoingMessage, why: str) -> None:
        if parcel.receipt:
            self._tray.mark_answered(parcel.receipt, why)
        else:
            logger.warning("a message on %s is dropped: %s", parcel.topic, why)
            self._tray.mark_sent(parcel.topic)

    def _bare_client(self, name: str) -> paho.Client:
        """Return a client that can log in."""
        v5 = self._protocol == NEW
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=name,
            clean_session=None if v5 else not self._durable,
            protocol=self._protocol,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.username_pw_set(self._address.user, self._address.password)
        if self._address.tls:
            client.tls_set_context(self._address.context())
        return client

    def _new_client(self) -> paho.Client:
        """Return a client that has not connected yet."""
        client = self._bare_client(self._name)
        if self._will:
            client.will_set(*self._will, qos=1, retain=True)
        self._attach(client)
        where = (self._address.host, self._address.port, KEEPALIVE_S)
        if self._protocol == NEW:
            session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            session.SessionExpiryInterval = SESSION_S
            client.connect_async(*where, clean_start=not self._durable, properties=session if self._durable else None)
        else:
            client.connect_async(*where)
        return client

    def _attach(self, client: paho.Client) -> None:
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        # Without this, publish() writes at once and calls on_publish before we know the message's number.
        client.on_socket_register_write = lambda *_: None

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, properties: object
    ) -> None:
        self._greeted = True
        if reason.is_failure:
            self._turned_away(reason)
            return
        self._since = time.monotonic()
        self._largest = getattr(properties, "MaximumPacketSize", LARGEST)
        for pattern, qos in self._patterns().items():
            self._asked[client.subscribe(pattern, qos)[1]] = pattern
        for pattern, _ in self._overheard:
            how = {"options": SubscribeOptions(qos=1, retainAsPublished=True)} if client.protocol == NEW else {"qos": 1}
            self._asked[client.subscribe(pattern, **how)[1]] = pattern
        if not self._asked:
            self._arrived(client)

    def _arrived(self, client: paho.Client) -> None:
        """Say hello, and let others speak: from now on whatever is published reaches us too."""
        if self._hello:
            client.publish(*self._hello, qos=1, retain=True)
        self._connections += 1
        self._complaint.log("")
        self._tray.open()
        logger.info("connected to %s as %s", self._address, self._name)

    def _patterns(self) -> dict[str, int]:
        """Return what to subscribe to, each pattern once, at the highest QoS wanted."""
        patterns: dict[str, int] = {}
        for pattern, _, qos in self._listeners:
            patterns[pattern] = max(qos, patterns.get(pattern, 0))
        return patterns

    def _turned_away(self, reason: ReasonCode) -> None:
        """Note why the broker does not want us; an old one gets the old protocol next time."""
        if reason.value == BAD_PROTOCOL and self._protocol == NEW:
            self._protocol = OLD
            for receipt in self._posted.values():
                self._tray.mark_answered(receipt, "the broker was replaced by one that speaks MQTT 3.1.1 only")
            self._posted.clear()
            self._why = self._complaint.text
        elif reason.value in (BAD_LOGIN, NOT_AUTHORIZED):
            what = "user name or password" if self._address.user else "client without a user name"
            self._why = f"the broker at {self._address} refuses this {what}: {CHECK_LOGIN}"
        else:
            self._why = f"the broker at {self._address} refuses the connection ({reason}): see its log"

    def _on_disconnect(
        self, _client: object, _data: object, flags: paho.DisconnectFlags, reason: ReasonCode, *_: object
    ) -> None:
        told = f" ({reason})" if flags.is_disconnect_packet_from_server else ""
        if not self._why and self._since:
            self._why = f"the connection to {self._address} was lost{told}: is the broker up?"

    def _on_message(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        """Hand a message over, then acknowledge it; what nobody asked for is acknowledged only."""
        if self._receive_failed:
            return
        try:
            for pattern, receive, _ in self._listeners:
                if matches(pattern, message.topic):
                    receive(message.topic, bytes(message.payload))
            for pattern, hear in self._overheard:
                if matches(pattern, message.topic):
                    hear(BusMessage(message.topic, bytes(message.payload), message.qos, bool(message.retain)))
        except Exception:
            logger.exception("what came on %s could not be taken", message.topic)
            if message.qos and self._durable:
                self._receive_failed = True  # MQTT gives it again only on a new connection
                return
        client.ack(message.mid, message.qos)

    def _on_publish(self, _client: object, _data: object, mid: int, reason: ReasonCode, *_: object) -> None:
        topic = self._offered.pop(mid, None)
        if topic is not None:
            self._tray.mark_sent(topic)
        elif (receipt := self._posted.pop(mid, None)) is not None:
            self._tray.mark_answered(receipt, str(reason) if reason.is_failure else None)

    def _on_subscribe(self, client: paho.Client, _data: object, mid: int, reasons: list[ReasonCode], _: object) -> None:
        pattern = self._asked.pop(mid, "")
        for reason in reasons:
            if reason.is_failure:
                logger.warning("the broker does not let %s listen to %s: %s", self._name, pattern, reason)
        if not self._asked:
            self._arrived(client)

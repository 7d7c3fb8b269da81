"""The bus over MQTT; the only file that imports paho.

One thread of ours runs all of paho: it connects, moves bytes, calls `receive`, acknowledges, and publishes the
messages that other threads put into the send queue. This way an acknowledgement cannot arrive before its publish is
recorded, callbacks cannot deadlock, every failure has a known cause, and the protocol can change between connections.
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
SESSION_EXPIRY_S = 7 * 86400
CONNECT_PAUSE_S, MAX_CONNECT_PAUSE_S = 1.0, 30.0
SEND_WAIT_S = 5.0
DISCONNECT_S = 1.0
THREAD_END_S = 5.0
MAX_PACKET_BYTES = 268_000_000

NEW, OLD = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311
BAD_PROTOCOL, BAD_LOGIN, NOT_AUTHORIZED = 0x84, 0x86, 0x87

CHECK_LOGIN = "check mqtt.url and KINWATCH_MQTT_PASSWORD"

logger = logging.getLogger(__name__)


class MqttLink:
    """A `Link` to the broker at `url`; `name` is the client id, which no other process may use.

    If it is durable, the broker stores messages for 7 days while we are away, and repeats those not acknowledged.
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
        self._name, self._durable, self._last_will, self._birth_message = name, durable, last_will, birth_message
        self._protocol = NEW
        self._listeners: list[tuple[str, Receive, int]] = []
        self._monitors: list[tuple[str, ReceiveBusMessage]] = []
        self._queue = SendQueue()
        self._stopping = Event()
        self._receive_failed, self._why = False, ""
        self._posted: dict[int, Receipt] = {}
        self._offered: dict[int, str] = {}
        self._subscribing: dict[int | None, str] = {}
        self._max_packet_bytes = MAX_PACKET_BYTES
        self._is_answered = False
        self._since: float | None = None
        self._connections = 0
        self._trouble = LogOnce(f"not connected to {self._address} yet")

    def __enter__(self) -> Self:
        client = self._new_client()
        self._wake_end, self._wait_end = socket.socketpair()
        self._wake_end.settimeout(0)
        self._thread = Thread(target=self._run, args=[client], name=f"mqtt {self._name}", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        until = time.monotonic() + SEND_WAIT_S
        while self.connected and not self._queue.is_settled and time.monotonic() < until:
            time.sleep(0.01)
        self._stopping.set()
        self._wake()
        self._thread.join(THREAD_END_S)  # a name look-up may take longer; it then ends alone

    @property
    def connected(self) -> bool:
        """Whether there is a connection to the broker."""
        return self._queue.is_open

    @property
    def connections(self) -> int:
        """How often it has connected."""
        return self._connections

    @property
    def trouble(self) -> str:
        """Why it is not connected, in one line; empty while it is."""
        return self._trouble.text

    def wait_connected(self, timeout_s: float) -> bool:
        """Wait for the connection; return whether there was one within the time."""
        return self._queue.wait_open(timeout_s)

    def listen(self, pattern: str, receive: Receive, *, qos: int) -> None:
        """Call `receive` for each message on `pattern`; a topic that matches two patterns may be received twice."""
        self._listeners.append((pattern, receive, qos))

    def monitor(self, pattern: str, receive: ReceiveBusMessage) -> None:
        """Call `receive` for each message on `pattern`, with the flags it was sent with. Use this before `with`."""
        self._monitors.append((pattern, receive))

    def offer(self, topic: str, payload: bytes) -> bool:
        """Send now, at most once; return False while the previous one on this topic is unsent or the broker is away."""
        taken = self._queue.offer(topic, payload)
        if taken:
            self._wake()
        return taken

    def post(self, topic: str, payload: bytes, *, retain: bool = False) -> Receipt:
        """Send at least once. Raises `BrokerUnavailable` while the broker is away."""
        receipt = self._queue.post(topic, payload, retain=retain)
        if receipt is None:
            raise BrokerUnavailable(self.trouble or f"the connection to {self._address} has just gone")
        self._wake()
        return receipt

    def _wake(self) -> None:
        """End the network thread's wait for bytes."""
        with contextlib.suppress(OSError):  # it is woken already, or the thread has ended
            self._wake_end.send(b"!")

    # The rest runs in the network thread.

    def _run(self, client: paho.Client) -> None:
        """Connect, and reconnect after each loss, until told to stop."""
        pause = CONNECT_PAUSE_S
        while not self._stopping.is_set():
            lived_s = self._connect_once(client, patience_s=2 * pause)
            if client.protocol != self._protocol:
                client = self._new_client()
                continue
            # A connection lost at once was no success: the disk is full, or another process has the same id.
            pause = CONNECT_PAUSE_S if lived_s > 1 else pause
            self._stopping.wait(pause * random.uniform(0.5, 1))  # noqa: S311
            pause = min(2 * pause, MAX_CONNECT_PAUSE_S)
        self._wake_end.close()
        self._wait_end.close()

    def _connect_once(self, client: paho.Client, patience_s: float) -> float:
        """Connect once, stay until the connection ends, and return how many seconds it lasted."""
        self._receive_failed, self._why, self._is_answered = False, "", False
        try:
            client.reconnect()
            self._pump(client, patience_s)
            if not (self._is_answered or self._stopping.is_set() or self._protocol == OLD):
                self._probe_protocol(patience_s)
        except OSError as error:
            self._why = self._address.explain(error)
        except Exception as error:
            logger.exception("Unexpected error talking to %s", self._address)
            self._why = f"the connection to {self._address} broke: {error!r}"
        return self._on_loss()

    def _pump(self, client: paho.Client, patience_s: float) -> None:
        """Move bytes until the connection ends, or the broker does not answer in time."""
        until = time.monotonic() + patience_s
        is_ending = False
        while (sock := client.socket()) and (time.monotonic() < until or (self._is_answered and not is_ending)):
            if self.connected:
                for message in self._queue.take_all():
                    self._publish(client, message)
            if not is_ending and (self._stopping.is_set() or self._receive_failed):
                is_ending, until = True, time.monotonic() + DISCONNECT_S
                client.disconnect()
            self._turn(client, sock)

    def _probe_protocol(self, patience_s: float) -> None:
        """Find out whether the broker speaks MQTT 3.1.1 only, by a CONNECT so short that even amqtt answers it."""
        answers: list[ReasonCode] = []
        probe = self._bare_client("")
        probe.on_connect = lambda _client, _data, _flags, reason, _properties: answers.append(reason)
        probe.connect(self._address.host, self._address.port, KEEPALIVE_S)
        until = time.monotonic() + patience_s
        while not answers and probe.socket() and time.monotonic() < until and not self._stopping.is_set():
            probe.loop(0.1)
        probe.disconnect()
        if answers and answers[0].value == BAD_PROTOCOL:
            self._on_refusal(answers[0])

    def _turn(self, client: paho.Client, sock: Any) -> None:  # noqa: ANN401  (a socket, or TLS around one)
        """Wait until the socket can be read or written, and do so."""
        buffered = sock.pending() if self._address.tls else 0  # select does not see what TLS has read ahead
        writing = [sock] if client.want_write() else []
        readable, writable, _ = select.select([sock, self._wait_end], writing, [], 0 if buffered else 0.5)
        if self._wait_end in readable:
            self._wait_end.recv(4096)
        if sock in readable or buffered:
            client.loop_read()
        if sock in writable:
            client.loop_write()
        client.loop_misc()

    def _on_loss(self) -> float:
        """Record the loss of the connection and its cause, and return how many seconds it lasted."""
        lived_s = time.monotonic() - self._since if self._since else 0.0
        if self._receive_failed:
            self._why = "a message could not be stored and is requested again: see the error above"
        elif self._since and self._trouble.count_loss():
            self._why = f"{self._address} keeps ending the connection: does another process use the id {self._name}?"
        elif not self._why:
            self._why = f"what answers at {self._address} does not speak MQTT, or hangs: check host and port"
        if self._stopping.is_set():
            self._trouble.text = f"the connection to {self._address} is closed"
        else:
            self._trouble.log(self._why)
        self._since = None
        self._queue.close()
        self._offered.clear()
        self._subscribing.clear()
        return lived_s

    def _publish(self, client: paho.Client, message: OutgoingMessage) -> None:
        size = len(message.payload) + len(message.topic.encode()) + 64
        if size > self._max_packet_bytes:
            self._refuse(message, f"larger than the {self._max_packet_bytes} bytes the broker takes")
            return
        info = client.publish(message.topic, message.payload, 1 if message.receipt else 0, message.retain)
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            self._refuse(message, "too many messages are unanswered")
        elif message.receipt:
            self._posted[info.mid] = message.receipt
        else:
            self._offered[info.mid] = message.topic

    def _refuse(self, message: OutgoingMessage, why: str) -> None:
        if message.receipt:
            self._queue.mark_answered(message.receipt, why)
        else:
            logger.warning("a message on %s is dropped: %s", message.topic, why)
            self._queue.mark_sent(message.topic)

    def _bare_client(self, name: str) -> paho.Client:
        """Return a paho client with login and TLS, but no callbacks."""
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
        """Return a client with all callbacks that has not connected yet."""
        client = self._bare_client(self._name)
        if self._last_will:
            client.will_set(*self._last_will, qos=1, retain=True)
        self._attach(client)
        where = (self._address.host, self._address.port, KEEPALIVE_S)
        if self._protocol == NEW:
            session = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            session.SessionExpiryInterval = SESSION_EXPIRY_S
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
        # Otherwise publish() writes at once, and calls on_publish before it returns the message's number.
        client.on_socket_register_write = lambda *_: None

    def _on_connect(
        self, client: paho.Client, _data: object, _flags: object, reason: ReasonCode, properties: object
    ) -> None:
        self._is_answered = True
        if reason.is_failure:
            self._on_refusal(reason)
            return
        self._since = time.monotonic()
        self._max_packet_bytes = getattr(properties, "MaximumPacketSize", MAX_PACKET_BYTES)
        for pattern, qos in self._patterns().items():
            self._subscribing[client.subscribe(pattern, qos)[1]] = pattern
        for pattern, _ in self._monitors:
            how = {"options": SubscribeOptions(qos=1, retainAsPublished=True)} if client.protocol == NEW else {"qos": 1}
            self._subscribing[client.subscribe(pattern, **how)[1]] = pattern
        if not self._subscribing:
            self._on_ready(client)

    def _on_ready(self, client: paho.Client) -> None:
        """Publish the birth message and open the send queue: all subscriptions are active now."""
        if self._birth_message:
            client.publish(*self._birth_message, qos=1, retain=True)
        self._connections += 1
        self._trouble.log("")
        self._queue.open()
        logger.info("connected to %s as %s", self._address, self._name)

    def _patterns(self) -> dict[str, int]:
        """Return the patterns to subscribe to, each once, at the highest QoS wanted."""
        patterns: dict[str, int] = {}
        for pattern, _, qos in self._listeners:
            patterns[pattern] = max(qos, patterns.get(pattern, 0))
        return patterns

    def _on_refusal(self, reason: ReasonCode) -> None:
        """Record why the broker refuses us; one that speaks only MQTT 3.1.1 gets that next time."""
        if reason.value == BAD_PROTOCOL and self._protocol == NEW:
            self._protocol = OLD
            for receipt in self._posted.values():
                self._queue.mark_answered(receipt, "the broker was replaced by one that speaks MQTT 3.1.1 only")
            self._posted.clear()
            self._why = self._trouble.text
        elif reason.value in (BAD_LOGIN, NOT_AUTHORIZED):
            what = "user name or password" if self._address.user else "client without a user name"
            self._why = f"the broker at {self._address} refuses this {what}: {CHECK_LOGIN}"
        else:
            self._why = f"the broker at {self._address} refuses the connection ({reason}): see its log"

    def _on_disconnect(
        self, _client: object, _data: object, flags: paho.DisconnectFlags, reason: ReasonCode, *_: object
    ) -> None:
        server_reason = f" ({reason})" if flags.is_disconnect_packet_from_server else ""
        if not self._why and self._since:
            self._why = f"the connection to {self._address} was lost{server_reason}: is the broker up?"

    def _on_message(self, client: paho.Client, _data: object, message: paho.MQTTMessage) -> None:
        """Call the receivers of a message, then acknowledge it. A message without a receiver is only acknowledged."""
        if self._receive_failed:
            return
        try:
            for pattern, receive, _ in self._listeners:
                if matches(pattern, message.topic):
                    receive(message.topic, bytes(message.payload))
            for pattern, hear in self._monitors:
                if matches(pattern, message.topic):
                    hear(BusMessage(message.topic, bytes(message.payload), message.qos, bool(message.retain)))
        except Exception:
            logger.exception("A message on %s could not be received", message.topic)
            if message.qos and self._durable:
                self._receive_failed = True  # the broker repeats it only on a new connection
                return
        client.ack(message.mid, message.qos)

    def _on_publish(self, _client: object, _data: object, mid: int, reason: ReasonCode, *_: object) -> None:
        topic = self._offered.pop(mid, None)
        if topic is not None:
            self._queue.mark_sent(topic)
        elif (receipt := self._posted.pop(mid, None)) is not None:
            self._queue.mark_answered(receipt, str(reason) if reason.is_failure else None)

    def _on_subscribe(self, client: paho.Client, _data: object, mid: int, reasons: list[ReasonCode], _: object) -> None:
        pattern = self._subscribing.pop(mid, "")
        for reason in reasons:
            if reason.is_failure:
                logger.warning("the broker does not let %s listen to %s: %s", self._name, pattern, reason)
        if not self._subscribing:
            self._on_ready(client)

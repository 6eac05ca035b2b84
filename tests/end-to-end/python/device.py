#!/usr/bin/env python3
"""A small home device, written from docs/device-protocol.md alone.

It records a made-up heart rate, publishes it as JSON, keeps every block until the stored watermark covers it, and
ends when everything is stored:

    pip install -r requirements.txt
    MAIA_DEVICE_SECRET=... python3 device.py --device my-belt --seconds 60

Exit code 0: everything that was measured is stored. 1: it is not, although the time was up.
"""

import argparse
import json
import math
import os
import random
import sys
import threading
import time
import uuid

import paho.mqtt.client as mqtt

RATE_HZ = 4
BLOCK_MS = 1000
IN_FLIGHT_MAX = 20
PAUSE_FIRST_S, PAUSE_MAX_S = 30, 600
REPAIR_MAX = 64
STATUS_EVERY_S = 60
RETRY_FIRST_S, RETRY_MAX_S = 1, 60
WATERMARK_WAIT_S = 3


def now_us():
    return time.time_ns() // 1000


def dumps(payload):
    return json.dumps(payload, separators=(",", ":"))


class Device:
    """Measures, keeps, sends, hears. One lock guards all; paho calls back from its own thread."""

    def __init__(self, name, secret, seconds, history):
        self.name, self.secret = name, secret
        self.recording = str(uuid.uuid4())
        self.start_us = now_us() - history * 1_000_000
        self.total = (history + seconds) * 1000 // BLOCK_MS
        self.lock = threading.RLock()
        self.blocks = {}  # sequence -> payload, until the watermark covers it
        self.measured = 0
        self.covered = 0  # number of blocks that the watermark covers
        self.next = 0  # first block not yet sent on this connection
        self.again = []  # blocks to send again, oldest first
        self.events = {}  # number -> payload, until confirmed
        self.events_sent = set()
        self.event_number = now_us()  # above every number of earlier runs
        self.in_flight = set()
        self.connected = False
        self.wait_until = 0.0
        self.progress_at = 0.0
        self.pause_s = PAUSE_FIRST_S
        self.status_at = 0.0
        self.ended = False
        self.client = self.make_client()

    def topic(self, channel):
        return f"ctg/v1/{self.name}/{channel}"

    def make_client(self):
        client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=self.name, clean_session=False, protocol=mqtt.MQTTv311
        )
        client.username_pw_set(self.name, self.secret)
        client.will_set(self.topic("status"), dumps({"online": False}), qos=1, retain=True)
        client.reconnect_delay_set(RETRY_FIRST_S, RETRY_MAX_S)
        client.max_queued_messages_set(2 * IN_FLIGHT_MAX)
        client.on_connect, client.on_disconnect = self.on_connect, self.on_disconnect
        client.on_publish, client.on_message = self.on_publish, self.on_message
        return client

    # Measuring

    def add_event(self, kind, at_us):
        payload = {"rec": self.recording, "seq": self.event_number, "t": at_us, "kind": kind}
        self.events[self.event_number] = dumps(payload)
        self.event_number += 1

    def measure(self):
        """Makes the blocks that are complete by now."""
        due = min(self.total, (now_us() - self.start_us) // (BLOCK_MS * 1000))
        if self.measured == 0 and due > 0:
            self.add_event("start", self.start_us)
        while self.measured < due:
            self.blocks[self.measured] = dumps(self.block(self.measured))
            self.measured += 1
        if self.measured == self.total and not self.ended:
            self.ended = True
            self.add_event("stop", self.start_us + self.total * BLOCK_MS * 1000)

    def block(self, sequence, empty=False):
        count = RATE_HZ * BLOCK_MS // 1000
        times = [sequence * BLOCK_MS / 1000 + i / RATE_HZ for i in range(count)]
        rates = [None if empty or random.random() < 0.01 else round(4 * heart_rate_bpm(t)) for t in times]
        toco = [None if empty else round(2 * toco_units(t)) for t in times]
        return {
            "rec": self.recording,
            "seq": sequence,
            "t": self.start_us + sequence * BLOCK_MS * 1000,
            "len": BLOCK_MS,
            "fhz": RATE_HZ,
            "thz": RATE_HZ,
            "step": 1,
            "fhr": [{"r": rates}],
            "toco": toco,
        }

    # Sending

    def send(self):
        """Sends what may be sent now: events first, then the oldest blocks."""
        now = time.monotonic()
        if not self.connected:
            return
        if now >= self.status_at + STATUS_EVERY_S:
            self.publish_status()
        if self.next > self.covered and now >= self.progress_at + self.pause_s:
            self.again = list(range(self.covered, min(self.covered + REPAIR_MAX, self.next)))
            self.events_sent.clear()
            self.progress_at, self.pause_s = now, min(2 * self.pause_s, PAUSE_MAX_S)
        for number in [number for number in sorted(self.events) if number not in self.events_sent]:
            if len(self.in_flight) < IN_FLIGHT_MAX:
                self.events_sent.add(number)
                self.publish("events", self.events[number])
        while now >= self.wait_until and len(self.in_flight) < IN_FLIGHT_MAX:
            if self.again:
                sequence = self.again.pop(0)
            elif self.next < self.measured:
                sequence = self.next
                self.next += 1
            else:
                break
            if sequence in self.blocks:
                self.publish("samples", self.blocks[sequence])

    def publish(self, channel, payload, retain=False):
        sent = self.client.publish(self.topic(channel), payload, qos=1, retain=retain)
        if sent.rc == mqtt.MQTT_ERR_SUCCESS:
            self.in_flight.add(sent.mid)
        return sent

    def publish_status(self):
        self.status_at = time.monotonic()
        self.publish("status", dumps({"online": True, "t": now_us(), "backlog": len(self.blocks)}), retain=True)

    # Hearing

    def on_connect(self, client, _userdata, _flags, reason, _properties):
        if reason.is_failure:
            print(f"refused: {reason}", file=sys.stderr)
            return
        with self.lock:
            client.subscribe(self.topic("control"), qos=1)
            waits = self.next > self.covered
            self.in_flight.clear()
            self.events_sent.clear()
            self.next, self.again = self.covered, []
            self.progress_at, self.pause_s = time.monotonic(), PAUSE_FIRST_S
            self.wait_until = time.monotonic() + (WATERMARK_WAIT_S if waits else 0)
            self.connected = True
            self.publish_status()

    def on_disconnect(self, _client, _userdata, _flags, reason, _properties):
        with self.lock:
            self.connected = False
        print(f"disconnected: {reason}", file=sys.stderr)

    def on_publish(self, _client, _userdata, mid, _reason, _properties):
        with self.lock:
            self.in_flight.discard(mid)  # received, not stored: nothing is forgotten here

    def on_message(self, _client, _userdata, message):
        try:
            order = json.loads(message.payload)
            kind = order["do"]
        except (ValueError, KeyError, TypeError):
            return
        with self.lock:
            if kind == "stored" and order.get("rec") == self.recording:
                self.handle_stored(order["through"])
            elif kind == "event_stored":
                self.events.pop(order.get("seq"), None)
            elif kind == "refused":
                print(f"refused: {order.get('reason')}", file=sys.stderr)
                sequence = order.get("seq")
                if order.get("rec") == self.recording and sequence in self.blocks:
                    empty = dumps(self.block(sequence, empty=True))
                    if self.blocks[sequence] != empty:
                        self.blocks[sequence] = empty
                        self.again.append(sequence)
            elif kind == "stop" and order.get("rec") == self.recording:
                self.total = self.measured
            elif kind == "message" and now_us() < order.get("until", 0):
                print(f"message: {order.get('text')}")

    def handle_stored(self, through):
        covered = min(through + 1, self.measured)
        self.wait_until = 0
        if covered > self.covered:
            for sequence in range(self.covered, covered):
                self.blocks.pop(sequence, None)
            self.covered, self.next = covered, max(self.next, covered)
            self.progress_at, self.pause_s = time.monotonic(), PAUSE_FIRST_S

    # Life

    def run(self, patience_s):
        """Plays until everything is stored; false when that did not come about in time."""
        self.client.connect_async(*self.address, keepalive=30)
        self.client.loop_start()
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            with self.lock:
                self.measure()
                self.send()
                if self.ended and not self.blocks and not self.events:
                    break
            time.sleep(0.05)
        with self.lock:
            stored = self.ended and not self.blocks
            if self.connected:
                goodbye = self.publish("status", dumps({"online": False, "t": now_us()}), retain=True)
        if self.connected:
            goodbye.wait_for_publish(5)
        self.client.disconnect()
        self.client.loop_stop()
        return stored


def heart_rate_bpm(t):
    acceleration = 18 * max(0.0, math.sin(2 * math.pi * t / 90)) ** 8
    return 138 + 4 * math.sin(2 * math.pi * t / 17) + acceleration + random.uniform(-1, 1)


def toco_units(t):
    return 10 + 40 * max(0.0, math.sin(2 * math.pi * t / 180)) ** 6


def main():
    parser = argparse.ArgumentParser(description="A small home device that speaks the device protocol in JSON.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--device", required=True, help="device id, as registered")
    parser.add_argument("--secret", help="its secret; better in the environment variable MAIA_DEVICE_SECRET")
    parser.add_argument("--seconds", type=int, default=60, help="how long to record")
    parser.add_argument("--history", type=int, default=0, help="seconds recorded before the first connection")
    parser.add_argument("--patience", type=int, default=60, help="seconds to wait at the end until all is stored")
    arguments = parser.parse_args()
    secret = arguments.secret or os.environ.get("MAIA_DEVICE_SECRET", "")
    device = Device(arguments.device, secret, arguments.seconds, arguments.history)
    device.address = (arguments.host, arguments.port)
    stored = device.run(arguments.seconds + arguments.patience)
    print(dumps({"recording": device.recording, "measured": device.measured, "stored": device.covered}), flush=True)
    return 0 if stored else 1


if __name__ == "__main__":
    sys.exit(main())

"""Decodes Veilcast protocol messages, written from shared/protocol/SPEC.md alone to show that it suffices.

Reads protocol.json on stdin, writes one JSON line per vector: the message, or {"error": ...}. Python 3.8, no packages.
"""
import json
import re
import sys
import zlib

MAX_MESSAGE = 1_048_576


class Malformed(Exception):
    pass


class Reader:
    def __init__(self, data):
        self.data, self.pos = data, 0

    def take(self, n):
        if n > len(self.data) - self.pos:
            raise Malformed
        self.pos += n
        return self.data[self.pos - n:self.pos]

    def uint(self, bits):
        return int.from_bytes(self.take(bits // 8), "big")

    def long(self, bits):
        return str(self.uint(bits))

    def hex(self, n):
        return self.take(n).hex()

    def rest(self, limit):
        return shown(self.take(bounded(len(self.data) - self.pos, limit)))

    def words(self, *words):
        index = self.uint(8)
        if index >= len(words):
            raise Malformed
        return words[index]

    def bool(self):
        return self.words(False, True)

    def text(self, limit):
        raw = self.take(bounded(self.uint(8), limit))
        if any(not 0x21 <= byte <= 0x7E for byte in raw):
            raise Malformed
        return raw.decode("ascii")

    def chain(self):
        text = self.text(41)
        if not re.fullmatch(r"[-a-z0-9]{3,8}:[-_a-zA-Z0-9]{1,32}", text):
            raise Malformed
        return text

    def end(self):
        if self.pos != len(self.data):
            raise Malformed


def bounded(n, limit):
    if n > limit:
        raise Malformed
    return n


def at_least_1(n):
    if n < 1:
        raise Malformed
    return n


def shown(raw):
    """As the vectors write bytes: in hex, long ones (all of one byte there) as a repetition."""
    if len(raw) > 1000 and raw == raw[:1] * len(raw):
        return {"repeat": raw[:1].hex(), "times": len(raw)}
    return raw.hex()


def durability(r):
    return r.words("fsync", "replicated", "memory")


def wish(r):
    return {"until": r.words("accepted", "included", "final"), "everyStage": r.bool()}


def submit(r):
    return {"kind": "submit", **wish(r), "notAfter": r.uint(32), "chain": r.chain(), "signedTx": r.rest(1_000_000)}


def status(r):
    return {"kind": "status", **wish(r), "submitId": r.hex(16)}


def info_request(r):
    return {"kind": "info"}


def one_read(r):
    return {"method": r.text(64), "params": shown(r.take(bounded(r.uint(16), 16_384)))}


def read(r):
    return {
        "kind": "read", "chain": r.chain(), "reads": [one_read(r) for _ in range(at_least_1(bounded(r.uint(8), 32)))],
    }


def error(r):
    return {
        "number": r.uint(16),
        "outcome": r.words("notSent", "unknown", "onChain"),
        "values": [r.long(64) for _ in range(bounded(r.uint(8), 4))],
        "label": r.text(32),
    }


def inclusion(r):
    family = r.words("evm", "cosmos")
    common = {"family": family, "height": r.long(64), "blockHash": r.hex(32)}
    if family == "evm":
        return {
            **common, "transactionIndex": r.uint(32), "ok": r.bool(), "gasUsed": r.long(64),
            "effectiveGasPrice": r.long(128), "revertData": shown(r.take(bounded(r.uint(16), 256))),
        }
    return {
        **common, "code": r.uint(32), "codespace": r.text(32), "gasWanted": r.long(64), "gasUsed": r.long(64),
    }


def tx_state(r):
    stage = r.uint(8)
    if stage == 1:
        return {"stage": "accepted", "durability": durability(r)}
    if stage == 2:
        return {"stage": "submitted", "rejection": error(r) if r.bool() else None}
    if stage == 3:
        return {"stage": "included", "inclusion": inclusion(r)}
    if stage == 4:
        return {"stage": "final", "inclusion": inclusion(r)}
    if stage == 5:
        return {"stage": "replaced", "by": r.hex(32), "height": r.long(64)}
    if stage == 6:
        return {"stage": "refused", "error": error(r)}
    if stage == 7:
        return {"stage": "lapsed", "error": error(r)}
    raise Malformed


def state(r):
    return {"kind": "state", "txId": r.hex(32), "state": tx_state(r)}


def failure(r):
    return {"kind": "failure", "error": error(r)}


def served_chain(r):
    return {
        "chain": r.chain(), "family": r.words("evm", "cosmos"), "live": r.bool(),
        "finality": r.words("instant", "confirmations", "finalized"), "confirmations": r.uint(16),
        "maxTransactionBytes": r.uint(32), "height": r.long(64),
    }


def info(r):
    return {
        "kind": "info", "now": r.uint(32), "maxNotAfterSeconds": r.uint(32), "retentionSeconds": r.uint(32),
        "durability": durability(r), "chains": [served_chain(r) for _ in range(bounded(r.uint(8), 64))],
    }


def results(r):
    return {"kind": "results", "packing": r.words("plain", "deflate"), "answers": r.rest(MAX_MESSAGE)}


def answer(r):
    variant = r.words("result", "reverted", "failed")
    if variant == "result":
        return {"kind": variant, "result": shown(r.take(bounded(r.uint(32), 65_536)))}
    if variant == "reverted":
        return {"kind": variant, "data": shown(r.take(bounded(r.uint(16), 8_192)))}
    return {"kind": variant, "error": error(r)}


REQUESTS = {0x01: submit, 0x02: status, 0x03: info_request, 0x04: read}
REPLIES = {0x81: state, 0x82: failure, 0x83: info, 0x84: results}


def decode(data, header_bytes, header, kinds):
    if len(data) < header_bytes:
        return {"error": "malformedMessage"}
    if data[0] != 1:
        return {"error": "unsupportedVersion"}
    if len(data) > MAX_MESSAGE:
        return {"error": "messageTooLarge"}
    if data[header_bytes - 1] not in kinds:
        return {"error": "unknownKind"}
    r = Reader(data)
    r.take(1)
    try:
        message = header(r)
        message["body"] = kinds[r.uint(8)](r)
        r.end()
    except Malformed:
        return {"error": "malformedMessage"}
    return message


def decode_request(data):
    return decode(data, 19, lambda r: {"id": r.hex(16), "surbs": r.uint(8)}, REQUESTS)


def decode_reply(data):
    return decode(data, 30, lambda r: {"id": r.hex(16), "incarnation": r.hex(8), "number": r.uint(32)}, REPLIES)


def inflate(packed):
    stream = zlib.decompressobj(-15)
    try:
        raw = stream.decompress(packed, MAX_MESSAGE + 1)
    except zlib.error:
        raise Malformed
    bounded(len(raw), MAX_MESSAGE)
    if not stream.eof or stream.unused_data:
        raise Malformed
    return raw


def decode_answers(packing, packed):
    try:
        r = Reader(inflate(packed) if packing == "deflate" else packed)
        message = {
            "height": r.long(64), "freshMs": r.uint(32),
            "answers": [answer(r) for _ in range(bounded(r.uint(8), 32))],
        }
        r.end()
    except Malformed:
        return {"error": "malformedMessage"}
    return message


def bytes_of(vector):
    raw = bytes.fromhex(vector["hex"])
    then = vector.get("then")
    return raw + bytes.fromhex(then["repeat"]) * then["times"] if then else raw


if __name__ == "__main__":
    vectors = json.load(sys.stdin)
    for part, decode_one in [
        ("requests", decode_request), ("badRequests", decode_request),
        ("replies", decode_reply), ("badReplies", decode_reply),
    ]:
        for vector in vectors[part]:
            print(json.dumps({"part": part, "name": vector["name"], "got": decode_one(bytes_of(vector))}))
    for part in ["answers", "badAnswers"]:
        for vector in vectors[part]:
            got = decode_answers(vector["packing"], bytes_of(vector))
            print(json.dumps({"part": part, "name": vector["name"], "got": got}))

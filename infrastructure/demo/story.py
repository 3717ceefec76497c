"""One quality defect from its filing to its closing, over HTTP, by everybody whose turn it is."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

from infrastructure.demo.client import Client

Json = dict[str, Any]

PRICE = {"amount_minor": 19900, "currency": "CNY"}
FREIGHT = {"amount_minor": 1200, "currency": "CNY"}
COUPON = {"amount_minor": 2000, "currency": "CNY"}
FINE = {"amount_minor": 50000, "currency": "CNY"}
PAYMENT_SECONDS = 30.0


class PaymentsLate(Exception):
    """The payments of the case were not confirmed in time: the worker does not run, or pays by hand."""


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody just did, and how the case answered."""

    who: str
    what: str
    answer: Json


class Story:
    """Drives one case through the whole path; iterate over it once."""

    def __init__(self, client: Client, now: datetime) -> None:
        self._client = client
        self._now = now
        self._case: Json = {}

    @property
    def case_id(self) -> str:
        """The case, once it is filed."""
        return str(self._case["case_id"])

    @property
    def position(self) -> str:
        """The position of the last fact."""
        return str(self._case["position"])

    def __iter__(self) -> Iterator[Step]:
        """Each step after it was taken. Raises Refused, PaymentsLate."""
        yield from self._claim_and_verify()
        yield from self._decide_and_pay()
        yield from self._penalise()
        yield from self._follow_up_and_close()

    def _claim_and_verify(self) -> Iterator[Step]:
        yield self._do("buyer-integration", "files the case: the zip is broken", "/cases", _filing(self._now))
        photo = {"party": "buyer", "kind": "photo", "title": "拉链特写", "sha256": _digest("photo")}
        yield self._on_case("buyer-integration", "puts a photo on file", "evidence", photo)
        evidence_id = self._case["evidence_id"]
        yield self._on_case("reviewer", "claims the case from the queue", "lease", {}, versioned=True)
        finding = {
            "finding": "upheld",
            "liability": [{"party": "merchant", "share": 100}],
            "evidence": [evidence_id],
            "reasons": "照片与描述一致，拉链齿脱落属于质量问题，责任在商家。",
        }
        yield self._on_case(
            "reviewer", "verifies: upheld, merchant 100 %", "verification", finding, versioned=True
        )

    def _decide_and_pay(self) -> Iterator[Step]:
        decision = {
            "remedies": [
                {"kind": "return"},
                {"kind": "refund", "amount": PRICE, "payer": "merchant", "release": "goods_accepted"},
                {"kind": "freight", "amount": FREIGHT, "payer": "merchant"},
                {"kind": "coupon", "amount": COUPON, "payer": "platform"},
            ],
            "clauses": ["Q-1"],
            "reasons": "七日内的质量问题，退货退款，商家承担运费，平台另赠优惠券致歉。",
        }
        what = "decides: return, refund, freight, coupon"
        yield self._on_case("reviewer", what, "decisions", decision, versioned=True)
        goods = f"goods/{self._case['goods'][0]['goods_id']}"
        parcel = {"reference": "SF1380000500"}
        yield self._on_case("buyer-integration", "sends the goods back", f"{goods}/shipment", parcel)
        yield self._on_case("merchant:m-2001", "receives them", f"{goods}/receipt", parcel)
        yield self._on_case(
            "merchant:m-2001", "accepts them: the refund is due", f"{goods}/acceptance", parcel
        )
        yield self._paid()

    def _paid(self) -> Step:
        """The sandbox gateway confirms through the outbox, so the case moves by itself; wait for it."""
        deadline = time.monotonic() + PAYMENT_SECONDS
        while (page := self._client.get("reviewer", f"/cases/{self.case_id}"))["stage"] != "following_up":
            if time.monotonic() > deadline:
                raise PaymentsLate(
                    f"case {self.case_id} is still {page['stage']} after {PAYMENT_SECONDS:g} s"
                )
            time.sleep(0.05)
        self._case |= page
        return Step("gateway", "confirms all three payments through the outbox", page)

    def _penalise(self) -> Iterator[Step]:
        penalty = {"points": 2, "fine": FINE, "clause": "S-1", "reasons": "同款拉链本月第三起质量投诉。"}
        yield self._on_case(
            "supervisor", "penalises the merchant: 2 points, 500 yuan", "penalties", penalty, versioned=True
        )
        due = _stamp(self._now + timedelta(days=14))
        order = {"terms": "更换拉链供应商，抽检同批次库存。", "due": due}
        yield self._on_case(
            "supervisor", "orders rectification within 14 days", "rectification", order, versioned=True
        )
        report = {"text": "已更换供应商，同批 312 件全部复检，不合格 9 件已下架。"}
        yield self._on_case("merchant:m-2001", "reports what it did", "rectification/submission", report)
        verdict = {"accepted": True, "reasons": "复检记录完整。"}
        yield self._on_case(
            "supervisor", "accepts the rectification", "rectification/verdict", verdict, versioned=True
        )

    def _follow_up_and_close(self) -> Iterator[Step]:
        follow_up = f"follow-ups/{self._case['follow_ups'][-1]['follow_up_id']}"
        attempt = {"channel": "phone", "outcome": "reached"}
        yield self._on_case("agent", "reaches the buyer by phone", f"{follow_up}/attempts", attempt)
        answer = {
            "satisfied": True,
            "speed": 5,
            "attitude": 5,
            "effectiveness": 4,
            "comment": "处理很快。",
            "suggestion": "希望商家随包裹附上备用拉链头。",
        }
        yield self._on_case("agent", "records the answer: satisfied", f"{follow_up}/completion", answer)
        closure = {"resolution": "compensated", "reasons": "款项付清，商家整改通过，买家满意。"}
        yield self._on_case("reviewer", "closes the case as compensated", "closure", closure, versioned=True)

    def _on_case(self, who: str, what: str, path: str, body: Json, *, versioned: bool = False) -> Step:
        version = self._case["version"] if versioned else None
        return self._do(who, what, f"/cases/{self.case_id}/{path}", body, version)

    def _do(self, who: str, what: str, path: str, body: Json, version: int | None = None) -> Step:
        answer = self._client.post(who, path, body, version=version, key=str(uuid4()))
        self._case |= answer
        return Step(who, what, answer)


def _filing(now: datetime) -> Json:
    """A filing of a new order, so that the demo can be run again and again on one home."""
    return {
        "case_type": "return_refund",
        "reason": "quality_defect",
        "channel": "app",
        "buyer_id": "b-1001",
        "merchant_id": "m-2001",
        "order": {
            "order_id": f"PO-{now:%Y%m%d%H%M%S}-{uuid4().hex[:6]}",
            "line_id": "1",
            "sku": "SKU-0101",
            "title": "加厚羽绒服",
            "category": "clothing",
            "quantity": 1,
            "paid": PRICE,
            "purchased_at": _stamp(now - timedelta(days=6)),
            "delivered_at": _stamp(now - timedelta(days=2)),
        },
        "claim": {"remedies": ["return", "refund"], "amount": PRICE, "quantity": 1},
        "statement": "收到两天拉链就坏了，照片见附件，要求退货退款。",
        "contact": {"name": "王芳", "phone": "13800000000", "address": "上海市浦东新区张杨路500号"},
    }


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()

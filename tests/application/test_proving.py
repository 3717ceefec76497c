"""Evidence and its bytes through the use cases, on a real store."""

from datetime import timedelta
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from application.blobs import Content
from application.cases import Files
from application.errors import Forbidden, InvalidRequest, NotFound, ServiceUnavailable
from application.rulebook import OnePolicy
from application.sight import sight
from application.store import VersionConflict
from application.vault import CannotOpen
from domain.refusals import EvidenceWindowOver, WrongStage
from domain.values import Actor, Party, Role, Side
from infrastructure.policy_pack import default_pack

DEFAULT = default_pack()

PDF = b"%PDF-1.7 the invoice"
DIGEST = sha256(PDF).hexdigest()


def content(data: bytes = PDF, media_type: str = "application/pdf") -> Content:
    return Content.checked(media_type, sha256(data).hexdigest(), data)


class Shelf:
    """Keeps bytes in memory, and remembers for whom, and how often they were put."""

    def __init__(self, desk) -> None:
        self.kept: dict[tuple[UUID, UUID], bytes] = {}
        self.puts: list[str] = []
        self._desk = desk

    def put(self, case_id, blob_id, person, data):
        """Also into the table that the store asks whether they are there."""
        self.puts.append(person)
        self.kept[case_id, blob_id] = data
        self._desk.write(
            "INSERT INTO blobs (case_id, blob_id, person, key_id, chunks) VALUES (%s, %s, %s, %s, 1)",
            *(case_id, blob_id, person, uuid4()),
        )

    def get(self, case_id, blob_id):
        return self.kept.get((case_id, blob_id))


@pytest.fixture
def shelf(desk):
    return Shelf(desk)


@pytest.fixture
def files(desk, shelf):
    return Files(desk.store, desk.vault, OnePolicy(DEFAULT), desk.clock, uuid4, shelf, desk.accesses)


def staged(desk, files, case_id, by=None, party=Party.BUYER, **request):
    return files.stage(desk.request(by or desk.app, **request), case_id, party, content())


def submit(desk, case_id, by=None, party=Party.BUYER, sha=DIGEST, **named):
    return desk.cases.submit_evidence(
        desk.request(by or desk.app), case_id, party, "invoice", "发票", sha, **named
    )


# --- bytes ---


def test_bytes_are_kept_for_their_party_and_given_out_once_they_are_submitted(desk, files, shelf):
    case_id = desk.file().aggregate.id
    evidence_id = staged(desk, files, case_id).subject
    assert shelf.puts == ["buyer"]
    with pytest.raises(NotFound) as only_staged:
        files.content(desk.access(desk.app), case_id, evidence_id)
    assert only_staged.value.kind == "evidence"
    assert submit(desk, case_id, evidence_id=evidence_id).subject == evidence_id
    for reader in (desk.app, desk.seller, desk.agent, desk.reviewer, desk.supervisor, desk.auditor):
        assert files.content(desk.access(reader), case_id, evidence_id) == content()


def test_the_digest_alone_names_what_the_party_has_staged(desk, files):
    case_id = desk.file().aggregate.id
    evidence_id = staged(desk, files, case_id).subject
    assert submit(desk, case_id, desk.seller, Party.MERCHANT).subject != evidence_id
    assert submit(desk, case_id, sha="0" * 64).subject != evidence_id
    assert submit(desk, case_id).subject == evidence_id
    assert submit(desk, case_id).subject != evidence_id


def test_the_same_bytes_submitted_again_get_the_same_answer(desk, files):
    case_id = desk.file().aggregate.id
    evidence_id = staged(desk, files, case_id).subject
    first = submit(desk, case_id, evidence_id=evidence_id)
    submit(desk, case_id, sha="0" * 64)
    again = submit(desk, case_id, evidence_id=evidence_id)
    assert (again.position, again.aggregate.version) == (first.position, first.aggregate.version)


def test_evidence_by_reference_has_no_bytes(desk, files):
    case_id = desk.file().aggregate.id
    evidence_id = submit(desk, case_id).subject
    with pytest.raises(NotFound) as caught:
        files.content(desk.access(desk.reviewer), case_id, evidence_id)
    assert caught.value.kind == "evidence_content"


def test_bytes_that_nobody_can_open_any_more_are_not_there(desk, files, shelf):
    case_id = desk.file().aggregate.id
    evidence_id = staged(desk, files, case_id).subject
    submit(desk, case_id)
    shelf.kept.clear()
    with pytest.raises(NotFound) as caught:
        files.content(desk.access(desk.reviewer), case_id, evidence_id)
    assert caught.value.kind == "evidence_content"


def test_other_bytes_than_those_that_were_submitted_are_never_given_out(desk, files, shelf):
    case_id = desk.file().aggregate.id
    evidence_id = staged(desk, files, case_id).subject
    submit(desk, case_id)
    shelf.kept[case_id, evidence_id] = PDF + b"!"
    with pytest.raises(CannotOpen):
        files.content(desk.access(desk.reviewer), case_id, evidence_id)


@pytest.mark.parametrize("role", Role)
def test_bytes_are_for_those_who_may_read_texts(desk, files, role):
    reader = Actor("somebody", role, "m-2001")
    with pytest.raises(NotFound if sight(reader).texts else Forbidden):
        files.content(desk.access(reader), uuid4(), uuid4())


def test_another_merchants_bytes_are_not_there(desk, files):
    case_id = desk.file().aggregate.id
    evidence_id = staged(desk, files, case_id).subject
    submit(desk, case_id)
    with pytest.raises(NotFound) as caught:
        files.content(desk.access(desk.other_seller), case_id, evidence_id)
    assert caught.value.kind == "case"
    with pytest.raises(NotFound):
        staged(desk, files, case_id, desk.other_seller, Party.MERCHANT)


def test_outside_callers_stage_for_themselves_only(desk, files, shelf, nothing_recorded):
    case_id = desk.file().aggregate.id
    with nothing_recorded, pytest.raises(Forbidden):
        staged(desk, files, case_id, desk.seller)
    assert shelf.puts == []


def test_a_refused_piece_leaves_no_bytes(desk, files, shelf, nothing_recorded):
    filed = desk.file().aggregate
    desk.cases.withdraw(desk.request(desk.app, filed.version), filed.id, "不要了")
    with nothing_recorded, pytest.raises(WrongStage):
        staged(desk, files, filed.id)
    assert shelf.puts == []


class Overtaken:
    """A store in which another command is recorded first, so many times."""

    def __init__(self, store, times):
        self._store, self._times = store, times

    def __getattr__(self, name):
        return getattr(self._store, name)

    def save(self, case, provenance, effects):
        self._times -= 1
        if self._times >= 0:
            raise VersionConflict
        return self._store.save(case, provenance, effects)


def test_bytes_are_put_once_however_often_their_fact_is_tried(desk, files, shelf):
    case_id = desk.file().aggregate.id
    files._store = Overtaken(desk.store, 2)
    staged(desk, files, case_id)
    assert desk.facts(case_id)[-2:] == ["EvidenceStaged", "ClockStarted"]
    assert shelf.puts == ["buyer"]


def test_the_same_upload_under_one_key_is_one_piece(desk, files, shelf):
    case_id = desk.file().aggregate.id
    first = staged(desk, files, case_id, key="up-1")
    again = staged(desk, files, case_id, key="up-1")
    assert (again.subject, again.position) == (first.subject, first.position)
    assert shelf.puts == ["buyer"]


def test_no_fact_tells_of_bytes_that_are_not_there(desk, files, shelf, nothing_recorded):
    case_id = desk.file().aggregate.id
    shelf.put = lambda *_: None
    with nothing_recorded, pytest.raises(ServiceUnavailable):
        staged(desk, files, case_id)


def test_discarded_bytes_go_with_their_fact(desk, files):
    case_id = desk.file().aggregate.id
    kept, gone = (staged(desk, files, case_id) for _ in range(2))
    submit(desk, case_id, evidence_id=kept.subject)
    clock = gone.aggregate.clocks.of(gone.subject)
    desk.clock.pass_time(hours=24)
    assert desk.cases.miss_clock(desk.request(desk.ticker), case_id, clock.clock_id)
    assert desk.facts(case_id)[-2:] == ["ClockMissed", "EvidenceDiscarded"]
    assert desk.rows("SELECT blob_id, kept FROM blobs WHERE case_id = %s", case_id) == [(kept.subject, True)]


# --- what bytes may be ---

ANYTHING_ELSE = b"GIF89a" + bytes(64)
MEDIA = {
    "image/jpeg": b"\xff\xd8\xff\xe0" + bytes(32),
    "image/png": b"\x89PNG\r\n\x1a\n" + bytes(32),
    "image/webp": b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(32),
    "application/pdf": PDF,
    "video/mp4": b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomavc1" + bytes(32),
}


@pytest.mark.parametrize("media_type", MEDIA)
@pytest.mark.parametrize("bytes_of", [*MEDIA, "anything else"])
def test_bytes_must_begin_as_their_media_type_does(media_type, bytes_of):
    data = MEDIA.get(bytes_of, ANYTHING_ELSE)
    if bytes_of == media_type:
        assert content(data, media_type).data == data
    else:
        with pytest.raises(InvalidRequest) as caught:
            content(data, media_type)
        assert caught.value.code == "content_mismatch"


@pytest.mark.parametrize(
    ("data", "taken"),
    [
        (b"\x00\x00\x00\x18ftypqt  \x00\x00\x02\x00qt  mp42", True),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x02\x00mif1heic", False),
        (b"\x00\x00\x00\x14ftypqt  \x00\x00\x02\x00qt  mp42", False),
        (b"\x00\x00\x00\x18moovisom\x00\x00\x02\x00isomavc1", False),
    ],
    ids=["a compatible brand", "a picture", "a brand beyond its box", "no file type"],
)
def test_an_mp4_names_its_brand(data, taken):
    if taken:
        assert content(data, "video/mp4").data == data
    else:
        with pytest.raises(InvalidRequest):
            content(data, "video/mp4")


@pytest.mark.parametrize(
    ("data", "digest", "code"), [(b"", DIGEST, "required"), (PDF, "0" * 64, "digest_mismatch")]
)
def test_bytes_must_be_there_and_have_the_digest_that_was_said(data, digest, code):
    with pytest.raises(InvalidRequest) as caught:
        Content.checked("application/pdf", digest, data)
    assert caught.value.code == code


def test_bytes_show_in_no_representation():
    assert "invoice" not in repr(content())


# --- asking and judging ---


def test_what_is_said_is_sealed_for_whoever_said_it(desk):
    case_id = desk.file().aggregate.id
    desk.cases.request_evidence(desk.request(desk.agent), case_id, Side.BUYER, ("photo",), "请补充照片")
    piece = submit(desk, case_id).subject
    desk.cases.challenge_evidence(desk.request(desk.seller), case_id, piece, "与订单不符")
    desk.cases.accept_evidence(desk.request(desk.agent), case_id, piece, "可以采信")
    desk.cases.withdraw_evidence(desk.request(desk.app), case_id, piece, "传错了")
    facts = {type(one.fact).__name__: one.fact for one in desk.store.facts(case_id)}
    assert facts["EvidenceRequested"].text.box == "2:text:请补充照片"
    challenged, accepted = facts["EvidenceChallenged"], facts["EvidenceAccepted"]
    assert (challenged.by_party, challenged.reasons.person) == ("merchant", "merchant")
    assert (accepted.by_party, accepted.reasons.person) == ("platform", "platform")
    assert facts["EvidenceWithdrawn"].reasons.person == "buyer"


def test_a_request_falls_due_by_the_ticker(desk):
    case_id = desk.file().aggregate.id
    asked = desk.cases.request_evidence(desk.request(desk.agent), case_id, Side.MERCHANT)
    clock = asked.aggregate.clocks.of(asked.subject)
    assert desk.rows("SELECT due FROM deadlines WHERE clock_id = %s", clock.clock_id) == [
        (desk.clock.at + timedelta(hours=4),)
    ]
    desk.clock.pass_time(hours=4)
    assert desk.cases.miss_clock(desk.request(desk.ticker), case_id, clock.clock_id)
    assert desk.facts(case_id)[-1] == "EvidenceLapsed"
    with pytest.raises(EvidenceWindowOver):
        submit(desk, case_id, desk.seller, Party.MERCHANT, request_id=asked.subject)


def test_the_burden_of_proof_is_told_with_its_derivation(desk):
    burden = desk.cases.burden(desk.file().aggregate, desk.clock.at)
    assert (burden.value, burden.derivation[0].rule) == (Side.MERCHANT, "I-2")

"""Every read model. A new one is one file and one line here."""

from typing import Any

from projections.case_index import CASE_INDEX
from projections.case_times import CASE_TIMES
from projections.compensations import COMPENSATIONS
from projections.corrective_actions import CORRECTIVE_ACTIONS
from projections.deadlines import DEADLINES
from projections.erasures import ERASURES
from projections.follow_ups import FOLLOW_UPS
from projections.incidents import INCIDENTS
from projections.merchant_cases import MERCHANT_CASES
from projections.merchant_penalties import MERCHANT_PENALTIES
from projections.merchant_points import MERCHANT_POINTS
from projections.milestones import MILESTONES
from projections.occurrences import OCCURRENCES
from projections.open_loops import OPEN_LOOPS
from projections.read_model import ReadModel
from projections.recoveries import RECOVERIES
from projections.review_queue import REVIEW_QUEUE
from projections.sanctions import SANCTIONS
from projections.upheld_cases import UPHELD_CASES
from projections.workload import WORKLOAD

ALL: tuple[ReadModel[Any], ...] = (
    REVIEW_QUEUE,
    MERCHANT_PENALTIES,
    FOLLOW_UPS,
    DEADLINES,
    OPEN_LOOPS,
    COMPENSATIONS,
    RECOVERIES,
    CASE_INDEX,
    OCCURRENCES,
    INCIDENTS,
    MERCHANT_POINTS,
    MERCHANT_CASES,
    SANCTIONS,
    CORRECTIVE_ACTIONS,
    UPHELD_CASES,
    CASE_TIMES,
    MILESTONES,
    WORKLOAD,
    ERASURES,
)

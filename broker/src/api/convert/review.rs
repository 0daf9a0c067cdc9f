//! Reviews in protobuf.

use breakglass_proto::v1;

use super::time;
use crate::app::OwedReview;

/// What is owed of one incident.
pub(in crate::api) fn owed_review(owed: &OwedReview) -> v1::OwedReview {
    v1::OwedReview {
        incident: owed.incident.to_string(),
        closed_at: Some(time(owed.closed_at)),
        grants: owed.grants.iter().map(ToString::to_string).collect(),
        late_at: owed.late_at.map(time),
    }
}

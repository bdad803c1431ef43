//! Reading the audit: its records, newest first, and how often what ended how.

use crate::access::Access;
use crate::caller::Caller;
use crate::table::Operations;
use postern_model::postern::errors::InvalidParameterException;
use postern_model::postern::*;
use postern_model::{Answer, Timestamp, refusal};
use postern_store::audit::{AuditCount, KeptRecord};
use postern_store::timings::{BEYOND, Timed};

/// Records on a page unless the caller asks for fewer or more.
const PAGE: i64 = 50;
/// Records that one call looks at for those that are searched for. The rest is on the next page.
const LOOKED_AT_MAX: usize = 5000;
/// Records read at a time while searching.
const STRIDE: i64 = 500;
const HOUR_MS: i64 = 3_600_000;
const HOURS: i64 = 24;

pub(super) fn operations() -> Operations<Access> {
    Operations::new()
        .on(op::ListAuditRecords, Access::list_audit_records)
        .on(op::GetMetrics, Access::get_metrics)
}

impl Access {
    /// Lists records, newest first. A page may hold fewer than were asked for and still not be the last.
    pub async fn list_audit_records(
        &self,
        _: &Caller,
        request: ListAuditRecordsRequest,
    ) -> Answer<ListAuditRecordsResponse> {
        let limit = usize::try_from(request.max_results.unwrap_or(PAGE)).unwrap_or_default();
        let start = request.next_token.as_deref().map(id).transpose()?;
        let only = request.id.as_deref().map(id).transpose()?;
        self.store
            .read(move |tx| {
                if let Some(only) = &only {
                    let found = tx.find_audit(only)?.into_iter().map(shown).collect();
                    return Ok(ListAuditRecordsResponse { records: Some(found), next_token: None });
                }
                let mut before = start.clone();
                let mut records = Vec::new();
                let mut looked_at = 0;
                loop {
                    let page = tx.audit_before(request.who.as_deref(), before.as_deref(), STRIDE)?;
                    let is_last = (page.len() as i64) < STRIDE;
                    for kept in page {
                        before = Some(kept.id.clone());
                        looked_at += 1;
                        if wanted(&request, &kept) {
                            records.push(shown(kept));
                        }
                        if records.len() == limit || looked_at == LOOKED_AT_MAX {
                            let next_token = before.as_deref().map(hex::encode);
                            return Ok(ListAuditRecordsResponse { records: Some(records), next_token });
                        }
                    }
                    if is_last {
                        return Ok(ListAuditRecordsResponse { records: Some(records), next_token: None });
                    }
                }
            })
            .await
    }

    /// Tells how often what ended how: by hour, and since the beginning.
    pub async fn get_metrics(&self, _: &Caller, request: GetMetricsRequest) -> Answer<GetMetricsResponse> {
        let hours = request.hours.unwrap_or(HOURS);
        let from = self.clock.now().minus_ms((hours - 1) * HOUR_MS);
        let from = postern_store::Timestamp::from_ms(from.ms() - from.ms().rem_euclid(HOUR_MS));
        let read: anyhow::Result<_> =
            self.store.read(move |tx| Ok((tx.audit_counts(from)?, tx.timings(from)?))).await;
        let (counts, timed) = read?;
        let (sums, timed): (Vec<_>, Vec<_>) = timed.into_iter().partition(|timed| timed.hour.ms() == 0);
        let (totals, counts): (Vec<_>, Vec<_>) = counts.into_iter().partition(|count| count.hour.ms() == 0);
        Ok(GetMetricsResponse {
            counts: Some(counts.into_iter().map(counted).collect()),
            totals: Some(totals.into_iter().map(counted).collect()),
            durations: Some(timed.into_iter().map(timed_as).collect()),
            duration_totals: Some(sums.into_iter().map(timed_as).collect()),
        })
    }
}

fn id(text: &str) -> Answer<Vec<u8>> {
    hex::decode(text).map_err(|_| refusal(InvalidParameterException, "This is not the id of a record."))
}

/// Whether a record is one of those searched for. A name searched for may be the beginning of one.
fn wanted(request: &ListAuditRecordsRequest, kept: &KeptRecord) -> bool {
    let record = &kept.record;
    let is = |asked: &Option<String>, has: &str| asked.as_ref().is_none_or(|asked| has == asked);
    let begins =
        |asked: &Option<String>, has: &str| asked.as_ref().is_none_or(|asked| has.starts_with(asked));
    let contains = |asked: &Option<String>, has: &str| asked.as_ref().is_none_or(|asked| has.contains(asked));
    begins(&request.action, &record.action)
        && is(&request.outcome, &record.outcome)
        && is(&request.request_id, &record.request_id)
        && contains(&request.resource, &record.resource)
}

fn shown(kept: KeptRecord) -> AuditRecordType {
    let record = kept.record;
    AuditRecordType {
        id: Some(hex::encode(kept.id)),
        time: Some(Timestamp(record.time.ms())),
        request_id: Some(record.request_id),
        who: Some(record.who),
        action: Some(record.action),
        resource: Some(record.resource),
        source: Some(record.source),
        outcome: Some(record.outcome),
        detail: Some(record.detail),
        request: (!kept.request.is_empty()).then_some(kept.request),
    }
}

fn counted(count: AuditCount) -> CountType {
    CountType {
        hour: (count.hour.ms() > 0).then_some(Timestamp(count.hour.ms())),
        action: Some(count.action),
        outcome: Some(count.outcome),
        count: Some(count.count),
    }
}

fn timed_as(timed: Timed) -> DurationType {
    DurationType {
        hour: (timed.hour.ms() > 0).then_some(Timestamp(timed.hour.ms())),
        series: Some(timed.series),
        name: Some(timed.name),
        up_to_milliseconds: (timed.bound_ms != BEYOND).then_some(timed.bound_ms),
        count: Some(timed.count),
        total_milliseconds: Some(timed.total_ms),
    }
}

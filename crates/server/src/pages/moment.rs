//! A moment as pages show it: UTC in the markup, which a script turns into the reader's own time.

use postern_store::Timestamp;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// A moment, for a `<time>` element.
#[derive(Clone, Copy, Debug)]
pub struct Moment(pub Timestamp);

const DAY_AND_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]:[second] UTC");
const TIME: &[BorrowedFormatItem<'_>] = format_description!("[hour]:[minute] UTC");

impl Moment {
    fn date(self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(self.0.ms().div_euclid(1000)).ok()
    }

    /// Writes `2026-01-02T03:04:05Z`, for machines.
    pub fn iso(self) -> String {
        self.date().and_then(|date| date.format(&Rfc3339).ok()).unwrap_or_default()
    }

    /// Writes `2 Jan 2026, 03:04:05 UTC`.
    pub fn long(self) -> String {
        self.date().and_then(|date| date.format(DAY_AND_TIME).ok()).unwrap_or_default()
    }

    /// Writes `03:04 UTC`.
    pub fn short(self) -> String {
        self.date().and_then(|date| date.format(TIME).ok()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_the_same_for_people_and_machines() {
        let moment = Moment(Timestamp::from_ms(1_767_323_045_678));
        assert_eq!(moment.iso(), "2026-01-02T03:04:05Z");
        assert_eq!(moment.long(), "2 Jan 2026, 03:04:05 UTC");
        assert_eq!(moment.short(), "03:04 UTC");
    }
}

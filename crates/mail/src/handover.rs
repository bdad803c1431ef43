//! How an accepted mail passes from the unit of work that wrote it down to the worker that carries it.

use std::time::Duration;

use postern_store::Timestamp;
use postern_store::mail::OutboxRow;

use crate::draft::Letter;

/// How long one attempt at delivery may hold a mail before anyone else may try.
pub const LEASE: Duration = Duration::from_secs(60);

/// What the worker is told after a commit.
pub enum Note {
    /// A mail that is leased to this process, its content with it.
    Leased(Box<(OutboxRow, Letter)>),
    /// A mail that will be due then.
    Due(Timestamp),
}

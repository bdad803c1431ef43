//! Statements about identities, the SES account, the outbox and the inbox.

//! Statements about IAM users, keys, roles and policies.

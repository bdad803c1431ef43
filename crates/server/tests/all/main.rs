//! All tests of the server as a client, a browser or an attacker meets it: one program, a file per topic.

mod attacks;
mod console;
mod console_audit;
mod console_settings;
mod crash;
mod device_attacks;
mod devices;
mod email_role;
mod functions;
mod fuzz;
mod groups;
mod identity_providers;
mod import;
mod list_users;
mod lists;
mod logs;
mod mfa;
mod mfa_attacks;
mod own_attributes;
mod pages;
mod passkeys;
mod races;
mod recovery;
mod refusals;
mod resource_servers;
mod server_answers;
mod sessions;
mod sign_in;
mod sns;
mod srp;
mod step_up;
mod story;
#[path = "../support/mod.rs"]
mod support;
mod text_mfa;
mod texts;

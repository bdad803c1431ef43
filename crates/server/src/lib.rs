//! The server: the only part that answers HTTP. The API's protocols, the sign-in pages, the inbox, and the program
//! that starts them. Rules and use cases live on the floors below.

pub mod api;
pub mod app;
pub mod commands;
pub mod config;
mod console;
pub mod doors;
mod health;
pub mod http;
mod inbox;
mod links;
pub mod local_tls;
mod log_groups;
pub mod login;
mod loopback;
pub mod master_key;
mod notices;
pub mod pages;
mod patience;
pub mod rate;
pub mod respond;
pub mod seed;
pub mod settings;
pub mod source;
mod upload;
mod well_known;
mod witness;
pub mod worker;

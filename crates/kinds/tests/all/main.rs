//! The kinds as the runtime meets them: tasks in, lines and outcomes out.

mod catalogue;
mod code;
mod guard;
mod http;
mod log;
mod secrets;
mod server;
mod shell;
mod stream;
mod support;
mod tls;
mod transform;

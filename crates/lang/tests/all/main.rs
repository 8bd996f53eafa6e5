//! What the compiler does, seen from outside.

mod flows;
mod hostile;
mod naughty;
mod pages;
mod rendering;
mod said;
mod steps;
mod sub_flows;
mod syntax;

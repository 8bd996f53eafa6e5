//! The functions that jq programs may call.
//!
//! **Invariant:** none of them tells a program anything of the machine it runs on, ends the process, or writes to it.

use jaq_core::{
    Cv, Error,
    native::{Fun, bome, run, v},
};
use jaq_json::{Num, Val, read};
use jaq_std::ValT;

use super::Data;

/// Multiplication that does not make much text out of little.
pub(super) const MUL: &str = "drawloom_mul";
/// `tonumber` for texts of bounded length.
pub(super) const TONUMBER: &str = "drawloom_tonumber";
/// The longest text that [`MUL`] repeats to, and that [`TONUMBER`] reads.
pub(super) const SHORT: usize = 256;

/// All functions that are not defined in jq itself.
pub(super) fn all() -> impl Iterator<Item = Fun<Data>> {
    const REPLACED: [&str; 4] = ["env", "halt", "debug_empty", "stderr_empty"];
    let theirs = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    theirs.filter(|(name, ..)| !REPLACED.contains(name)).chain(ours())
}

fn ours() -> [Fun<Data>; 6] {
    [
        run(("env", v(0), |_| bome(Ok(Val::obj(jaq_json::Map::default()))))),
        run(("halt", v(1), |_| bome(Err(Error::str("`halt` is not available"))))),
        run(("debug_empty", v(0), |_| Box::new(std::iter::empty()))),
        run(("stderr_empty", v(0), |_| Box::new(std::iter::empty()))),
        run((MUL, v(2), |cv| bome(mul(cv)))),
        run((TONUMBER, v(0), |cv| bome(to_number(cv.1)))),
    ]
}

fn mul(mut cv: Cv<'_, Data>) -> jaq_json::ValR {
    let right = cv.0.pop_var();
    let left = cv.0.pop_var();
    let repeated = |text: &Val, times: &Val| Some(text.as_bytes()?.len() as f64 * times.as_f64()?);
    let length = repeated(&left, &right).or_else(|| repeated(&right, &left));
    if length.is_some_and(|it| it > SHORT as f64) {
        return Err(Error::str(format_args!("a text is repeated to at most {SHORT} bytes here")));
    }
    left * right
}

fn to_number(value: Val) -> jaq_json::ValR {
    let number = match &value {
        Val::Num(_) => return Ok(value),
        Val::TStr(it) if it.len() <= SHORT => read::parse_single(it).ok(),
        _ => None,
    };
    match number {
        Some(Val::Num(Num::Dec(it))) => Ok(Val::Num(Num::from_dec_str(&it))),
        Some(it @ Val::Num(_)) => Ok(it),
        _ => Err(Error::typ(value, "number")),
    }
}

//! Which jq programs are cheap for sure, found by measuring the program before it runs.
//!
//! For a term and an input of size `s` (values and bytes of text), [`Bound`] holds straight lines above the number of
//! its outputs and above their sizes together. Lines compose: what takes the outputs of another term sees inputs
//! whose sizes together are known. Wherever a product of two growing numbers comes up, or a term that may not end,
//! there is no bound.
//!
//! **Invariant:** a term without a bound is refused; so is every function that is not listed here.

use jaq_core::{
    load::{lex::StrPart, parse::BinaryOp, parse::Term},
    ops::Math,
    path::{Part, Path},
};

use super::natives::{MUL, SHORT, TONUMBER};

/// The steepest line that counts as cheap.
const SLOPE_MAX: u64 = 4096;
/// The largest number of bytes that a program may make of nothing.
const BASE_MAX: u64 = 1 << 20;
/// The deepest nesting of a program.
const DEPTH_MAX: u32 = 64;
/// The most parts of one path, object or text: some are worked off by recursion.
const PARTS_MAX: usize = 200;
/// By how much escaping may lengthen a text.
const ESCAPED: u64 = 8;

/// `slope * s + base`
#[derive(Clone, Copy)]
struct Line {
    slope: u64,
    base: u64,
}

impl Line {
    const ONE: Self = Self { slope: 0, base: 1 };
    const INPUT: Self = Self { slope: 1, base: 0 };

    fn plus(self, other: Self) -> Self {
        Self { slope: self.slope.saturating_add(other.slope), base: self.base.saturating_add(other.base) }
    }

    fn scale(self, by: u64) -> Self {
        Self { slope: self.slope.saturating_mul(by), base: self.base.saturating_mul(by) }
    }

    /// The product, unless it is a curve.
    fn times(self, other: Self) -> Option<Self> {
        if self.slope != 0 && other.slope != 0 {
            return None;
        }
        let slope = self.slope.saturating_mul(other.base).saturating_add(self.base.saturating_mul(other.slope));
        Some(Self { slope, base: self.base.saturating_mul(other.base) })
    }
}

#[derive(Clone, Copy)]
struct Bound {
    /// How many outputs there are.
    outs: Line,
    /// How large they are together.
    size: Line,
}

impl Bound {
    /// One output that is no larger than the input.
    const SAME: Self = Self { outs: Line::ONE, size: Line::INPUT };
    /// One output of a number's size.
    const SMALL: Self = Self { outs: Line::ONE, size: Line { slope: 0, base: 32 } };
    /// No output.
    const NONE: Self = Self { outs: Line { slope: 0, base: 0 }, size: Line { slope: 0, base: 0 } };
    /// Each part of the input.
    const EACH: Self = Self { outs: Line::INPUT, size: Line::INPUT };

    fn grown(slope: u64, base: u64) -> Self {
        Self { outs: Line::ONE, size: Line { slope, base } }
    }

    /// `self | next`
    fn then(self, next: Self) -> Self {
        let of = |line: Line| self.size.scale(line.slope).plus(self.outs.scale(line.base));
        Self { outs: of(next.outs), size: of(next.size) }
    }

    /// Outputs of both.
    fn and(self, other: Self) -> Self {
        Self { outs: self.outs.plus(other.outs), size: self.size.plus(other.size) }
    }

    /// Something made of each output of one with each of the other.
    fn with(self, other: Self) -> Option<Self> {
        let size = self.size.times(other.outs)?.plus(other.size.times(self.outs)?);
        Some(Self { outs: self.outs.times(other.outs)?, size })
    }

    fn more(self, size: Line) -> Self {
        Self { size: self.size.plus(size), ..self }
    }

    fn checked(self) -> Option<Self> {
        let small = |it: Line| it.slope <= SLOPE_MAX && it.base <= BASE_MAX;
        (small(self.outs) && small(self.size)).then_some(self)
    }
}

/// Whether `program` has a bound; it is then rewritten to use the bounded forms of `*` and `tonumber`.
pub(super) fn is_bounded(program: &mut Term<&str>) -> bool {
    term(program, 0).is_some()
}

fn term(it: &mut Term<&str>, depth: u32) -> Option<Bound> {
    if depth > DEPTH_MAX {
        return None;
    }
    let down = depth + 1;
    let bound = match it {
        Term::Id => Bound::SAME,
        Term::Num(digits) => Bound::grown(0, digits.len() as u64 + 1),
        Term::Str(format, parts) => text(*format, parts, down)?,
        Term::Arr(None) => Bound::SMALL,
        Term::Arr(Some(items)) => {
            let items = term(items, down)?;
            Bound { outs: Line::ONE, size: items.size.plus(items.outs).plus(Line::ONE) }
        }
        Term::Obj(members) => object(members, down)?,
        Term::Neg(of) => term(of, down)?,
        Term::BinOp(left, op, right) => binary(left, op, right, down)?,
        Term::TryCatch(body, catch) => {
            let body = term(body, down)?;
            let catch = catch.as_mut().map_or(Some(Bound::NONE), |it| term(it, down))?;
            // The error that is caught may hold the input.
            body.and(Bound::grown(2, 256).then(catch))
        }
        Term::IfThenElse(arms, last) => {
            let mut sum = last.as_mut().map_or(Some(Bound::SAME), |it| term(it, down))?;
            for (condition, then) in arms.iter_mut().rev() {
                let (condition, then) = (term(condition, down)?, term(then, down)?);
                sum = Bound { size: Line { slope: 0, base: 0 }, ..condition }.with(then.and(sum))?;
            }
            sum
        }
        Term::Call(name, args) => call(name, args, down)?,
        Term::Path(head, path) => of_path(term(head, down)?, path)?,
        Term::Recurse | Term::Label(..) | Term::Break(_) | Term::Fold(..) | Term::Def(..) | Term::Var(_) => {
            return None;
        }
    };
    if let Term::BinOp(left, BinaryOp::Math(Math::Mul), right) = it {
        let args = vec![std::mem::take(&mut **left), std::mem::take(&mut **right)];
        *it = Term::Call(MUL, args);
    }
    bound.checked()
}

/// A path that is written out: names, positions, and `[]`.
fn of_path(mut bound: Bound, Path(parts): &Path<Term<&str>>) -> Option<Bound> {
    if parts.len() > PARTS_MAX {
        return None;
    }
    for (part, _) in parts {
        match part {
            Part::Index(at) if is_literal(at) => {}
            Part::Range(None, None) => bound = bound.then(Bound::EACH),
            Part::Range(from, to) if from.iter().chain(to).all(is_literal) => {}
            _ => return None,
        }
    }
    Some(bound)
}

fn is_literal(it: &Term<&str>) -> bool {
    match it {
        Term::Num(_) => true,
        Term::Neg(it) => matches!(**it, Term::Num(_)),
        Term::Str(None, parts) => parts.iter().all(|it| !matches!(it, StrPart::Term(_))),
        _ => false,
    }
}

fn text(format: Option<&str>, parts: &mut [StrPart<&str, Term<&str>>], depth: u32) -> Option<Bound> {
    if !matches!(format, None | Some("@text" | "@json" | "@html" | "@uri" | "@base64")) || parts.len() > PARTS_MAX {
        return None;
    }
    let mut all = Bound::grown(0, 1);
    for part in parts {
        all = match part {
            StrPart::Str(it) => all.more(all.outs.scale(it.len() as u64)),
            StrPart::Char(_) => all.more(all.outs.scale(4)),
            StrPart::Term(it) => all.with(term(it, depth)?.then(Bound::grown(ESCAPED, 8)))?,
        };
    }
    Some(all)
}

fn object(members: &mut [(Term<&str>, Option<Term<&str>>)], depth: u32) -> Option<Bound> {
    if members.len() > PARTS_MAX {
        return None;
    }
    let mut all = Bound::grown(0, 1);
    for (name, value) in members {
        all = all.with(term(name, depth)?)?;
        // `{name}` is `{name: .name}`.
        let value = value.as_mut().map_or(Some(Bound::SAME), |it| term(it, depth))?;
        all = all.with(value)?;
    }
    Some(all)
}

fn binary(left: &mut Term<&str>, op: &BinaryOp<&str>, right: &mut Term<&str>, depth: u32) -> Option<Bound> {
    let (l, r) = (term(left, depth)?, term(right, depth)?);
    match op {
        BinaryOp::Pipe(None) => Some(l.then(r)),
        BinaryOp::Comma | BinaryOp::Alt => Some(l.and(r)),
        BinaryOp::Or | BinaryOp::And | BinaryOp::Cmp(_) => {
            let outs = l.outs.times(r.outs)?.plus(l.outs);
            // Both sides are held while they are compared.
            l.with(r)?.checked()?;
            Some(Bound { outs, size: outs })
        }
        BinaryOp::Math(Math::Mul) => {
            let single = |it: Bound| it.outs.slope == 0 && it.outs.base == 1;
            (single(l) && single(r))
                .then(|| l.with(r))
                .flatten()
                .map(|it| it.more(Line { slope: 0, base: SHORT as u64 }))
        }
        BinaryOp::Math(_) => {
            let both = l.with(r)?;
            Some(Bound { outs: both.outs, size: both.size.scale(2).plus(both.outs) })
        }
        BinaryOp::Update => {
            let Term::Path(head, _) = left else { return None };
            let changed = l.then(r);
            matches!(**head, Term::Id).then_some(Bound { outs: Line::ONE, size: changed.size.plus(Line::INPUT) })
        }
        BinaryOp::Assign | BinaryOp::UpdateAlt | BinaryOp::UpdateMath(Math::Add | Math::Sub) => {
            let Term::Path(head, _) = left else { return None };
            let single = r.outs.slope == 0 && r.outs.base == 1 && matches!(**head, Term::Id);
            let size = r.size.times(l.outs)?.plus(Line::INPUT).scale(2);
            single.then_some(Bound { outs: Line::ONE, size })
        }
        BinaryOp::Pipe(Some(_)) | BinaryOp::UpdateMath(_) => None,
    }
}

fn call(name: &mut &str, args: &mut [Term<&str>], depth: u32) -> Option<Bound> {
    match args {
        [] => plain(name),
        [arg] => {
            // A path that is removed is no value: it is looked at as it stands.
            if *name == "del" {
                let Term::Path(head, Path(parts)) = arg else { return None };
                let single = parts.iter().all(|(part, _)| matches!(part, Part::Index(at) if is_literal(at)));
                return (single && matches!(**head, Term::Id)).then_some(Bound::SAME);
            }
            let literal = is_literal(arg);
            let arg = term(arg, depth)?;
            with_filter(name, arg).or_else(|| with_value(name, arg, literal))
        }
        _ => None,
    }
}

/// Functions of the input alone.
fn plain(name: &mut &str) -> Option<Bound> {
    Some(match *name {
        "empty" => Bound::NONE,
        "null" | "true" | "false" | "not" | "length" | "utf8bytelength" | "type" | "any" | "all" | "isboolean"
        | "isnumber" | "isstring" | "isarray" | "isobject" => Bound::SMALL,
        "floor" | "ceil" | "round" | "fabs" | "abs" | "sqrt" => Bound::grown(1, 400),
        "tonumber" => {
            *name = TONUMBER;
            Bound::grown(1, 32)
        }
        "values" | "nulls" | "booleans" | "numbers" | "strings" | "arrays" | "objects" | "iterables" | "scalars"
        | "sort" | "reverse" | "unique" | "min" | "max" | "first" | "last" | "add" | "keys" | "keys_unsorted"
        | "ascii_downcase" | "ascii_upcase" | "trim" | "ltrim" | "rtrim" | "error" => Bound::grown(2, 32),
        "to_entries" | "from_entries" => Bound::grown(6, 8),
        "tostring" | "tojson" | "@text" | "@json" | "@html" | "@uri" | "@base64" => Bound::grown(ESCAPED, 32),
        _ => return None,
    })
}

/// Functions that apply their argument, a filter, to the input or its parts.
fn with_filter(name: &str, arg: Bound) -> Option<Bound> {
    let each = Bound::EACH.then(arg);
    each.checked()?;
    Some(match name {
        "map" => Bound { outs: Line::ONE, size: each.size.plus(each.outs).plus(Line::ONE) },
        "map_values" => Bound { outs: Line::ONE, size: each.size.plus(Line::INPUT) },
        "select" => Bound { outs: arg.outs, size: Line::INPUT.times(arg.outs)? },
        "sort_by" | "group_by" | "unique_by" | "min_by" | "max_by" => {
            Bound { outs: Line::ONE, size: each.size.plus(Line::INPUT.scale(2)).plus(Line { slope: 0, base: 8 }) }
        }
        "any" | "all" => Bound::SMALL,
        "add" => Bound { outs: Line::ONE, size: arg.size.plus(Line::ONE) },
        "with_entries" => {
            let entries = Bound::grown(6, 8).then(Bound::EACH).then(arg);
            Bound { outs: Line::ONE, size: entries.size.plus(entries.outs).scale(2).plus(Line::ONE) }
        }
        "first" | "last" => Bound { outs: Line::ONE, size: arg.size },
        "isempty" => Bound::SMALL,
        "error" => Bound { outs: arg.outs, size: arg.size },
        _ => return None,
    })
}

/// Functions of the input and a value.
fn with_value(name: &str, arg: Bound, literal: bool) -> Option<Bound> {
    let both = Bound::SAME.with(arg)?;
    Some(match name {
        "has" if literal => Bound::SMALL,
        "contains" | "index" | "rindex" if literal => Bound::grown(1, 32),
        "startswith" | "endswith" => Bound { size: both.outs.scale(32), ..both },
        "ltrimstr" | "rtrimstr" => both,
        "split" if literal => Bound::grown(3, 8),
        "join" if literal => Bound { outs: Line::ONE, size: Line { slope: arg.size.base + ESCAPED, base: 32 } },
        _ => return None,
    })
}
